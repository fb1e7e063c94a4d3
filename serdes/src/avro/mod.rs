//! Avro: compact, because names and types are in the schema and not in the message.
//!
//! A Rust type is written field by field as serde sees it. Optional fields are
//! `["null", "string"]` in the schema and `Option<String>` in the type.
//!
//! Where a schema contains itself, records may lie 12 deep in each other.

mod body;
mod mismatch;
mod shape;

use std::fmt;
use std::sync::Arc;

use apache_avro::types::Value;
use body::Body;
use rdkafka::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache::Cache;
use crate::error::Error;
use crate::prefix::{self, SchemaId};
use crate::registry::RegistryClient;
use crate::schema::{Registered, Schema, SchemaType};
use crate::subject::Part;
use crate::writer::{Options, Writer};

/// A schema that was understood, and the named types that it can refer to.
struct Parsed {
    schema: apache_avro::Schema,
    /// The schema itself among them, as apache-avro wants it.
    names: Vec<apache_avro::Schema>,
    /// Then the message decides how deep its records lie in each other, and not the schema.
    may_contain_itself: bool,
}

impl Parsed {
    fn new(registered: &Registered) -> Result<Self, Error> {
        Self::from_text(&registered.text, registered.dependencies.iter().map(|it| it.text.as_str()))
    }

    fn from_text<'a>(text: &str, needed: impl Iterator<Item = &'a str>) -> Result<Self, Error> {
        let needed: Vec<&str> = needed.collect();
        let parsed = apache_avro::Schema::parse_str_with_list(text, needed);
        let (schema, mut names) = parsed.map_err(|error| Error::schema(SchemaType::Avro, error))?;
        names.push(schema.clone());
        let may_contain_itself = refers(&schema);
        Ok(Parsed { schema, names, may_contain_itself })
    }

    fn all(&self) -> Vec<&apache_avro::Schema> {
        self.names.iter().collect()
    }

    /// Refuses what apache-avro cannot bring to this schema within reasonable time.
    fn check_depth(&self, value: &Value) -> Result<(), Error> {
        match self.may_contain_itself && body::depth(value) > body::MOST_DEPTH {
            true => Err(too_deep()),
            false => Ok(()),
        }
    }

    fn encode(&self, value: Value) -> Result<Vec<u8>, Error> {
        self.check_depth(&value)?;
        if let Some(violation) = mismatch::find(&value, &self.schema, &self.all()) {
            return Err(Error::Invalid(vec![violation]));
        }
        let unfit = |_| Error::invalid("", "does not fit");
        let value = value.resolve_schemata(&self.schema, self.all()).map_err(unfit)?;
        apache_avro::to_avro_datum_schemata(&self.schema, self.all(), value).map_err(unfit)
    }
}

fn too_deep() -> Error {
    Error::invalid("", "holds records that lie too deep in each other")
}

/// Whether a type is used by its name, as it is where it contains itself.
fn refers(schema: &apache_avro::Schema) -> bool {
    use apache_avro::Schema;
    match schema {
        Schema::Ref { .. } => true,
        Schema::Array(array) => refers(&array.items),
        Schema::Map(map) => refers(&map.types),
        Schema::Union(union) => union.variants().iter().any(refers),
        Schema::Record(record) => record.fields.iter().any(|field| refers(&field.schema)),
        _ => false,
    }
}

/// Writes values of Rust types as Avro.
pub struct AvroSerializer {
    record: Option<String>,
    writer: Writer<Parsed>,
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
            Parsed::from_text(schema.text(), std::iter::empty())?;
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
            self.writer.prepared((topic, part), self.record.as_deref(), Parsed::new).await?;
        let (id, parsed) = &*prepared;
        let value = apache_avro::to_value(value)
            .map_err(|_| Error::invalid("", "has a type that Avro does not know"))?;
        Ok(prefix::join(*id, &parsed.encode(value)?))
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
    writers: Cache<SchemaId, Parsed>,
    reader: Option<Parsed>,
}

impl fmt::Debug for AvroDeserializer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AvroDeserializer").finish_non_exhaustive()
    }
}

impl AvroDeserializer {
    /// A deserialiser that gives what the writer's schema describes.
    pub fn new(registry: &RegistryClient) -> Self {
        AvroDeserializer { registry: registry.clone(), writers: Cache::new(), reader: None }
    }

    /// Gives what this schema describes: fields that the writer did not know have their default,
    /// and fields that this schema does not know are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] where the schema is no Avro, or needs another one.
    pub fn reader_schema(mut self, text: &str) -> Result<Self, Error> {
        self.reader = Some(Parsed::from_text(text, std::iter::empty())?);
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
        let writer = self.writer(id).await?;
        let mut body = Body::new(body, writer.may_contain_itself);
        let written =
            apache_avro::from_avro_datum_schemata(&writer.schema, writer.all(), &mut body, None);
        if body.was_too_deep() {
            return Err(too_deep());
        }
        let written = written.map_err(|_| Error::Damaged(id))?;
        if !body.was_read_to_its_end() {
            return Err(Error::Damaged(id));
        }
        let value = match &self.reader {
            None => written,
            Some(reader) => {
                reader.check_depth(&written)?;
                let unreadable = mismatch::find_as_reader(&written, &reader.schema, &reader.all());
                let resolved = written.resolve_schemata(&reader.schema, reader.all());
                resolved.map_err(|_| match unreadable {
                    Some(violation) => Error::Invalid(vec![violation]),
                    None => Error::invalid("", "cannot be read with the reader's schema"),
                })?
            }
        };
        shape::fit(&value)
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

    async fn writer(&self, id: SchemaId) -> Result<Arc<Parsed>, Error> {
        let ask = async || {
            let registered = self.registry.by_id(id).await?;
            registered.must_be(SchemaType::Avro)?;
            Parsed::new(&registered)
        };
        self.writers.get(id, ask).await
    }
}
