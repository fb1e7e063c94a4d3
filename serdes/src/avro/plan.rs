//! A plan for reading: what to do with each type of the writer's schema to get a value of the
//! reader's.

use std::sync::Arc;

use super::logical::Logical;
use super::value::{AvroValue, Branch};

#[derive(Debug)]
pub struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) root: usize,
}

#[derive(Debug)]
pub(super) enum Step {
    /// Being planned. A finished plan contains none.
    Pending,
    Null,
    Boolean,
    Number(Written, Wanted),
    /// Bytes or a string, which have the same encoding; and whether the reader wants a string.
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
    /// The reader's schema cannot hold it, or has no default for this field.
    Rejected(Option<String>, String),
}

/// The type in which a number was written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Written {
    Int,
    Long,
    Float,
    Double,
}

/// The type in which the reader wants a number.
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
    /// For each of the writer's fields, in order, its target: usually one field.
    pub(super) written: Vec<WrittenField>,
    pub(super) defaults: Vec<(usize, AvroValue)>,
}

#[derive(Debug)]
pub(super) struct WrittenField {
    pub(super) name: String,
    /// The step that skips it if no field uses it.
    pub(super) skip: usize,
    /// The index of the reader's field, and the step that reads it.
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
