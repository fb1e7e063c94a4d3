//! An Avro schema in the form that the codec uses: every type has a number, and a name that is used
//! again is the number of its type.

mod annotation;
mod parse;

use serde_json::Value;

use super::logical::Logical;

/// The number of a type in its schema.
pub(super) type Id = usize;

#[derive(Debug, PartialEq)]
pub struct Schema {
    types: Vec<Type>,
    pub(super) root: Id,
}

#[derive(Debug, PartialEq)]
pub(super) struct Type {
    pub(super) kind: Kind,
    pub(super) logical: Option<Logical>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Id),
    Map(Id),
    Union(Vec<Id>),
    Fixed(Name, usize),
    Enum(Enum),
    Record(Record),
    /// A name that is not defined yet. A finished schema contains none.
    Undefined(String),
}

/// The full name of a type, and its aliases in full.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) full: String,
    pub(super) aliases: Vec<String>,
}

/// Ignores aliases, as in fields.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.full == other.full
    }
}

impl Name {
    /// Returns the name without its namespace.
    pub(super) fn short(&self) -> &str {
        self.full.rsplit('.').next().unwrap_or_default()
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Enum {
    pub(super) name: Name,
    pub(super) symbols: Vec<String>,
    pub(super) default: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Record {
    pub(super) name: Name,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) default: Option<Value>,
    pub(super) schema: Id,
}

/// Ignores aliases, as in Java.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.schema, &self.default) == (&other.name, other.schema, &other.default)
    }
}

impl Schema {
    pub(super) fn get(&self, id: Id) -> &Type {
        &self.types[id]
    }

    /// Returns the name of a type for a message: its full name, its logical type, or its kind.
    pub(super) fn label(&self, id: Id) -> &str {
        let found = self.get(id);
        match (&found.logical, found.kind.name()) {
            (_, Some(name)) => &name.full,
            (Some(logical), None) => logical.label(),
            (None, None) => found.kind.word(),
        }
    }

    /// Returns the names of several types, as a message lists them.
    pub(super) fn labels(&self, ids: &[Id]) -> String {
        let labels: Vec<&str> = ids.iter().map(|id| self.label(*id)).collect();
        labels.join(" or ")
    }
}

impl Kind {
    pub(super) fn name(&self) -> Option<&Name> {
        match self {
            Kind::Fixed(name, _) => Some(name),
            Kind::Enum(it) => Some(&it.name),
            Kind::Record(it) => Some(&it.name),
            _ => None,
        }
    }

    /// Returns its name in a schema.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Fixed(..) => "fixed",
            Kind::Enum(_) => "enum",
            Kind::Record(_) => "record",
            Kind::Undefined(_) => "undefined",
        }
    }
}

/// Returns whether the name of a program's variant is this name in Avro: `Int` is `int`, and
/// `TimestampMillis` is `timestamp-millis`.
pub(super) fn is_word(word: &str, variant: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        text.bytes().filter(|it| *it != b'-').map(|it| it.to_ascii_lowercase()).collect()
    };
    letters(word) == letters(variant)
}
