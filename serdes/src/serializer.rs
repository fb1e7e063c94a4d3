//! The frame that the serializers of all formats share: the subject under which a schema is
//! registered, and the lookup of its id.

use std::fmt;
use std::sync::Arc;

use crate::cache::Cache;
use crate::error::Error;
use crate::prefix::{self, SchemaId};
use crate::registry::RegistryClient;
use crate::schema::{Registered, Schema};
use crate::schema_type::SchemaType;
use crate::subject::{Part, SubjectNames};

/// The handling of a serializer's schema before it writes the first record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Registers it if it is not registered yet. This is the default, as in Confluent's serializers
    /// (`auto.register.schemas=true`), and convenient for learning.
    #[default]
    Automatic,
    /// Requires that it is registered (`auto.register.schemas=false`). For production, where
    /// schemas are reviewed, and registered at deployment.
    Required,
    /// Uses the latest version of the subject instead (`use.latest.version=true`), which is
    /// requested once. A value that does not match it is an error.
    Latest,
}

/// Options of a serializer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The names of subjects.
    pub subject_names: SubjectNames,
    /// The handling of a schema that is not registered.
    pub registration: Registration,
}

/// A format that values can be written in.
pub trait Encoder: Sized {
    /// The type of its schemas.
    const TYPE: SchemaType;
    /// A schema that was parsed.
    type Schema;

    /// Prepares for values of this schema.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] if the schema is invalid, as far as that shows without its references.
    fn new(schema: &Schema) -> Result<Self, Error>;

    /// Parses a registered schema with its references.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] if the schema is invalid.
    fn parse(registered: &Registered) -> Result<Self::Schema, Error>;
}

/// An [`Encoder`] for values of the type `T`.
pub trait Encode<T>: Encoder {
    /// Returns the full name of the record, for subjects that are named after it.
    fn record_name(&self) -> Option<String>;

    /// Encodes a value, without the prefix.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the value does not match the schema.
    fn encode(&self, id: SchemaId, schema: &Self::Schema, value: &T) -> Result<Vec<u8>, Error>;
}

/// Writes values of Rust types in the format of `E`, with the schema's id in front.
pub struct Serializer<E: Encoder> {
    registry: RegistryClient,
    schema: Schema,
    options: Options,
    encoder: E,
    by_subject: Cache<String, (SchemaId, E::Schema)>,
}

impl<E: Encoder> fmt::Debug for Serializer<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Serializer").field("type", &E::TYPE).finish_non_exhaustive()
    }
}

impl<E: Encoder> Serializer<E> {
    /// Creates a serializer for values of this schema, without a request to the registry.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] if the schema is invalid.
    pub fn new(registry: &RegistryClient, schema: Schema) -> Result<Self, Error> {
        let encoder = E::new(&schema)?;
        let (registry, options) = (registry.clone(), Options::default());
        Ok(Serializer { registry, schema, options, encoder, by_subject: Cache::new() })
    }

    /// Changes the options.
    #[must_use]
    pub fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Serializes a key or a value of a record for `topic`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the value does not match the schema; [`Error::Schema`] if a Protobuf
    /// file has no message of the type's name; and the registry's error if the schema is new to
    /// this serializer and the registry rejects it.
    pub async fn serialize<T>(&self, topic: &str, part: Part, value: &T) -> Result<Vec<u8>, Error>
    where
        E: Encode<T>,
    {
        let record = self.encoder.record_name();
        let subject = self.options.subject_names.subject(topic, part, record.as_deref())?;
        let prepared = self.prepared(subject).await?;
        let (id, schema) = &*prepared;
        Ok(prefix::join(*id, &self.encoder.encode(*id, schema, value)?))
    }

    async fn prepared(&self, subject: String) -> Result<Arc<(SchemaId, E::Schema)>, Error> {
        let prepare = async || {
            let registered = self.registered(&subject).await?;
            registered.check_type(self.schema.schema_type())?;
            Ok((registered.id, E::parse(&registered)?))
        };
        self.by_subject.get(subject.clone(), prepare).await
    }

    async fn registered(&self, subject: &str) -> Result<Registered, Error> {
        let id = match self.options.registration {
            Registration::Latest => return self.registry.latest(subject).await,
            Registration::Automatic => self.registry.register(subject, &self.schema).await?,
            Registration::Required => self.registry.look_up(subject, &self.schema).await?,
        };
        Ok(Registered {
            id,
            schema_type: self.schema.schema_type(),
            text: self.schema.text().to_owned(),
            dependencies: self.registry.dependencies(self.schema.references()).await?,
        })
    }
}
