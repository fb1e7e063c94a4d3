//! The Protobuf format. Messages are compact: they have numbers instead of names, so names can
//! change but numbers cannot.
//!
//! A Rust type implements `prost::Message` and `prost::Name`, which identifies its message in the
//! file. You can write it by hand in a few lines or generate it; no `protoc` is needed, because
//! protox compiles the file.
//!
//! The bytes do not show whether the type and the file agree: parsers truncate numbers, and keep
//! the last of several values. So a written value is checked against the file before it is sent,
//! and a value that was read is compared with the message. A field whose value would change is an
//! error that names it.

mod check;
mod compile;
mod forms;
mod indexes;
mod kept;
mod known;

use std::any::type_name;
use std::fmt;

use prost::{Message, Name};
use prost_reflect::{DynamicMessage, FileDescriptor, MessageDescriptor};

use crate::cache::Cache;
use crate::deserializer::{Decode, Decoder, Deserializer};
use crate::error::{Error, Violation};
use crate::prefix::SchemaId;
use crate::schema::{Registered, Schema};
use crate::schema_type::SchemaType;
use crate::serializer::{Encode, Encoder, Serializer};
use check::CheckError;
use compile::{compile, message_of};
use forms::Forms;

/// Writes values of Rust types as Protobuf.
pub type ProtobufSerializer = Serializer<ProtobufEncoder>;

/// Reads values of Rust types from Protobuf.
pub type ProtobufDeserializer = Deserializer<ProtobufDecoder>;

fn of_registered(registered: &Registered) -> Result<FileDescriptor, Error> {
    compile(&registered.text, &registered.dependencies)
        .map_err(|reason| Error::schema(SchemaType::Protobuf, reason))
}

/// A Rust type, by its name, and the schema it is written or read with.
type Pair = (SchemaId, &'static str);

/// A decoder's cache for a type and a schema.
struct Known {
    forms: Forms,
    fields: kept::Known,
}

/// Writes Protobuf for a [`ProtobufSerializer`].
pub struct ProtobufEncoder {
    types: Cache<Pair, Forms>,
}

impl fmt::Debug for ProtobufEncoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProtobufEncoder").finish_non_exhaustive()
    }
}

impl Encoder for ProtobufEncoder {
    const TYPE: SchemaType = SchemaType::Protobuf;
    type Schema = FileDescriptor;

    fn new(schema: &Schema) -> Result<Self, Error> {
        if schema.references().is_empty() {
            compile(schema.text(), &[])
                .map_err(|reason| Error::schema(SchemaType::Protobuf, reason))?;
        }
        Ok(ProtobufEncoder { types: Cache::new() })
    }

    fn parse(registered: &Registered) -> Result<FileDescriptor, Error> {
        of_registered(registered)
    }
}

impl<T: Message + Name + Default + fmt::Debug> Encode<T> for ProtobufEncoder {
    fn record_name(&self) -> Option<String> {
        Some(T::full_name())
    }

    fn encode(&self, id: SchemaId, file: &FileDescriptor, value: &T) -> Result<Vec<u8>, Error> {
        let message = message_of(file, &T::full_name())?;
        let mut body = indexes::encode(&indexes::of(&message));
        let encoded = value.encode_to_vec();
        let pair = (id, type_name::<T>());
        let forms = self.types.get_or_insert_with(pair, || forms::of::<T>(&message));
        check::written(&message, &encoded, &forms).map_err(invalid)?;
        body.extend_from_slice(&encoded);
        Ok(body)
    }
}

/// Turns an error in a written value into an error of the serializer.
fn invalid(error: CheckError) -> Error {
    match error {
        CheckError::Corrupt => Error::invalid("", "is not written as Protobuf"),
        CheckError::Field(violation) => Error::Invalid(vec![violation]),
    }
}

/// Reads Protobuf for a [`ProtobufDeserializer`].
pub struct ProtobufDecoder {
    types: Cache<Pair, Known>,
}

impl Default for ProtobufDecoder {
    fn default() -> Self {
        ProtobufDecoder { types: Cache::new() }
    }
}

impl fmt::Debug for ProtobufDecoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProtobufDecoder").finish_non_exhaustive()
    }
}

impl Decoder for ProtobufDecoder {
    const TYPE: SchemaType = SchemaType::Protobuf;
    type Writer = FileDescriptor;

    fn writer(&self, registered: &Registered) -> Result<FileDescriptor, Error> {
        of_registered(registered)
    }
}

impl<T: Message + Name + Default + fmt::Debug> Decode<T> for ProtobufDecoder {
    fn decode(&self, id: SchemaId, file: &FileDescriptor, body: &[u8]) -> Result<T, Error> {
        let (message, body) = message(id, file, body)?;
        let name = T::full_name();
        if message.full_name() != name {
            let problem = format!("is the message {}, and the type is {name}", message.full_name());
            return Err(Error::TypeMismatch(Violation { field: String::new(), problem }));
        }
        let sent = whole(id, &message, body)?;
        let known = self.types.get_or_insert_with((id, type_name::<T>()), || Known {
            forms: forms::of::<T>(&message),
            fields: kept::Known::default(),
        });
        check::received(&message, body, &known.forms).map_err(|error| match error {
            CheckError::Corrupt => Error::Corrupt(id),
            CheckError::Field(violation) => Error::TypeMismatch(violation),
        })?;
        let read = T::decode(body).map_err(|_| Error::Corrupt(id))?;
        match kept::changed(&sent, &read, &known.fields) {
            Some(violation) => Err(Error::TypeMismatch(violation)),
            None => Ok(read),
        }
    }
}

impl ProtobufDeserializer {
    /// Deserializes a message with its prefix without a type of the program: the writer's schema
    /// has the names. Fields that the schema lacks keep only their numbers (`unknown_fields`).
    ///
    /// # Errors
    ///
    /// The same as [`Self::deserialize`].
    pub async fn dynamic(&self, bytes: &[u8]) -> Result<DynamicMessage, Error> {
        let (id, file, body) = self.open(bytes).await?;
        let (message, body) = message(id, &file, body)?;
        whole(id, &message, body)
    }
}

/// Reads the position that identifies the message in its file; the rest is the message.
fn message<'a>(
    id: SchemaId,
    file: &FileDescriptor,
    body: &'a [u8],
) -> Result<(MessageDescriptor, &'a [u8]), Error> {
    let (indexes, body) = indexes::decode(body).ok_or(Error::Corrupt(id))?;
    let message = indexes::find(file, &indexes).ok_or(Error::Corrupt(id))?;
    Ok((message, body))
}

/// Decodes the message with its file, and checks its required fields.
fn whole(id: SchemaId, message: &MessageDescriptor, body: &[u8]) -> Result<DynamicMessage, Error> {
    check::received(message, body, &Forms::new()).map_err(|error| match error {
        CheckError::Corrupt => Error::Corrupt(id),
        CheckError::Field(violation) => Error::Invalid(vec![violation]),
    })?;
    DynamicMessage::decode(message.clone(), body).map_err(|_| Error::Corrupt(id))
}
