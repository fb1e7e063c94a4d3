//! The errors of a check.

use crate::error::Violation;

/// An error in a message.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum CheckError {
    /// The bytes are not a message.
    Corrupt,
    /// The value of a field is not valid.
    Field(Violation),
}

pub(super) fn field(path: &str, problem: &str) -> CheckError {
    CheckError::Field(Violation { field: path.to_owned(), problem: problem.to_owned() })
}

pub(super) fn corrupt<E>(_: E) -> CheckError {
    CheckError::Corrupt
}
