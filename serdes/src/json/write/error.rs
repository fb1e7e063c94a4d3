//! The error of a value that cannot be written as JSON.

use std::fmt::Display;

use crate::error::Violation;

/// An error of writing.
#[derive(Debug)]
pub(super) enum WriteError {
    /// A problem that this crate found.
    Problem(String),
    /// A message of the value's own `Serialize`, which can contain the value.
    Custom(String),
    /// A violation in JSON text that the value contains.
    Violation(Violation),
}

impl WriteError {
    pub(super) fn new(problem: &str) -> Self {
        WriteError::Problem(problem.to_owned())
    }
}

impl Display for WriteError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WriteError::Problem(problem) | WriteError::Custom(problem) => {
                formatter.write_str(problem)
            }
            WriteError::Violation(violation) => violation.fmt(formatter),
        }
    }
}

impl std::error::Error for WriteError {}

impl serde::ser::Error for WriteError {
    fn custom<T: Display>(message: T) -> Self {
        WriteError::Custom(message.to_string())
    }
}
