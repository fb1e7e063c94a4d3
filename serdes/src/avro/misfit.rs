//! What does not fit, and the way to it; and how deep values may lie in each other.

use crate::error::{Error, Violation};

/// How much of the stack a message or a value may take, in bytes. A schema that contains itself
/// leaves the number of levels to whoever made them, and a thread has two million bytes.
const MAX_STACK: usize = 1 << 20;

/// A value that does not fit. The way to it grows on the way back, so that values that fit cost
/// nothing.
#[derive(Debug)]
pub(super) struct Misfit {
    field: String,
    problem: String,
}

impl Misfit {
    /// The value at hand does not fit. `problem` holds no value: logs are read by many.
    pub(super) fn here(problem: impl Into<String>) -> Self {
        Misfit { field: String::new(), problem: problem.into() }
    }

    pub(super) fn too_deep() -> Self {
        Misfit::here("holds values that are nested too deeply")
    }

    /// It lies in this field.
    pub(super) fn in_field(self, name: &str) -> Self {
        let Misfit { field, problem } = self;
        let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
        Misfit { field: format!("{name}{dot}{field}"), problem }
    }

    /// It lies at this place of an array.
    pub(super) fn at(self, index: usize) -> Self {
        self.in_field(&format!("[{index}]"))
    }

    /// It lies in a map, whose keys are data and are not shown.
    pub(super) fn in_map(self) -> Self {
        self.in_field("[*]")
    }

    pub(super) fn violation(self) -> Violation {
        Violation { field: self.field, problem: self.problem }
    }
}

impl From<Misfit> for Error {
    fn from(misfit: Misfit) -> Self {
        Error::Invalid(vec![misfit.violation()])
    }
}

/// Where the stack was when the work began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth(usize);

impl Depth {
    pub(super) fn here() -> Self {
        Depth(stack_address())
    }

    /// Whether so much of the stack is taken that the work must end.
    pub(super) fn is_too_deep(self) -> bool {
        self.0.abs_diff(stack_address()) > MAX_STACK
    }
}

/// Where the stack is, near enough.
#[inline(never)]
fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}
