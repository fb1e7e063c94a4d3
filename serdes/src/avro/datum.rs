//! A value that was read, as the reader's schema describes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::schema::is_word;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
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
    /// A number without its point, and its digits behind it.
    Decimal(Vec<u8>, i64),
    /// Months, days and milliseconds.
    Duration([u32; 3]),
    Enum(Arc<str>),
    Array(Vec<Datum>),
    Map(BTreeMap<String, Datum>),
    /// The values of the fields, in the order of their names.
    Record(Arc<[String]>, Vec<Datum>),
    /// A branch of a union, and what is known of it.
    Union(Arc<Branch>, Box<Datum>),
}

/// The branch of a union, by whose name a variant of a program's enum is found.
#[derive(Debug, PartialEq)]
pub(super) struct Branch {
    /// Whether its type has a name of its own.
    pub(super) is_named: bool,
    /// Full and short name, or kind and logical type.
    pub(super) names: Vec<String>,
}

impl Branch {
    /// Whether a variant of this name stands for it, as where unions are written.
    pub(super) fn is_called(&self, variant: &str) -> bool {
        self.names.iter().any(|name| match self.is_named {
            true => name == variant,
            false => is_word(name, variant),
        })
    }
}

impl Datum {
    /// What lies in the branch of a union.
    pub(super) fn inner(&self) -> &Datum {
        match self {
            Datum::Union(_, inner) => inner.inner(),
            other => other,
        }
    }
}
