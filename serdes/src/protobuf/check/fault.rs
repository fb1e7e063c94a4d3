//! What can be wrong with a message.

use crate::error::Violation;

/// What is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Fault {
    /// The bytes are no message.
    Corrupt,
    /// A field does not hold what it should.
    Field(Violation),
}

pub(super) fn field(path: &str, problem: &str) -> Fault {
    Fault::Field(Violation { field: path.to_owned(), problem: problem.to_owned() })
}

pub(super) fn corrupt<E>(_: E) -> Fault {
    Fault::Corrupt
}
