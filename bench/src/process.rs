//! What processes have used so far, as Linux tells it. Elsewhere nothing is known, and the table
//! says so.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// `/proc` counts CPU time in hundredths of a second, whatever the kernel's own clock does.
const TICK: Duration = Duration::from_millis(10);

/// A process to be watched, with those that it has started.
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
        let time = |id| cpu_time(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?);
        self.family().into_iter().map(time).sum()
    }

    /// Memory in RAM now, in bytes.
    pub(crate) fn memory(self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that was in RAM at once since [`forget_peak`](Self::forget_peak), in bytes.
    /// Of several processes it is the sum of what each had at its own time.
    pub(crate) fn peak_memory(self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// Lets the peak of memory start again. Where that is not allowed it stays that of the process.
    pub(crate) fn forget_peak(self) {
        for id in self.family() {
            let _ = fs::write(format!("/proc/{id}/clear_refs"), "5");
        }
    }

    fn status(self, field: &str) -> Option<u64> {
        let kilobytes = |id| {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            kilobytes(&status, field)
        };
        self.family().into_iter().map(kilobytes).sum::<Option<u64>>().map(|sum| sum * 1024)
    }

    /// The process and all that descend from it: a node of Apache Kafka is a process of its own.
    fn family(self) -> Vec<u32> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for id in processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            if let Some(parent) = parent(&stat) {
                children.entry(parent).or_default().push(id);
            }
        }
        let mut family = vec![self.id];
        let mut next = 0;
        while let Some(id) = family.get(next) {
            family.extend(children.remove(id).unwrap_or_default());
            next += 1;
        }
        family
    }
}

/// The fields from the third on: they are counted behind the name, which may hold spaces and
/// parentheses.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    Some(behind_name.split_whitespace())
}

/// The 4th field.
fn parent(stat: &str) -> Option<u32> {
    fields(stat)?.nth(1)?.parse().ok()
}

/// The 14th and 15th field.
fn cpu_time(stat: &str) -> Option<Duration> {
    let mut fields = fields(stat)?.skip(11);
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
    fn fields_are_found_behind_a_name_with_spaces() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0";
        assert_eq!(cpu_time(stat), Some(Duration::from_millis(1750)));
        assert_eq!(parent(stat), Some(1));
        assert_eq!(cpu_time("42 (a) S 1"), None);
    }

    #[test]
    fn a_field_of_the_status_is_in_kilobytes() {
        let status = "Name:\tbench\nVmHWM:\t    9000 kB\nVmRSS:\t    8000 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(8000));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }
}
