//! Avro: compact, because names and types are in the schema and not in the message.
//!
//! A Rust type is written field by field as serde sees it, and value and schema are walked together:
//! a value that its schema cannot hold is an error with the field's name, and never another value.
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
//! Schemas are resolved by the rules of the specification as Java 1.12 applies them. Where a
//! decimal's scale changes, that means the reader's: 12.34 written with scale 2 is 123.4 for a
//! reader with scale 1, as it is in Java, since the registry allows it. Bytes that are no UTF-8 are
//! no string, where Java reads replacement characters.
//!
//! The codec is this crate's own. apache-avro brings values to a schema by casting them, and its
//! schemas forget whether a UUID is text or sixteen bytes; serde_avro_fast knows no reader's
//! schema. bigdecimal is the crate for decimals that holds whatever Avro can: rust_decimal ends
//! after 28 digits.
//!
//! How deep values may lie in each other is a matter of the stack: about 50 records in a debug
//! build, and several hundred in another.

pub mod as_decimal;
mod datum;
mod decimal;
mod default;
mod give;
mod logical;
mod misfit;
mod plan;
mod read;
mod schema;
mod shape;
mod tree;
mod write;

use std::fmt;
use std::sync::Arc;

use plan::Plan;
use rdkafka::Message;
use read::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache::Cache;
use crate::error::Error;
use crate::prefix::{self, SchemaId};
use crate::registry::RegistryClient;
use crate::schema::{Registered, Schema, SchemaType};
use crate::subject::Part;
use crate::writer::{Options, Writer};

fn parse<'a>(text: &str, needed: impl Iterator<Item = &'a str>) -> Result<schema::Schema, Error> {
    schema::Schema::parse(text, needed).map_err(|error| Error::schema(SchemaType::Avro, error))
}

fn parse_registered(registered: &Registered) -> Result<schema::Schema, Error> {
    parse(&registered.text, registered.dependencies.iter().map(|it| it.text.as_str()))
}

/// Writes values of Rust types as Avro.
pub struct AvroSerializer {
    record: Option<String>,
    writer: Writer<schema::Schema>,
}

impl fmt::Debug for AvroSerializer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AvroSerializer")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

impl AvroSerializer {
    /// A serialiser for values of this schema.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] where the schema is no Avro.
    pub fn new(registry: &RegistryClient, schema: Schema) -> Result<Self, Error> {
        if schema.references().is_empty() {
            parse(schema.text(), std::iter::empty())?;
        }
        let record = full_name(schema.text());
        Ok(AvroSerializer { record, writer: Writer::new(registry, schema) })
    }

    /// The same with other options.
    #[must_use]
    pub fn with(mut self, options: Options) -> Self {
        self.writer.options = options;
        self
    }

    /// The bytes for a part of a record that goes to `topic`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the value is not as the schema says, and what the registry answers
    /// where the schema is new to this serialiser.
    pub async fn serialize<T: Serialize>(
        &self,
        topic: &str,
        part: Part,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        let prepared =
            self.writer.prepared((topic, part), self.record.as_deref(), parse_registered).await?;
        let (id, schema) = &*prepared;
        let tree = tree::tree(value)?;
        Ok(prefix::join(*id, &write::write(schema, &tree)?))
    }
}

/// The full name of the record, without understanding the rest.
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

/// Reads values of Rust types that were written as Avro.
pub struct AvroDeserializer {
    registry: RegistryClient,
    plans: Cache<SchemaId, Plan>,
    reader: Option<schema::Schema>,
}

impl fmt::Debug for AvroDeserializer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AvroDeserializer").finish_non_exhaustive()
    }
}

impl AvroDeserializer {
    /// A deserialiser that gives what the writer's schema describes.
    pub fn new(registry: &RegistryClient) -> Self {
        AvroDeserializer { registry: registry.clone(), plans: Cache::new(), reader: None }
    }

    /// Gives what this schema describes: fields that the writer did not know have their default,
    /// and fields that this schema does not know are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] where the schema is no Avro, or needs another one.
    pub fn reader_schema(mut self, text: &str) -> Result<Self, Error> {
        self.reader = Some(parse(text, std::iter::empty())?);
        self.plans = Cache::new();
        Ok(self)
    }

    /// Reads bytes with a prefix.
    ///
    /// # Errors
    ///
    /// [`Error::Prefix`] where they have none, [`Error::Invalid`] where the reader's schema cannot
    /// read what the writer's wrote or records lie too deep in each other, [`Error::Shape`] where
    /// the value does not fit into `T`.
    pub async fn deserialize<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        let (id, body) = prefix::split(bytes)?;
        let plan = self.plan(id).await?;
        let datum = read::value(&plan, body).map_err(|failure| match failure {
            Failure::Damaged => Error::Damaged(id),
            Failure::Misfit(misfit) => misfit.into(),
        })?;
        shape::fit(&datum)
    }

    /// Reads the value of a record; `None` where it has none (a tombstone).
    ///
    /// # Errors
    ///
    /// As [`Self::deserialize`].
    pub async fn value<T: DeserializeOwned>(
        &self,
        record: &impl Message,
    ) -> Result<Option<T>, Error> {
        match record.payload() {
            Some(bytes) => self.deserialize(bytes).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads the key of a record; `None` where it has none.
    ///
    /// # Errors
    ///
    /// As [`Self::deserialize`].
    pub async fn key<T: DeserializeOwned>(
        &self,
        record: &impl Message,
    ) -> Result<Option<T>, Error> {
        match record.key() {
            Some(bytes) => self.deserialize(bytes).await.map(Some),
            None => Ok(None),
        }
    }

    async fn plan(&self, id: SchemaId) -> Result<Arc<Plan>, Error> {
        let ask = async || {
            let registered = self.registry.by_id(id).await?;
            registered.must_be(SchemaType::Avro)?;
            let writer = parse_registered(&registered)?;
            Ok(Plan::new(&writer, self.reader.as_ref().unwrap_or(&writer)))
        };
        self.plans.get(id, ask).await
    }
}
