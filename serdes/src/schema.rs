//! Schemas, before and after their registration.

use serde::Serialize;
use serde_json::json;

use crate::error::Error;
use crate::prefix::SchemaId;
use crate::schema_type::SchemaType;

/// A reference to a schema that is registered already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Its name in the schema that refers to it: a type's full name in Avro, the `$ref` in JSON
    /// Schema, the `import` in Protobuf.
    pub name: String,
    /// The subject that it is registered under.
    pub subject: String,
    /// Its version in that subject.
    pub version: u32,
}

/// A schema of a program, with its references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    schema_type: SchemaType,
    text: String,
    references: Vec<Reference>,
}

impl Schema {
    /// Creates an Avro schema from its JSON.
    pub fn avro(text: &str) -> Self {
        Self::new(SchemaType::Avro, text)
    }

    /// Creates a JSON Schema.
    pub fn json(text: &str) -> Self {
        Self::new(SchemaType::Json, text)
    }

    /// Creates a Protobuf schema from the text of the file.
    pub fn protobuf(text: &str) -> Self {
        Self::new(SchemaType::Protobuf, text)
    }

    fn new(schema_type: SchemaType, text: &str) -> Self {
        Schema { schema_type, text: text.to_owned(), references: Vec::new() }
    }

    /// Adds a reference to another schema, which must be registered already.
    #[must_use]
    pub fn reference(mut self, name: &str, subject: &str, version: u32) -> Self {
        let (name, subject) = (name.to_owned(), subject.to_owned());
        self.references.push(Reference { name, subject, version });
        self
    }

    /// Returns its type.
    pub fn schema_type(&self) -> SchemaType {
        self.schema_type
    }

    /// Returns its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the body of requests that register it, look it up, or check its compatibility.
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

/// A schema that a registered one refers to, by the name it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A registered schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its id, which is part of each message.
    pub id: SchemaId,
    /// Its type.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// The schemas it refers to, each after the ones it refers to itself.
    pub(crate) dependencies: Vec<Dependency>,
}

impl Registered {
    /// Checks the schema's type.
    ///
    /// # Errors
    ///
    /// [`Error::WrongFormat`] if its type is not `expected`.
    pub(crate) fn check_type(&self, expected: SchemaType) -> Result<(), Error> {
        if self.schema_type == expected {
            return Ok(());
        }
        Err(Error::WrongFormat { id: self.id, expected, found: self.schema_type })
    }
}
