//! Schemas: as a program gives them, and as the registry has them.

use serde::Serialize;
use serde_json::json;

use crate::error::Error;
use crate::prefix::SchemaId;
use crate::schema_type::SchemaType;

/// A schema that is registered already, and that another one needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// What the schema that needs it calls it: a type's full name in Avro, what stands behind
    /// `$ref` in JSON Schema, what stands behind `import` in Protobuf.
    pub name: String,
    /// The subject that it is registered under.
    pub subject: String,
    /// Its version there.
    pub version: u32,
}

/// A schema as a program gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    schema_type: SchemaType,
    text: String,
    references: Vec<Reference>,
}

impl Schema {
    /// An Avro schema, in JSON.
    pub fn avro(text: &str) -> Self {
        Self::new(SchemaType::Avro, text)
    }

    /// A JSON Schema.
    pub fn json(text: &str) -> Self {
        Self::new(SchemaType::Json, text)
    }

    /// A Protobuf file.
    pub fn protobuf(text: &str) -> Self {
        Self::new(SchemaType::Protobuf, text)
    }

    fn new(schema_type: SchemaType, text: &str) -> Self {
        Schema { schema_type, text: text.to_owned(), references: Vec::new() }
    }

    /// This schema needs another one that is registered already.
    #[must_use]
    pub fn reference(mut self, name: &str, subject: &str, version: u32) -> Self {
        let (name, subject) = (name.to_owned(), subject.to_owned());
        self.references.push(Reference { name, subject, version });
        self
    }

    /// Which of the three types it is.
    pub fn schema_type(&self) -> SchemaType {
        self.schema_type
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The body of the requests that register it, look it up, and ask whether it may follow.
    pub(crate) fn body(&self) -> String {
        let mut body = json!({ "schema": self.text, "schemaType": self.schema_type.name() });
        if !self.references.is_empty() {
            body["references"] = json!(self.references);
        }
        body.to_string()
    }

    pub(crate) fn references(&self) -> &[Reference] {
        &self.references
    }
}

/// A schema that a registered one needs, with the name that it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A schema as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its id, which messages carry.
    pub id: SchemaId,
    /// Which of the three types it is.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// What it needs, each after what it needs itself.
    pub(crate) dependencies: Vec<Dependency>,
}

impl Registered {
    /// # Errors
    ///
    /// [`Error::WrongFormat`] where it is of another type than `expected`.
    pub(crate) fn must_be(&self, expected: SchemaType) -> Result<(), Error> {
        if self.schema_type == expected {
            return Ok(());
        }
        Err(Error::WrongFormat { id: self.id, expected, found: self.schema_type })
    }
}
