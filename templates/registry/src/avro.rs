//! Encodes and decodes Avro in Confluent's format: a zero, the id of the writer's schema, the
//! datum.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_schema_by_id, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{RawError, SchemaType, SuppliedSchema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Config;

const LIMIT: Duration = Duration::from_secs(10);
/// The maximum number of cached schemas. A topic has a few.
const SCHEMAS: usize = 1_000;
/// The registry's error code for an unknown schema.
const UNKNOWN_SCHEMA: u32 = 40403;

/// Returns the registry's client settings.
pub fn registry(config: &Config) -> Result<SrSettings> {
    let urls = config.required("SCHEMA_REGISTRY_URL")?;
    let mut urls = urls.split(',').map(|url| url.trim().to_owned());
    let mut registry = SrSettings::new_builder(urls.next().unwrap_or_default());
    for url in urls {
        registry.add_url(url);
    }
    if let Some(user) = config.get("SCHEMA_REGISTRY_USERNAME") {
        let password = config.get("SCHEMA_REGISTRY_PASSWORD");
        registry.set_basic_authorization(&user, password.as_deref());
    }
    registry.set_timeout(LIMIT).build().context("SCHEMA_REGISTRY_URL")
}

/// Encodes values with one schema.
pub struct Encoder {
    schema: Schema,
    prefix: Vec<u8>,
}

impl Encoder {
    /// Registers the schema for the topic's values, if it is new. The registry rejects a schema
    /// that breaks the subject's compatibility, and then no record is written.
    pub async fn register(registry: &SrSettings, topic: &str, schema: &str) -> Result<Encoder> {
        let parsed = Schema::parse_str(schema)?;
        let supplied = SuppliedSchema::new(None, SchemaType::Avro, schema.to_owned());
        let registered = post_schema(registry, format!("{topic}-value"), supplied).await;
        let id = registered.context("the registry rejects the schema")?.id;
        let prefix = [&[0], &id.to_be_bytes()[..]].concat();
        Ok(Encoder { schema: parsed, prefix })
    }

    pub fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>> {
        let mut bytes = self.prefix.clone();
        let writer = GenericDatumWriter::builder(&self.schema).build()?;
        writer.write_ser(&mut bytes, value).context("the value does not match the schema")?;
        Ok(bytes)
    }
}

/// Why a value was not decoded.
pub enum DecodeError {
    /// The value is the cause: it is not Avro, or its schema is unknown or does not match ours.
    Value(Error),
    /// The registry is unreachable, or rejects the request.
    Registry(Error),
}

/// Decodes values of any schema in the registry, and resolves them to the reader's schema: a field
/// that the writer lacks gets its default, and a field that the reader lacks is skipped.
pub struct Decoder {
    registry: SrSettings,
    reader: Schema,
    writers: Mutex<HashMap<u32, Arc<Schema>>>,
}

impl Decoder {
    pub fn new(registry: SrSettings, reader: &str) -> Result<Decoder> {
        // A length in a damaged value allocates at most this much.
        apache_avro::util::max_allocation_bytes(16 * 1024 * 1024);
        Ok(Decoder { registry, reader: Schema::parse_str(reader)?, writers: Mutex::default() })
    }

    pub async fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        let [0, a, b, c, d, datum @ ..] = bytes else {
            return Err(DecodeError::Value(anyhow!("it does not begin with a schema id")));
        };
        let id = u32::from_be_bytes([*a, *b, *c, *d]);
        let known = self.writers().get(&id).cloned();
        let writer = match known {
            Some(writer) => writer,
            None => self.fetch(id).await?,
        };
        self.read(&writer, datum).map_err(DecodeError::Value)
    }

    fn read<T: DeserializeOwned>(&self, writer: &Schema, mut datum: &[u8]) -> Result<T> {
        let reader = GenericDatumReader::builder(writer).reader_schema(&self.reader).build()?;
        let value = reader.read_value(&mut datum)?;
        Ok(apache_avro::from_value(&value)?)
    }

    /// Fetches a schema. Errors are not cached, so the next record retries.
    async fn fetch(&self, id: u32) -> Result<Arc<Schema>, DecodeError> {
        let schema = get_schema_by_id(id, &self.registry).await.map_err(|error| {
            let is_unknown = is_unknown(&error);
            let error = Error::new(error).context(format!("schema {id}"));
            if is_unknown { DecodeError::Value(error) } else { DecodeError::Registry(error) }
        })?;
        let schema = Schema::parse_str(&schema.schema);
        let schema = Arc::new(schema.map_err(|error| DecodeError::Value(error.into()))?);
        let mut writers = self.writers();
        if writers.len() >= SCHEMAS {
            writers.clear();
        }
        writers.insert(id, Arc::clone(&schema));
        Ok(schema)
    }

    fn writers(&self) -> MutexGuard<'_, HashMap<u32, Arc<Schema>>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_unknown(error: &SRCError) -> bool {
    let raw = std::error::Error::source(error).and_then(|source| source.downcast_ref::<RawError>());
    raw.is_some_and(|raw| raw.error_code == UNKNOWN_SCHEMA)
}
