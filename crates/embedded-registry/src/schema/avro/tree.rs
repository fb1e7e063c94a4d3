//! An Avro schema as a tree in which every name is a full name. It contains nothing that Java's
//! parser ignores.

use std::collections::HashMap;
use std::sync::Arc;

use super::json::{Json, Object};

/// The named types of a schema and of what it depends on, by their full names.
pub(super) type Names = HashMap<String, Node>;

/// Attributes that have no meaning in Avro but are kept.
pub(super) type Props = Arc<Object>;

#[derive(Debug, Clone)]
pub(super) enum Node {
    /// One of the eight types without structure, such as `string`. A logical type counts as its
    /// underlying type, because it defines the meaning of a value, not its encoding.
    Primitive(&'static str, Props),
    Array(Arc<Node>, Props),
    Map(Arc<Node>, Props),
    Union(Arc<Vec<Node>>),
    Fixed(Arc<Fixed>),
    Enum(Arc<Enum>),
    Record(Arc<Record>),
    /// A type that is defined in another schema, or earlier or later in this one.
    Named(String),
}

/// The name of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) short: String,
    /// The namespace, which is not empty.
    pub(super) namespace: Option<String>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) name: Name,
    pub(super) doc: Option<String>,
    pub(super) aliases: Vec<Name>,
    pub(super) size: u64,
    pub(super) props: Props,
}

#[derive(Debug)]
pub(super) struct Enum {
    pub(super) name: Name,
    pub(super) doc: Option<String>,
    pub(super) aliases: Vec<Name>,
    pub(super) symbols: Vec<String>,
    pub(super) default: Option<String>,
    pub(super) props: Props,
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: Name,
    pub(super) doc: Option<String>,
    pub(super) aliases: Vec<Name>,
    pub(super) is_error: bool,
    pub(super) fields: Vec<Field>,
    pub(super) props: Props,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) doc: Option<String>,
    pub(super) aliases: Vec<String>,
    pub(super) default: Option<Json>,
    pub(super) order: Order,
    pub(super) node: Node,
    pub(super) props: Props,
}

/// The sort order of records by a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
    Ignore,
}

pub(super) const PRIMITIVES: [&str; 8] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// Returns the primitive type with this name.
pub(super) fn primitive(name: &str) -> Option<&'static str> {
    PRIMITIVES.into_iter().find(|primitive| *primitive == name)
}

impl Name {
    /// Splits a name into its parts; this namespace applies if it has none of its own.
    pub(super) fn new(name: &str, namespace: Option<&str>) -> Self {
        let (namespace, short) = match name.rsplit_once('.') {
            Some((namespace, short)) => (Some(namespace), short),
            None => (namespace, name),
        };
        let namespace = namespace.filter(|namespace| !namespace.is_empty()).map(str::to_owned);
        Self { short: short.to_owned(), namespace }
    }

    pub(super) fn full(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}.{}", self.short),
            None => self.short.clone(),
        }
    }
}

impl Node {
    /// Returns the name of a named type.
    pub(super) fn name(&self) -> Option<&Name> {
        match self {
            Self::Record(record) => Some(&record.name),
            Self::Enum(declared) => Some(&declared.name),
            Self::Fixed(fixed) => Some(&fixed.name),
            _ => None,
        }
    }

    /// Returns the type behind a name if it is known; other types stand for themselves.
    pub(super) fn resolved<'a>(&'a self, names: &'a Names) -> &'a Self {
        match self {
            Self::Named(name) => names.get(name).unwrap_or(self),
            other => other,
        }
    }

    /// Returns Java's name for the type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Primitive(name, _) => name,
            Self::Array(..) => "array",
            Self::Map(..) => "map",
            Self::Union(_) => "union",
            Self::Fixed(_) => "fixed",
            Self::Enum(_) => "enum",
            Self::Record(_) => "record",
            Self::Named(_) => "name",
        }
    }
}
