//! The Avro format. Messages are compact, because names and types are in the schema and not in the
//! message.
//!
//! A Rust type is written field by field as serde sees it, together with its schema: a value that
//! does not match its schema is an error that names the field, and is never changed silently.
//!
//! | In the schema | In a program |
//! |---|---|
//! | `["null", "string"]` | `Option<String>` |
//! | a union of several types | an enum whose variants have their names (`Int`, `Departure`), or an untagged one |
//! | `decimal`, `big-decimal` | a type that is text for serde, such as `bigdecimal::BigDecimal`; in a union with `string` see [`mod@as_decimal`] |
//! | `uuid`, on `string` or `fixed` | `uuid::Uuid` |
//! | `bytes`, `fixed` | `Vec<u8>`, `[u8; 16]` |
//! | `duration` | `[u32; 3]`: months, days, milliseconds |
//! | `float` | `f32`, or the nearest one of an `f64` |
//! | dates and times | the number that is written |
//!
//! Schemas are resolved by the rules of the specification as Java 1.12 applies them. If a decimal's
//! scale changes, the reader's scale applies: 12.34 written with scale 2 is 123.4 for a reader with
//! scale 1, as in Java, because the registry allows it. Bytes that are not UTF-8 are not a string,
//! where Java reads replacement characters.
//!
//! The codec is this crate's own. apache-avro casts values to fit a schema, and its schemas do not
//! remember whether a UUID is text or sixteen bytes; serde_avro_fast has no reader's schema.
//! bigdecimal is the crate for decimals that holds all that Avro can: rust_decimal is limited to 28
//! digits.
//!
//! The stack limits how deeply values can be nested: about 50 records in a debug build, and several
//! hundred in a release build.

pub mod as_decimal;
mod decimal;
mod default;
mod deserialize;
mod logical;
mod mismatch;
mod plan;
mod read;
mod resolve;
mod schema;
mod shape;
mod tree;
mod value;
mod varint;
mod write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::deserializer::{Decode, Decoder, Deserializer, ReaderSchema};
use crate::error::Error;
use crate::prefix::SchemaId;
use crate::schema::{Registered, Schema};
use crate::schema_type::SchemaType;
use crate::serializer::{Encode, Encoder, Serializer};
use plan::Plan;
use read::Failure;

/// Writes values of Rust types as Avro.
pub type AvroSerializer = Serializer<AvroEncoder>;

/// Reads values of Rust types from Avro.
pub type AvroDeserializer = Deserializer<AvroDecoder>;

fn parse<'a>(text: &str, needed: impl Iterator<Item = &'a str>) -> Result<schema::Schema, Error> {
    schema::Schema::parse(text, needed).map_err(|error| Error::schema(SchemaType::Avro, error))
}

fn parse_registered(registered: &Registered) -> Result<schema::Schema, Error> {
    parse(&registered.text, registered.dependencies.iter().map(|it| it.text.as_str()))
}

/// Writes Avro for an [`AvroSerializer`].
#[derive(Debug)]
pub struct AvroEncoder {
    record: Option<String>,
}

impl Encoder for AvroEncoder {
    const TYPE: SchemaType = SchemaType::Avro;
    type Schema = schema::Schema;

    fn new(schema: &Schema) -> Result<Self, Error> {
        if schema.references().is_empty() {
            parse(schema.text(), std::iter::empty())?;
        }
        Ok(AvroEncoder { record: full_name(schema.text()) })
    }

    fn parse(registered: &Registered) -> Result<schema::Schema, Error> {
        parse_registered(registered)
    }
}

impl<T: Serialize> Encode<T> for AvroEncoder {
    fn record_name(&self) -> Option<String> {
        self.record.clone()
    }

    fn encode(&self, _: SchemaId, schema: &schema::Schema, value: &T) -> Result<Vec<u8>, Error> {
        let tree = tree::tree(value)?;
        Ok(write::write(schema, &tree)?)
    }
}

/// Returns the full name of the record, without parsing the rest.
fn full_name(text: &str) -> Option<String> {
    let schema: serde_json::Value = serde_json::from_str(text).ok()?;
    let name = schema["name"].as_str()?;
    match schema["namespace"].as_str() {
        Some(namespace) if !namespace.is_empty() && !name.contains('.') => {
            Some(format!("{namespace}.{name}"))
        }
        _ => Some(name.to_owned()),
    }
}

/// Reads Avro for an [`AvroDeserializer`].
#[derive(Debug, Default)]
pub struct AvroDecoder {
    reader: Option<schema::Schema>,
}

impl Decoder for AvroDecoder {
    const TYPE: SchemaType = SchemaType::Avro;
    type Writer = Plan;

    fn writer(&self, registered: &Registered) -> Result<Plan, Error> {
        let writer = parse_registered(registered)?;
        Ok(resolve::plan(&writer, self.reader.as_ref().unwrap_or(&writer)))
    }
}

impl ReaderSchema for AvroDecoder {
    fn set_reader_schema(&mut self, text: &str) -> Result<(), Error> {
        self.reader = Some(parse(text, std::iter::empty())?);
        Ok(())
    }
}

impl<T: DeserializeOwned> Decode<T> for AvroDecoder {
    fn decode(&self, id: SchemaId, plan: &Plan, body: &[u8]) -> Result<T, Error> {
        let value = read::value(plan, body).map_err(|failure| match failure {
            Failure::Corrupt => Error::Corrupt(id),
            Failure::Mismatch(mismatch) => mismatch.into(),
        })?;
        shape::fit(&value)
    }
}
