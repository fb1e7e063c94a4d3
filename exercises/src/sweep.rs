//! Ends every process that a program has started.
//!
//! A process group covers what a program starts in the usual way. A process in a session of its own
//! leaves the group, but inherits the environment: on Linux, /proc shows a marker there.

/// The environment variable that marks a run.
pub(crate) const MARKER: &str = "WORKSHOP_RUN";

/// Sends SIGKILL or SIGTERM to the process group that `leader` leads.
#[cfg(unix)]
pub(crate) fn signal_group(leader: u32, kill: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if kill { Signal::KILL } else { Signal::TERM };
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // The group may be gone already.
        let _ = kill_process_group(group, signal);
    }
}

/// Windows knows no process groups: the child itself is ended by the caller.
#[cfg(not(unix))]
pub(crate) fn signal_group(_leader: u32, _kill: bool) {}

/// Returns how many processes carry the marker.
#[cfg(target_os = "linux")]
pub(crate) fn count(marker: &str) -> usize {
    let wanted = format!("{MARKER}={marker}");
    processes().filter(|it| has_marker(*it, &wanted)).count()
}

/// Kills each process that carries the marker.
#[cfg(target_os = "linux")]
pub(crate) fn sweep(marker: &str) {
    use rustix::process::{Pid, Signal, kill_process};
    let wanted = format!("{MARKER}={marker}");
    // A process that starts others can do so while the list is read.
    for _ in 0..20 {
        let marked: Vec<i32> = processes().filter(|it| has_marker(*it, &wanted)).collect();
        if marked.is_empty() {
            break;
        }
        for process in marked.into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(process, Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Elsewhere, what leaves the process group is not seen.
#[cfg(not(target_os = "linux"))]
pub(crate) fn count(_marker: &str) -> usize {
    0
}

/// Elsewhere, the process group is all that is ended.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sweep(_marker: &str) {}

#[cfg(target_os = "linux")]
fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Tells whether a process carries the marker. A process that has ended has no environment.
#[cfg(target_os = "linux")]
fn has_marker(process: i32, wanted: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}
