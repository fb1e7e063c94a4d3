//! A lock file: held by one process, or shared by many, and released by the system when a process
//! ends in any way.
//!
//! The files stay empty and are never removed: a lock on a file that was just removed would exclude
//! no other process.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::Error;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// Closing the file is not enough: a process that this one is just starting has a copy of it until
/// it runs its own program, and a copy holds the lock too.
impl Drop for Lock {
    fn drop(&mut self) {
        // If this fails, the end of the process still releases it.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the lock exclusively; `None` while another process holds it.
    pub(crate) fn try_exclusive(path: &Path) -> Result<Option<Self>, Error> {
        Self::held(path, File::try_lock)
    }

    /// Takes the lock shared; `None` while another process holds it exclusively.
    pub(crate) fn try_shared(path: &Path) -> Result<Option<Self>, Error> {
        Self::held(path, File::try_lock_shared)
    }

    fn held(
        path: &Path,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Option<Self>, Error> {
        let failed = |source| Error::File { action: "lock", path: path.to_owned(), source };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusive_lock_keeps_everybody_else_out_until_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let held = Lock::try_exclusive(&path).unwrap().expect("no process holds it");
        assert!(Lock::try_exclusive(&path).unwrap().is_none());
        assert!(Lock::try_shared(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::try_exclusive(&path).unwrap().is_some());
    }

    #[test]
    fn a_shared_lock_is_held_by_many_and_keeps_an_exclusive_one_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let one = Lock::try_shared(&path).unwrap().expect("no process holds it");
        let two = Lock::try_shared(&path).unwrap().expect("it is shared");
        drop(one);
        assert!(Lock::try_exclusive(&path).unwrap().is_none());
        drop(two);
        assert!(Lock::try_exclusive(&path).unwrap().is_some());
    }
}
