//! The lock of a data directory: one cluster uses it at a time, as in Kafka, which locks a file
//! `.lock` in each of its log directories.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::StartError;

/// A data directory that no other cluster can open, in this process or another, until this is
/// dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
}

/// Closing the file is not enough: a child process that is just starting has a copy of it until it
/// runs its own program, and a copy holds the lock too.
impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Even if this fails, the end of the process releases it.
        let _ = self.file.unlock();
    }
}

impl DirectoryLock {
    /// Locks the directory, and creates it if there is none.
    ///
    /// # Errors
    /// `InUse` if another cluster uses it, `DataDirectory` if it cannot be written to.
    pub(crate) fn take(directory: &Path) -> Result<Self, StartError> {
        let path = directory.join(".lock");
        let opened = std::fs::create_dir_all(directory)
            .and_then(|()| OpenOptions::new().create(true).truncate(false).write(true).open(&path));
        let locked = opened.and_then(|file| match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_released_on_drop_though_a_copy_of_the_file_is_still_open() {
        let directory = tempfile::tempdir().unwrap();
        let held = DirectoryLock::take(directory.path()).unwrap();
        let in_a_child = held.file.try_clone().unwrap();
        let rejected = DirectoryLock::take(directory.path()).unwrap_err();
        assert!(matches!(rejected, StartError::InUse { .. }), "{rejected}");
        drop(held);
        DirectoryLock::take(directory.path()).unwrap();
        drop(in_a_child);
    }
}
