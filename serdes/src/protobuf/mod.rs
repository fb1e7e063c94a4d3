//! Protobuf: compact, with numbers in place of names, so that names may change and numbers may not.
//!
//! A Rust type is a `prost::Message` with a `prost::Name`, which says which message of the file it
//! is. It is written by hand in a few lines or generated; no `protoc` is needed, because protox
//! compiles the file.

mod compile;
mod indexes;

use std::fmt;
use std::sync::Arc;

use prost::Name;
use prost_reflect::{DynamicMessage, FileDescriptor, MessageDescriptor, ReflectMessage, Value};
use rdkafka::Message;

use crate::cache::Cache;
use crate::error::{Error, Violation};
use crate::prefix::{self, SchemaId};
use crate::registry::RegistryClient;
use crate::schema::{Registered, Schema, SchemaType};
use crate::subject::Part;
use crate::writer::{Options, Writer};

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

/// Writes values of Rust types as Protobuf.
pub struct ProtobufSerializer(Writer<FileDescriptor>);

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
        Ok(ProtobufSerializer(Writer::new(registry, schema)))
    }

    /// The same with other options.
    #[must_use]
    pub fn with(mut self, options: Options) -> Self {
        self.0.options = options;
        self
    }

    /// The bytes for a part of a record that goes to `topic`.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] where the file has no message of the type's name, [`Error::Invalid`] where
    /// that message has other fields than the type, and what the registry answers where the schema
    /// is new to this serialiser.
    pub async fn serialize<T: prost::Message + Name>(
        &self,
        topic: &str,
        part: Part,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        let name = T::full_name();
        let prepared = self.0.prepared((topic, part), Some(&name), of_registered).await?;
        let (id, file) = &*prepared;
        let message = message_of(file, &name)?;
        let mut body = indexes::encode(&indexes::of(&message));
        let encoded = value.encode_to_vec();
        check(&message, &encoded)?;
        body.extend_from_slice(&encoded);
        Ok(prefix::join(*id, &body))
    }
}

/// Finds what the type has and the schema has not: it would travel without a meaning.
fn check(message: &MessageDescriptor, encoded: &[u8]) -> Result<(), Error> {
    let decoded = DynamicMessage::decode(message.clone(), encoded).map_err(|_| {
        let problem = format!("has a field of another type than in {}", message.full_name());
        Error::invalid("", &problem)
    })?;
    match unknown(&decoded, "") {
        Some(violation) => Err(Error::Invalid(vec![violation])),
        None => Ok(()),
    }
}

fn unknown(message: &DynamicMessage, path: &str) -> Option<Violation> {
    if let Some(field) = message.unknown_fields().next() {
        let (number, name) = (field.number(), message.descriptor().full_name().to_owned());
        let problem =
            format!("has a field with number {number}, and {name} has none, or of another type");
        return Some(Violation { field: path.to_owned(), problem });
    }
    message.fields().find_map(|(field, value)| {
        let dot = if path.is_empty() { "" } else { "." };
        in_value(value, &format!("{path}{dot}{}", field.name()))
    })
}

fn in_value(value: &Value, path: &str) -> Option<Violation> {
    match value {
        Value::Message(message) => unknown(message, path),
        Value::List(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(at, item)| in_value(item, &format!("{path}[{at}]")))
        }
        // The keys are data.
        Value::Map(entries) => {
            entries.values().find_map(|item| in_value(item, &format!("{path}[*]")))
        }
        _ => None,
    }
}

/// Reads values of Rust types that were written as Protobuf.
pub struct ProtobufDeserializer {
    registry: RegistryClient,
    writers: Cache<SchemaId, FileDescriptor>,
}

impl fmt::Debug for ProtobufDeserializer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProtobufDeserializer").finish_non_exhaustive()
    }
}

impl ProtobufDeserializer {
    /// A deserialiser.
    pub fn new(registry: &RegistryClient) -> Self {
        ProtobufDeserializer { registry: registry.clone(), writers: Cache::new() }
    }

    /// Reads bytes with a prefix. Fields that the writer did not send have their default, and those
    /// that the type does not have are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Prefix`] where they have none, [`Error::Shape`] where it is another message,
    /// [`Error::Damaged`] where the bytes are not what the schema describes.
    pub async fn deserialize<T: prost::Message + Name + Default>(
        &self,
        bytes: &[u8],
    ) -> Result<T, Error> {
        let (id, message, body) = self.message(bytes).await?;
        let name = T::full_name();
        if message.full_name() != name {
            let problem = format!("is the message {}, and the type is {name}", message.full_name());
            return Err(Error::Shape(Violation { field: String::new(), problem }));
        }
        T::decode(body).map_err(|_| Error::Damaged(id))
    }

    /// Reads bytes with a prefix without a type of the program: the writer's schema has the names.
    ///
    /// # Errors
    ///
    /// As [`Self::deserialize`].
    pub async fn dynamic(&self, bytes: &[u8]) -> Result<DynamicMessage, Error> {
        let (id, message, body) = self.message(bytes).await?;
        DynamicMessage::decode(message, body).map_err(|_| Error::Damaged(id))
    }

    /// Reads the value of a record; `None` where it has none (a tombstone).
    ///
    /// # Errors
    ///
    /// As [`Self::deserialize`].
    pub async fn value<T: prost::Message + Name + Default>(
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
    pub async fn key<T: prost::Message + Name + Default>(
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

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    fn message(text: &str) -> MessageDescriptor {
        message_of(&compile::compile(text, &[]).unwrap(), "Departure").unwrap()
    }

    #[test]
    fn a_field_that_the_schema_lacks_is_named_by_its_number() {
        let wide = message(
            r#"syntax = "proto3";
            message Leg { string to = 1; int32 gate = 7; }
            message Departure { string flight = 1; repeated Leg legs = 2; }"#,
        );
        let narrow = message(
            r#"syntax = "proto3";
            message Leg { string to = 1; }
            message Departure { string flight = 1; repeated Leg legs = 2; }"#,
        );
        let text = r#"flight: "WS104" legs { to: "JFK" } legs { to: "LGA" gate: 5 }"#;
        let encoded =
            DynamicMessage::parse_text_format(wide.clone(), text).unwrap().encode_to_vec();
        assert!(check(&wide, &encoded).is_ok());
        let error = check(&narrow, &encoded).unwrap_err().to_string();
        assert!(error.contains("legs[1] has a field with number 7, and Leg has none"), "{error}");
    }
}
