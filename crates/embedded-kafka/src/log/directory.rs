//! The files in a partition's directory other than the segments' contents.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::files::{TEMPORARY_SUFFIX, read_if_there, remove_if_there, replace};
use super::view::{
    INDEX_SUFFIX, LOG_SUFFIX, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX,
};

/// The file that holds the log start offset, once records were deleted.
const START_OFFSET_FILE: &str = "log-start-offset";

/// The offsets that file names in a partition's directory begin with.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) logs: BTreeSet<i64>,
    pub(super) snapshots: BTreeSet<i64>,
    pub(super) transaction_indexes: BTreeSet<i64>,
}

/// Lists a partition's files, and removes what a killed process was writing or removing.
pub(super) fn list(directory: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(listing),
        entries => entries?,
    };
    let mut indexes = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(TEMPORARY_SUFFIX) {
            remove_if_there(&directory.join(name))?;
            continue;
        }
        let Some((offset, suffix)) = name.split_once('.') else {
            continue;
        };
        let Ok(offset) = offset.parse::<i64>() else {
            continue;
        };
        match suffix {
            LOG_SUFFIX => _ = listing.logs.insert(offset),
            SNAPSHOT_SUFFIX => _ = listing.snapshots.insert(offset),
            INDEX_SUFFIX | TIME_INDEX_SUFFIX => indexes.push((offset, name.to_owned())),
            TRANSACTION_INDEX_SUFFIX => {
                listing.transaction_indexes.insert(offset);
                indexes.push((offset, name.to_owned()));
            }
            _ => {}
        }
    }
    for (offset, name) in indexes {
        if !listing.logs.contains(&offset) {
            remove_if_there(&directory.join(name))?;
        }
    }
    Ok(listing)
}

/// Returns the length of a file, `None` if there is none.
pub(super) fn length_of(path: &Path) -> io::Result<Option<u64>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the log start offset, if records were ever deleted.
pub(super) fn load_start_offset(directory: &Path) -> io::Result<Option<i64>> {
    let contents = read_if_there(&directory.join(START_OFFSET_FILE))?;
    Ok(contents.and_then(|contents| std::str::from_utf8(&contents).ok()?.trim().parse().ok()))
}

/// Persists `start_offset` as the log start offset that a restart begins with.
pub(super) fn save_start_offset(directory: &Path, start_offset: i64) -> io::Result<()> {
    replace(&directory.join(START_OFFSET_FILE), start_offset.to_string().as_bytes())
}
