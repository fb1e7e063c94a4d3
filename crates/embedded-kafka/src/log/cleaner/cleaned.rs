//! The file that records the progress of compaction.

use std::io;
use std::path::Path;

use super::super::files::{read_if_there, replace};

/// Names the file, which is in the directory of the log.
const CLEANED_FILE: &str = "cleaner-offset";

/// The progress of compaction in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Cleaned {
    /// The offset at which the next pass begins to read.
    pub(super) first_dirty: i64,
    /// Below this offset there may be gaps.
    pub(super) gaps_end: i64,
}

impl Cleaned {
    /// Reads the file in `directory`. Without one, nothing was cleaned.
    pub(in super::super) fn load(directory: &Path) -> io::Result<Self> {
        let contents = read_if_there(&directory.join(CLEANED_FILE))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&contents);
        let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
        let (first_dirty, gaps_end) = (numbers.next(), numbers.next());
        Ok(match first_dirty.zip(gaps_end) {
            Some((first_dirty, gaps_end)) => Self { first_dirty, gaps_end },
            // The file is not in this format: no segment is known to be without gaps.
            None if !contents.is_empty() => Self { first_dirty: 0, gaps_end: i64::MAX },
            None => Self::default(),
        })
    }

    pub(super) fn save(self, directory: &Path) -> io::Result<()> {
        let text = format!("{} {}\n", self.first_dirty, self.gaps_end);
        replace(&directory.join(CLEANED_FILE), text.as_bytes())
    }
}
