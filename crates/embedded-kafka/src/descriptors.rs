//! The limit of open files and connections of this process.
//!
//! Systems allow a program few of them by default: 1,024 on most Linux machines, 256 on macOS. A
//! cluster raises the limit to the allowed maximum, as Java does for Kafka. Logs need few however
//! many partitions there are; connections need one each.

/// The limit to ask for if the system rejects its own: macOS names one that it does not grant
/// (`OPEN_MAX`, which Java takes too).
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

/// Raises the limit of open files to the highest that this process may have. A failure does no
/// harm.
#[cfg(unix)]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(before) = current else { return };
    let raise = |to: Option<u64>| setrlimit(Resource::Nofile, Rlimit { current: to, maximum });
    if maximum.is_some_and(|maximum| maximum <= before) || raise(maximum).is_ok() {
        return;
    }
    let less = maximum.unwrap_or(OPEN_MAX).min(OPEN_MAX);
    if less > before
        && let Err(error) = raise(Some(less))
    {
        tracing::debug!(%error, before, "the limit of open files stays as it is");
    }
}

#[cfg(not(unix))]
pub(crate) fn raise_limit() {}
