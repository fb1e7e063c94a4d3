//! What a process has used so far, as Linux tells it. Elsewhere nothing is known, and the table
//! says so.

use std::time::Duration;

/// `/proc` counts CPU time in hundredths of a second, whatever the kernel's own clock does.
const TICK: Duration = Duration::from_millis(10);

/// A process to be watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    id: u32,
}

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self { id }
    }

    /// CPU time in user and kernel mode so far, to 10 ms.
    pub(crate) fn cpu_time(self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id)).ok()?;
        cpu_time(&stat)
    }

    /// Memory in RAM now, in bytes.
    pub(crate) fn memory(self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that was in RAM at once since [`forget_peak`](Self::forget_peak), in bytes.
    pub(crate) fn peak_memory(self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// Lets the peak of memory begin anew. Where that is not allowed it stays that of the process.
    pub(crate) fn forget_peak(self) {
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.id), "5");
    }

    fn status(self, field: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).ok()?;
        kilobytes(&status, field).map(|kilobytes| kilobytes * 1024)
    }
}

/// The 14th and 15th field, counted behind the name, which may hold spaces and parentheses.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let kernel: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + kernel))
}

fn kilobytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_a_name_with_spaces() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0";
        assert_eq!(cpu_time(stat), Some(Duration::from_millis(1750)));
        assert_eq!(cpu_time("42 (a) S 1"), None);
    }

    #[test]
    fn a_field_of_the_status_is_in_kilobytes() {
        let status = "Name:\tbench\nVmHWM:\t    9000 kB\nVmRSS:\t    8000 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(8000));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }
}
