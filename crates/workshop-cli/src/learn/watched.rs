//! Notices when a program is saved.
//!
//! It looks at the files ten times a second instead of asking the system for events: two or three
//! files cost nothing, and every editor and every network drive has modification times.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// The interval at which the files are looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// What distinguishes two states of a file.
type Stamp = Option<(SystemTime, u64)>;

/// Files whose saves matter.
#[derive(Debug)]
pub(crate) struct Watched {
    files: Vec<PathBuf>,
    seen: Vec<Stamp>,
}

impl Watched {
    /// Watches these files from now on.
    pub(crate) fn of(files: Vec<PathBuf>) -> Self {
        let seen = stamps(&files);
        Self { files, seen }
    }

    /// Waits until a file has been saved, and no file changes any more. A file that is missing for
    /// a moment is one that an editor replaces.
    pub(crate) async fn saved(&mut self) {
        let mut last = self.seen.clone();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = stamps(&self.files);
            let is_whole = now.iter().all(Option::is_some);
            if is_whole && now != self.seen && now == last {
                self.seen = now;
                return;
            }
            last = now;
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |file: &PathBuf| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_save_is_noticed_once_and_a_file_that_is_replaced_is_one_save() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("my.rs");
        fs::write(&file, "1").unwrap();
        let mut watched = Watched::of(vec![file.clone()]);
        let limit = Duration::from_secs(20);
        let moment = 3 * INTERVAL;
        assert!(tokio::time::timeout(moment, watched.saved()).await.is_err());
        fs::remove_file(&file).unwrap();
        assert!(tokio::time::timeout(moment, watched.saved()).await.is_err());
        fs::write(&file, "22").unwrap();
        tokio::time::timeout(limit, watched.saved()).await.unwrap();
        assert!(tokio::time::timeout(moment, watched.saved()).await.is_err());
    }
}
