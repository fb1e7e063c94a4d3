//! The error for a value that does not match, with its path; and the limit for nesting.

use crate::error::{Error, Violation};

/// The part of the stack that a message or a value can use, in bytes. If a schema contains itself,
/// the data decides on the number of levels, and a thread has two million bytes.
const MAX_STACK: usize = 1 << 20;

/// A value that does not match. Its path is built on the way back, so that values that match cost
/// nothing.
#[derive(Debug)]
pub(super) struct Mismatch {
    field: String,
    problem: String,
}

impl Mismatch {
    /// Creates the error for the current value. `problem` must not contain the value, because many
    /// people read logs.
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Mismatch { field: String::new(), problem: problem.into() }
    }

    pub(super) fn too_deep() -> Self {
        Mismatch::new("holds values that are nested too deeply")
    }

    /// Adds the field that contains the value to the path.
    pub(super) fn in_field(self, name: &str) -> Self {
        let Mismatch { field, problem } = self;
        let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
        Mismatch { field: format!("{name}{dot}{field}"), problem }
    }

    /// Adds the index in an array to the path.
    pub(super) fn at(self, index: usize) -> Self {
        self.in_field(&format!("[{index}]"))
    }

    /// Adds a map to the path. Its keys are data and are not shown.
    pub(super) fn in_map(self) -> Self {
        self.in_field("[*]")
    }

    pub(super) fn violation(self) -> Violation {
        Violation { field: self.field, problem: self.problem }
    }
}

impl From<Mismatch> for Error {
    fn from(mismatch: Mismatch) -> Self {
        Error::Invalid(vec![mismatch.violation()])
    }
}

/// The position of the stack at the start of the work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth(usize);

impl Depth {
    pub(super) fn here() -> Self {
        Depth(stack_address())
    }

    /// Returns whether the work must stop because it uses too much of the stack.
    pub(super) fn is_too_deep(self) -> bool {
        self.0.abs_diff(stack_address()) > MAX_STACK
    }
}

/// Returns the approximate position of the stack.
#[inline(never)]
fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}
