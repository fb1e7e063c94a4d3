//! A plan for reading: what to do with each type of the writer's schema to get a value of the
//! reader's.

use std::sync::Arc;

use super::datum::{Branch, Datum};
use super::logical::Logical;

#[derive(Debug)]
pub struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) root: usize,
}

#[derive(Debug)]
pub(super) enum Step {
    /// Being worked out. None is left in a finished plan.
    Pending,
    Null,
    Boolean,
    Number(Written, Wanted),
    /// Bytes or a string, which are written alike; and whether a string is wanted.
    Bytes(bool, Option<Logical>),
    Fixed(usize, Option<Logical>),
    /// The reader's symbol for each of the writer's.
    Enum(Vec<Option<Arc<str>>>),
    Array(usize),
    Map(usize),
    Record(RecordStep),
    /// The writer's union: a step for each of its branches.
    Branches(Vec<usize>),
    /// A branch of the reader's union.
    Branch(Arc<Branch>, usize),
    /// The reader has no place for it, or no default for this field.
    Rejected(Option<String>, String),
}

/// How a number was written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Written {
    Int,
    Long,
    Float,
    Double,
}

/// As what it is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    Int,
    Long,
    Float,
    Double,
}

#[derive(Debug)]
pub(super) struct RecordStep {
    pub(super) names: Arc<[String]>,
    /// For each of the writer's fields, in their order, where it goes: most often to one field.
    pub(super) written: Vec<WrittenField>,
    pub(super) defaults: Vec<(usize, Datum)>,
}

#[derive(Debug)]
pub(super) struct WrittenField {
    pub(super) name: String,
    /// What is done with it where no field wants it.
    pub(super) skip: usize,
    /// The place of the reader's field and the step that leads there.
    pub(super) fields: Vec<(usize, usize)>,
}

impl Plan {
    pub(super) fn root(&self) -> &Step {
        &self.steps[self.root]
    }

    pub(super) fn get(&self, step: usize) -> &Step {
        &self.steps[step]
    }
}
