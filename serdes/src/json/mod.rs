//! The JSON Schema format. The message is plain JSON after the prefix, but the schema says what it
//! can contain.
//!
//! Values are validated when they are written and when they are read. A schema without `$schema` is
//! treated as draft 7, as in Confluent's registry.
//!
//! Numbers keep all their digits. A value that JSON or the program's type cannot represent is an
//! error that names the field: a float that is not a number, an integer that is too large, a
//! duplicate key.

mod decimal;
mod parse;
mod read;
mod tree;
mod validate;
mod write;

use jsonschema::Validator;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::deserializer::{Decode, Decoder, Deserializer, ReaderSchema};
use crate::error::{Error, Violation, without_value};
use crate::prefix::SchemaId;
use crate::schema::{Registered, Schema};
use crate::schema_type::SchemaType;
use crate::serializer::{Encode, Encoder, Serializer};
use parse::ParseError;
use tree::Tree;
use validate::{check, validator};

/// Writes values of Rust types as JSON that a schema describes.
pub type JsonSerializer = Serializer<JsonEncoder>;

/// Reads values of Rust types from JSON that a schema describes.
pub type JsonDeserializer = Deserializer<JsonDecoder>;

fn of_registered(registered: &Registered) -> Result<Validator, Error> {
    validator(&registered.text, &registered.dependencies)
}

/// Returns the values to validate.
fn values(tree: &Tree) -> Result<Vec<Value>, Error> {
    tree.values().map_err(|violation| Error::Invalid(vec![violation]))
}

/// Writes JSON for a [`JsonSerializer`].
#[derive(Debug)]
pub struct JsonEncoder {
    record: Option<String>,
}

impl Encoder for JsonEncoder {
    const TYPE: SchemaType = SchemaType::Json;
    type Schema = Validator;

    /// Prepares for values of this schema, whose `title` is the record's name.
    fn new(schema: &Schema) -> Result<Self, Error> {
        if schema.references().is_empty() {
            validator(schema.text(), &[])?;
        }
        let value: Option<Value> = serde_json::from_str(schema.text()).ok();
        Ok(JsonEncoder { record: value.and_then(|it| it["title"].as_str().map(str::to_owned)) })
    }

    fn parse(registered: &Registered) -> Result<Validator, Error> {
        of_registered(registered)
    }
}

impl<T: Serialize> Encode<T> for JsonEncoder {
    fn record_name(&self) -> Option<String> {
        self.record.clone()
    }

    fn encode(&self, _: SchemaId, validator: &Validator, value: &T) -> Result<Vec<u8>, Error> {
        let tree = write::tree(value)?;
        check(validator, &values(&tree)?)?;
        Ok(tree.to_string().into_bytes())
    }
}

/// Reads JSON for a [`JsonDeserializer`].
#[derive(Debug, Default)]
pub struct JsonDecoder {
    reader: Option<Validator>,
}

impl Decoder for JsonDecoder {
    const TYPE: SchemaType = SchemaType::Json;
    type Writer = Validator;

    fn writer(&self, registered: &Registered) -> Result<Validator, Error> {
        of_registered(registered)
    }
}

impl ReaderSchema for JsonDecoder {
    fn set_reader_schema(&mut self, text: &str) -> Result<(), Error> {
        self.reader = Some(validator(text, &[])?);
        Ok(())
    }
}

impl<T: DeserializeOwned> Decode<T> for JsonDecoder {
    fn decode(&self, id: SchemaId, writer: &Validator, body: &[u8]) -> Result<T, Error> {
        let tree = parse::parse(body).map_err(|error| match error {
            ParseError::Corrupt => Error::Corrupt(id),
            ParseError::Field(violation) => Error::Invalid(vec![violation]),
        })?;
        let values = values(&tree)?;
        check(writer, &values)?;
        if let Some(reader) = &self.reader {
            check(reader, &values)?;
        }
        serde_path_to_error::deserialize(tree).map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { String::new() } else { path };
            Error::TypeMismatch(Violation {
                field,
                problem: without_value(&error.inner().to_string()),
            })
        })
    }
}
