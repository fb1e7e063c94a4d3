//! Protobuf: compact, with numbers in place of names, so that names may change and numbers may not.
//!
//! A Rust type is a `prost::Message` with a `prost::Name`, which says which message of the file it
//! is. It is written by hand in a few lines or generated; no `protoc` is needed, because protox
//! compiles the file.
//!
//! Bytes alone do not say whether the type and the file mean the same: parsers cut numbers, and keep
//! the last of several values. So what a type has written is gone through with the file before it is
//! sent, and what was read into a type is compared with what came. A field that would become another
//! value is an error that names it.

mod check;
mod compile;
mod forms;
mod indexes;
mod kept;
mod known;

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use prost::Name;
use prost_reflect::{DynamicMessage, FileDescriptor, MessageDescriptor};
use rdkafka::Message;

use crate::cache::Cache;
use crate::error::{Error, Violation};
use crate::prefix::{self, SchemaId};
use crate::registry::RegistryClient;
use crate::schema::{Registered, Schema, SchemaType};
use crate::subject::Part;
use crate::writer::{Options, Writer};
use check::Fault;
use forms::Forms;

fn of_registered(registered: &Registered) -> Result<FileDescriptor, Error> {
    compile::compile(&registered.text, &registered.dependencies)
        .map_err(|reason| Error::schema(SchemaType::Protobuf, reason))
}

/// The message of a file that has this full name.
fn message_of(file: &FileDescriptor, name: &str) -> Result<MessageDescriptor, Error> {
    let message = file.parent_pool().get_message_by_name(name);
    message.filter(|message| message.parent_file() == *file).ok_or_else(|| {
        Error::schema(SchemaType::Protobuf, format!("the file has no message {name}"))
    })
}

/// A Rust type, by its name, and the schema that it is written or read with.
type Pair = (SchemaId, &'static str);

/// What a deserialiser knows of a type beside a schema.
struct Known {
    forms: Forms,
    fields: kept::Known,
}

/// Writes values of Rust types as Protobuf.
pub struct ProtobufSerializer {
    writer: Writer<FileDescriptor>,
    types: Cache<Pair, Forms>,
}

impl fmt::Debug for ProtobufSerializer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProtobufSerializer").finish_non_exhaustive()
    }
}

impl ProtobufSerializer {
    /// A serialiser for all messages of this file.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] where the file does not compile.
    pub fn new(registry: &RegistryClient, schema: Schema) -> Result<Self, Error> {
        if schema.references().is_empty() {
            compile::compile(schema.text(), &[])
                .map_err(|reason| Error::schema(SchemaType::Protobuf, reason))?;
        }
        Ok(ProtobufSerializer { writer: Writer::new(registry, schema), types: Cache::new() })
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
    /// [`Error::Schema`] where the file has no message of the type's name, [`Error::Invalid`] where
    /// that message cannot hold the value: it has other fields than the type, or smaller ones, or
    /// one of two in a `oneof`, or requires what is missing. And what the registry answers where
    /// the schema is new to this serialiser.
    pub async fn serialize<T: prost::Message + Name + Default + fmt::Debug>(
        &self,
        topic: &str,
        part: Part,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        let name = T::full_name();
        let prepared = self.writer.prepared((topic, part), Some(&name), of_registered).await?;
        let (id, file) = &*prepared;
        let message = message_of(file, &name)?;
        let mut body = indexes::encode(&indexes::of(&message));
        let encoded = value.encode_to_vec();
        let forms = async || Ok::<_, Error>(forms::of::<T>(&message));
        let forms = self.types.get((*id, type_name::<T>()), forms).await?;
        check::written(&message, &encoded, &forms).map_err(unfit)?;
        body.extend_from_slice(&encoded);
        Ok(prefix::join(*id, &body))
    }
}

/// A fault in what a type has written.
fn unfit(fault: Fault) -> Error {
    match fault {
        Fault::Damaged => Error::invalid("", "is not written as Protobuf"),
        Fault::Field(violation) => Error::Invalid(vec![violation]),
    }
}

/// Reads values of Rust types that were written as Protobuf.
pub struct ProtobufDeserializer {
    registry: RegistryClient,
    writers: Cache<SchemaId, FileDescriptor>,
    types: Cache<Pair, Known>,
}

impl fmt::Debug for ProtobufDeserializer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProtobufDeserializer").finish_non_exhaustive()
    }
}

impl ProtobufDeserializer {
    /// A deserialiser.
    pub fn new(registry: &RegistryClient) -> Self {
        let (registry, writers, types) = (registry.clone(), Cache::new(), Cache::new());
        ProtobufDeserializer { registry, writers, types }
    }

    /// Reads bytes with a prefix. Fields that the writer did not send have their default, and those
    /// that the type does not have are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Prefix`] where they have none, [`Error::Shape`] where it is another message or a
    /// field holds what `T` would have to change, [`Error::Invalid`] where a required field is
    /// missing, [`Error::Damaged`] where the bytes are not what the schema describes.
    pub async fn deserialize<T: prost::Message + Name + Default + fmt::Debug>(
        &self,
        bytes: &[u8],
    ) -> Result<T, Error> {
        let (id, message, body) = self.message(bytes).await?;
        let name = T::full_name();
        if message.full_name() != name {
            let problem = format!("is the message {}, and the type is {name}", message.full_name());
            return Err(Error::Shape(Violation { field: String::new(), problem }));
        }
        let sent = whole(id, &message, body)?;
        let ask = async || {
            Ok::<_, Error>(Known {
                forms: forms::of::<T>(&message),
                fields: kept::Known::default(),
            })
        };
        let known = self.types.get((id, type_name::<T>()), ask).await?;
        check::came(&message, body, &known.forms).map_err(|fault| match fault {
            Fault::Damaged => Error::Damaged(id),
            Fault::Field(violation) => Error::Shape(violation),
        })?;
        let read = T::decode(body).map_err(|_| Error::Damaged(id))?;
        match kept::changed(&sent, &read, &known.fields) {
            Some(violation) => Err(Error::Shape(violation)),
            None => Ok(read),
        }
    }

    /// Reads bytes with a prefix without a type of the program: the writer's schema has the names.
    /// Fields that it lacks are kept without one (`unknown_fields`).
    ///
    /// # Errors
    ///
    /// As [`Self::deserialize`].
    pub async fn dynamic(&self, bytes: &[u8]) -> Result<DynamicMessage, Error> {
        let (id, message, body) = self.message(bytes).await?;
        whole(id, &message, body)
    }

    /// Reads the value of a record; `None` where it has none (a tombstone).
    ///
    /// # Errors
    ///
    /// As [`Self::deserialize`].
    pub async fn value<T: prost::Message + Name + Default + fmt::Debug>(
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
    pub async fn key<T: prost::Message + Name + Default + fmt::Debug>(
        &self,
        record: &impl Message,
    ) -> Result<Option<T>, Error> {
        match record.key() {
            Some(bytes) => self.deserialize(bytes).await.map(Some),
            None => Ok(None),
        }
    }

    /// The schema's id, which message it is, and its bytes.
    async fn message<'a>(
        &self,
        bytes: &'a [u8],
    ) -> Result<(SchemaId, MessageDescriptor, &'a [u8]), Error> {
        let (id, body) = prefix::split(bytes)?;
        let file = self.writer(id).await?;
        let (indexes, body) = indexes::decode(body).ok_or(Error::Damaged(id))?;
        let message = indexes::find(&file, &indexes).ok_or(Error::Damaged(id))?;
        Ok((id, message, body))
    }

    async fn writer(&self, id: SchemaId) -> Result<Arc<FileDescriptor>, Error> {
        let ask = async || {
            let registered = self.registry.by_id(id).await?;
            registered.must_be(SchemaType::Protobuf)?;
            of_registered(&registered)
        };
        self.writers.get(id, ask).await
    }
}

/// The message as its file describes it, with all that the file requires.
fn whole(id: SchemaId, message: &MessageDescriptor, body: &[u8]) -> Result<DynamicMessage, Error> {
    check::came(message, body, &Forms::new()).map_err(|fault| match fault {
        Fault::Damaged => Error::Damaged(id),
        Fault::Field(violation) => Error::Invalid(vec![violation]),
    })?;
    DynamicMessage::decode(message.clone(), body).map_err(|_| Error::Damaged(id))
}
