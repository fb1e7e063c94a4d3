//! The operations that write, and the errors that Confluent's registry has for them.

use crate::error::ApiError;

/// A requested change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    Register,
    DeleteVersion,
    /// Of this subject.
    DeleteSubject(&'a str),
    UpdateConfig,
    DeleteConfig,
    UpdateMode,
    DeleteMode,
}

impl Operation<'_> {
    /// Makes the error for a write that failed.
    pub(crate) fn failed(&self, reason: &str) -> ApiError {
        let what = match self {
            Self::Register => {
                "Register schema operation failed while writing to the Kafka store".to_owned()
            }
            Self::DeleteVersion => {
                "Delete Schema Version operation failed while writing to the Kafka store".to_owned()
            }
            Self::DeleteSubject(subject) => format!("Error while deleting the subject {subject}"),
            Self::UpdateConfig => "Failed to update compatibility level".to_owned(),
            Self::DeleteConfig => "Failed to delete compatibility level".to_owned(),
            Self::UpdateMode => "Failed to update mode".to_owned(),
            Self::DeleteMode => "Failed to delete mode".to_owned(),
        };
        ApiError::store(format!("{what}: {reason}"))
    }

    /// Makes the error for a record that was written but not read back in time.
    pub(crate) fn timed_out(&self) -> ApiError {
        ApiError::timed_out(match self {
            Self::Register => "Register operation timed out",
            Self::DeleteVersion => "Delete Schema Version operation timed out",
            Self::DeleteSubject(_) => "Delete subject operation timed out",
            Self::UpdateConfig => "Update config operation timed out",
            Self::DeleteConfig => "Delete config operation timed out",
            Self::UpdateMode => "Update mode operation timed out",
            Self::DeleteMode => "Delete mode operation timed out",
        })
    }
}
