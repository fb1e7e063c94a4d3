//! Why a value cannot be written as JSON.

use std::fmt::Display;

use crate::error::Violation;

/// Why a value cannot be written.
#[derive(Debug)]
pub(super) enum Unfit {
    /// In words of this file.
    Here(String),
    /// In words of the value's type, which may hold the value.
    Told(String),
    /// In a text that the value brought along.
    Within(Violation),
}

impl Unfit {
    pub(super) fn here(problem: &str) -> Self {
        Unfit::Here(problem.to_owned())
    }
}

impl Display for Unfit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unfit::Here(problem) | Unfit::Told(problem) => formatter.write_str(problem),
            Unfit::Within(violation) => violation.fmt(formatter),
        }
    }
}

impl std::error::Error for Unfit {}

impl serde::ser::Error for Unfit {
    fn custom<T: Display>(message: T) -> Self {
        Unfit::Told(message.to_string())
    }
}
