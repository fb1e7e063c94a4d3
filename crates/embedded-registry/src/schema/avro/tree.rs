//! An Avro schema as a tree in which every name is a full name, and nothing is left of what Java's
//! parser passes over.

use std::collections::HashMap;
use std::sync::Arc;

use super::json::{Json, Object};

/// The named types of a schema and of what it depends on, by their full names.
pub(super) type Names = HashMap<String, Node>;

/// Attributes that Avro gives no meaning to, and keeps.
pub(super) type Props = Arc<Object>;

#[derive(Debug, Clone)]
pub(super) enum Node {
    /// One of the eight types without structure, such as `string`. Logical types are about what a
    /// value means, not about how it is written, and count as what they are made of.
    Primitive(&'static str, Props),
    Array(Arc<Node>, Props),
    Map(Arc<Node>, Props),
    Union(Arc<Vec<Node>>),
    Fixed(Arc<Fixed>),
    Enum(Arc<Enum>),
    Record(Arc<Record>),
    /// A type that is defined elsewhere, or further up, or further down.
    Named(String),
}

/// The name of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) short: String,
    /// Not empty.
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

/// How records are sorted by a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
    Ignore,
}

pub(super) const PRIMITIVES: [&str; 8] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// The primitive type with this name.
pub(super) fn primitive(name: &str) -> Option<&'static str> {
    PRIMITIVES.into_iter().find(|primitive| *primitive == name)
}

impl Name {
    /// The parts of a name, in this namespace where it has none of its own.
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
    /// The name of a type that has one.
    pub(super) fn name(&self) -> Option<&Name> {
        match self {
            Self::Record(record) => Some(&record.name),
            Self::Enum(declared) => Some(&declared.name),
            Self::Fixed(fixed) => Some(&fixed.name),
            _ => None,
        }
    }

    /// The type behind a name, where it is known; other types are themselves.
    pub(super) fn resolved<'a>(&'a self, names: &'a Names) -> &'a Self {
        match self {
            Self::Named(name) => names.get(name).unwrap_or(self),
            other => other,
        }
    }

    /// What Java calls the type.
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
