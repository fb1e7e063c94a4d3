//! Lets the registries of one machine write to the topic one after the other.
//!
//! Each registry that takes over fences the previous one (`log`). That is correct but slow: on a
//! busy machine, several registries that write at the same moment can fence each other until their
//! time limits pass. So the registries of one machine share a lock file, and each holds the lock
//! during a write. The operating system releases the lock when the process ends. The directory for
//! temporary files holds 64 lock files at most; topics that share one wait a little longer.
//!
//! The lock is a courtesy: without it, and between machines, Kafka's fence still decides.

use std::fs::{File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The pause between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(5);

/// The number of lock files.
const FILES: u64 = 64;

/// The lock file of all registries of this machine that write to one topic of one cluster.
pub(crate) struct Turns {
    path: PathBuf,
}

/// The right to write, until this is dropped.
pub(crate) struct Turn {
    lock: Option<File>,
}

/// Closing the file is not enough: a child process that is just starting holds a copy of it.
impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // The end of the process releases the lock too.
            let _ = lock.unlock();
        }
    }
}

impl Turns {
    pub(crate) fn new(cluster_id: &str, topic: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (cluster_id, topic).hash(&mut hasher);
        let name = format!("embedded-registry-{}.lock", hasher.finish() % FILES);
        Self { path: std::env::temp_dir().join(name) }
    }

    /// Waits for the lock until the deadline. Returns a turn without the lock if the deadline
    /// passes or the file cannot be opened, because another user may own it.
    ///
    /// Blocks its thread.
    pub(crate) fn take(&self, deadline: Instant) -> Turn {
        let Ok(file) = File::options().create(true).append(true).open(&self.path) else {
            return Turn { lock: None };
        };
        loop {
            match file.try_lock() {
                Ok(()) => return Turn { lock: Some(file) },
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(PAUSE);
                }
                Err(_) => return Turn { lock: None },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn a_turn_ends_when_it_is_dropped_and_a_long_one_blocks_the_next_for_a_limited_time() {
        let turns = Turns::new("a test of turns", &std::process::id().to_string());
        let turn = turns.take(Instant::now() + SOON);
        let in_a_child = turn.lock.as_ref().map(|file| file.try_clone().expect("it can be copied"));
        assert!(in_a_child.is_some());
        assert!(turns.take(Instant::now() + SOON).lock.is_none());
        drop(turn);
        assert!(turns.take(Instant::now() + SOON).lock.is_some());
    }

    #[test]
    fn without_a_file_there_is_no_lock() {
        let turns = Turns { path: PathBuf::from("/nowhere/at/all") };
        assert!(turns.take(Instant::now() + SOON).lock.is_none());
    }

    #[test]
    fn the_registries_of_one_topic_share_a_file() {
        assert_eq!(Turns::new("cluster", "topic").path, Turns::new("cluster", "topic").path);
    }
}
