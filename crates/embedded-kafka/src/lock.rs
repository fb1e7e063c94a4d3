//! Whose a data directory is: one cluster's at a time, as in Kafka, which locks a file `.lock` in
//! each of its log directories.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::StartError;

/// A data directory that no other cluster can open, in this process or another, until this is
/// dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the directory, and makes it where there is none.
    ///
    /// # Errors
    /// `InUse` where another cluster has it, `DataDirectory` where it cannot be written to.
    pub(crate) fn take(directory: &Path) -> Result<Self, StartError> {
        let path = directory.join(".lock");
        let opened = std::fs::create_dir_all(directory)
            .and_then(|()| OpenOptions::new().create(true).truncate(false).write(true).open(&path));
        let locked = opened.and_then(|file| match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        });
        match locked {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(StartError::InUse { path: directory.to_owned() }),
            Err(source) => Err(StartError::DataDirectory { path, source }),
        }
    }
}
