//! The frame that the deserializers of all formats share: the prefix, the writer's schema, and the
//! parts of a record.

use std::fmt;
use std::sync::Arc;

use rdkafka::Message;

use crate::cache::Cache;
use crate::error::Error;
use crate::prefix::{self, SchemaId};
use crate::registry::RegistryClient;
use crate::schema::Registered;
use crate::schema_type::SchemaType;

/// A format that values can be read from.
pub trait Decoder: Default {
    /// The type of its schemas.
    const TYPE: SchemaType;
    /// The parts of a writer's schema that it needs.
    type Writer;

    /// Prepares for messages that were written with this schema.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] if the schema is invalid.
    fn writer(&self, registered: &Registered) -> Result<Self::Writer, Error>;
}

/// A [`Decoder`] for values of the type `T`.
pub trait Decode<T>: Decoder {
    /// Decodes a message without its prefix.
    ///
    /// # Errors
    ///
    /// See [`Deserializer::deserialize`].
    fn decode(&self, id: SchemaId, writer: &Self::Writer, body: &[u8]) -> Result<T, Error>;
}

/// A [`Decoder`] that can read with a schema of the reader's own.
pub trait ReaderSchema: Decoder {
    /// Sets the reader's schema.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] if the schema is invalid, or refers to another one.
    fn set_reader_schema(&mut self, text: &str) -> Result<(), Error>;
}

/// Reads values of Rust types from messages in the format of `D`.
pub struct Deserializer<D: Decoder> {
    registry: RegistryClient,
    decoder: D,
    writers: Cache<SchemaId, D::Writer>,
}

impl<D: Decoder> fmt::Debug for Deserializer<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Deserializer").field("type", &D::TYPE).finish_non_exhaustive()
    }
}

impl<D: Decoder> Deserializer<D> {
    /// Creates a deserializer that reads values with the schema they were written with.
    pub fn new(registry: &RegistryClient) -> Self {
        let (registry, writers) = (registry.clone(), Cache::new());
        Deserializer { registry, decoder: D::default(), writers }
    }

    /// Deserializes a message with its prefix.
    ///
    /// # Errors
    ///
    /// - [`Error::Prefix`] if the message has no prefix.
    /// - [`Error::WrongFormat`] if its schema is of another format.
    /// - [`Error::Corrupt`] if its bytes are not what the schema describes.
    /// - [`Error::Invalid`] if it is not valid under a schema: the reader's schema cannot read it,
    ///   or a required field is missing.
    /// - [`Error::TypeMismatch`] if it does not fit into `T`.
    pub async fn deserialize<T>(&self, bytes: &[u8]) -> Result<T, Error>
    where
        D: Decode<T>,
    {
        let (id, writer, body) = self.open(bytes).await?;
        self.decoder.decode(id, &writer, body)
    }

    /// Deserializes the value of a record; `None` for a record without one (a tombstone).
    ///
    /// # Errors
    ///
    /// The same as [`Self::deserialize`].
    pub async fn value<T>(&self, record: &impl Message) -> Result<Option<T>, Error>
    where
        D: Decode<T>,
    {
        self.part(record.payload()).await
    }

    /// Deserializes the key of a record; `None` for a record without one.
    ///
    /// # Errors
    ///
    /// The same as [`Self::deserialize`].
    pub async fn key<T>(&self, record: &impl Message) -> Result<Option<T>, Error>
    where
        D: Decode<T>,
    {
        self.part(record.key()).await
    }

    async fn part<T>(&self, bytes: Option<&[u8]>) -> Result<Option<T>, Error>
    where
        D: Decode<T>,
    {
        match bytes {
            Some(bytes) => self.deserialize(bytes).await.map(Some),
            None => Ok(None),
        }
    }

    /// Splits a message, and requests its schema from the registry.
    pub(crate) async fn open<'a>(
        &self,
        bytes: &'a [u8],
    ) -> Result<(SchemaId, Arc<D::Writer>, &'a [u8]), Error> {
        let (id, body) = prefix::split(bytes)?;
        let ask = async || {
            let registered = self.registry.by_id(id).await?;
            registered.check_type(D::TYPE)?;
            self.decoder.writer(&registered)
        };
        Ok((id, self.writers.get(id, ask).await?, body))
    }
}

impl<D: ReaderSchema> Deserializer<D> {
    /// Reads with this schema too. In Avro, the value is what this schema describes: fields that
    /// the writer did not know have their default, and fields that this schema lacks are left out.
    /// In JSON, the value must be valid under both schemas.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] if the schema is invalid, or refers to another one.
    pub fn reader_schema(mut self, text: &str) -> Result<Self, Error> {
        self.decoder.set_reader_schema(text)?;
        self.writers = Cache::new();
        Ok(self)
    }
}
