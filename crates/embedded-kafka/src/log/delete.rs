//! Deletion of a log with its directory.

use std::io;

use super::error::LogError;
use super::identity::deleted_name;
use super::partition_log::Log;

impl Log {
    /// Removes the log and everything in its directory.
    ///
    /// Renames the directory first: a process that is killed during the removal leaves nothing that
    /// looks like a partition.
    ///
    /// # Errors
    /// When the directory cannot be renamed or removed.
    pub(crate) fn delete(&mut self) -> Result<(), LogError> {
        for segment in self.segments.drain(..) {
            segment.close();
            segment.abandon();
        }
        let deleted = self.directory.with_file_name(deleted_name(&self.directory));
        match std::fs::rename(&self.directory, &deleted) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(std::fs::remove_dir_all(&deleted)?),
        }
    }
}
