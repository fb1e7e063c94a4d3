//! A value that was read, in the form of the reader's schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::schema::is_word;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum AvroValue {
    Null,
    Boolean(bool),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Text(String),
    /// Bytes and fixed values.
    Bytes(Vec<u8>),
    Uuid(Uuid),
    /// The unscaled number, and its scale.
    Decimal(Vec<u8>, i64),
    /// Months, days, and milliseconds.
    Duration([u32; 3]),
    Enum(Arc<str>),
    Array(Vec<AvroValue>),
    Map(BTreeMap<String, AvroValue>),
    /// The values of the fields, in the order of their names.
    Record(Arc<[String]>, Vec<AvroValue>),
    /// A value in a branch of a union.
    Union(Arc<Branch>, Box<AvroValue>),
}

/// A branch of a union: a variant of a program's enum is found by its name.
#[derive(Debug, PartialEq)]
pub(super) struct Branch {
    /// Whether its type is a named type.
    pub(super) is_named: bool,
    /// The full and the short name, or the kind and the logical type.
    pub(super) names: Vec<String>,
}

impl Branch {
    /// Returns whether a variant of this name stands for the branch, by the same rule as in
    /// writing.
    pub(super) fn is_called(&self, variant: &str) -> bool {
        self.names.iter().any(|name| match self.is_named {
            true => name == variant,
            false => is_word(name, variant),
        })
    }
}

impl AvroValue {
    /// Returns the value inside a union.
    pub(super) fn inner(&self) -> &AvroValue {
        match self {
            AvroValue::Union(_, inner) => inner.inner(),
            other => other,
        }
    }
}
