//! Keeps the schema's id in a header of the record instead of in the prefix of the message.
//!
//! The message then contains only the encoded value, so readers without a registry can read it.
//! Confluent's serializers write it with `value.schema.id.serializer=…HeaderSchemaIdSerializer`,
//! and their deserializers check the header first. The headers are named `__key_schema_id` and
//! `__value_schema_id`:
//!
//! ```text
//! 01 | 1d 20 cb b9 e5 e3 5e 97 54 e7 da 17 0b 6e 5d db
//!  │   └ the GUID of the schema, which is the same in every registry
//!  └ the form: 1 for a GUID, 0 for an id as in the prefix, of four bytes
//! ```
//!
//! In Protobuf, the positions of the message in its file come next. This is opt-in: [`detach`]
//! moves the id of a serialized message to a header, and [`attach`] turns a record back into what a
//! deserializer reads, wherever the id is.
//!
//! ```no_run
//! # use rdkafka::message::{Header, OwnedHeaders};
//! # use serdes::{AvroDeserializer, AvroSerializer, Error, Part, RegistryClient, header};
//! # async fn run(
//! #     registry: &RegistryClient, serializer: &AvroSerializer, deserializer: &AvroDeserializer,
//! #     received: &rdkafka::message::OwnedMessage,
//! # ) -> Result<(), Error> {
//! let message = serializer.serialize("departures", Part::Value, &"WS104").await?;
//! let moved = header::detach(registry, Part::Value, header::Form::Guid, &message).await?;
//! let headers = OwnedHeaders::new().insert(Header { key: moved.name, value: Some(&moved.value) });
//! // … send moved.payload with these headers, and at the other end:
//! if let Some(message) = header::attach(registry, Part::Value, received).await? {
//!     let flight: String = deserializer.deserialize(&message).await?;
//! }
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;

use rdkafka::message::{Headers, Message};

use crate::error::Error;
use crate::prefix::{self, PrefixError, SchemaId};
use crate::registry::RegistryClient;
use crate::schema_type::SchemaType;
use crate::subject::Part;

/// The first byte of a header with an id.
const OF_ID: u8 = 0;

/// The first byte of a header with a GUID.
const OF_GUID: u8 = 1;

/// The way in which a header identifies the schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// By its GUID, which is the same in every registry. This is the default, as in Confluent's
    /// serializers; registries before Confluent Platform 8.0 have none.
    #[default]
    Guid,
    /// By its id.
    Id,
}

/// A message whose schema is identified in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detached {
    /// The header's name.
    pub name: &'static str,
    /// The header's value.
    pub value: Vec<u8>,
    /// The message without the prefix.
    pub payload: Vec<u8>,
}

/// Returns the header's name for a part of a record.
pub fn name(part: Part) -> &'static str {
    match part {
        Part::Key => "__key_schema_id",
        Part::Value => "__value_schema_id",
    }
}

/// Moves the prefix of a serialized message into a header.
///
/// # Errors
///
/// [`Error::Prefix`] if the message has no prefix, [`Error::Response`] if the registry has no
/// GUIDs, and the registry's other errors.
pub async fn detach(
    registry: &RegistryClient,
    part: Part,
    form: Form,
    message: &[u8],
) -> Result<Detached, Error> {
    let (id, body) = prefix::split(message)?;
    let indexes = match registry.by_id(id).await?.schema_type {
        SchemaType::Protobuf => indexes_length(body).ok_or(Error::Corrupt(id))?,
        SchemaType::Avro | SchemaType::Json => 0,
    };
    let mut value = match form {
        Form::Id => [&[OF_ID][..], &id.0.to_be_bytes()].concat(),
        Form::Guid => [&[OF_GUID][..], &registry.guid(id).await?.to_be_bytes()].concat(),
    };
    value.extend_from_slice(&body[..indexes]);
    Ok(Detached { name: name(part), value, payload: body[indexes..].to_vec() })
}

/// Returns a part of a record as a deserializer reads it, whether the schema's id is in the header
/// or in the message; `None` if the record has no such part. The last header of the name wins.
///
/// # Errors
///
/// [`Error::Prefix`] if the header has neither form, [`Error::Rejected`] with code 40403 if the
/// registry does not know the GUID.
pub async fn attach<'a>(
    registry: &RegistryClient,
    part: Part,
    record: &'a impl Message,
) -> Result<Option<Cow<'a, [u8]>>, Error> {
    let payload = match part {
        Part::Key => record.key(),
        Part::Value => record.payload(),
    };
    let Some(payload) = payload else {
        return Ok(None);
    };
    let headers = record.headers().into_iter().flat_map(|headers| headers.iter());
    let header = headers.filter(|header| header.key == name(part)).last();
    let Some(header) = header.and_then(|header| header.value) else {
        return Ok(Some(Cow::Borrowed(payload)));
    };
    let (id, indexes) = match header {
        [OF_ID, a, b, c, d, indexes @ ..] => {
            (SchemaId(u32::from_be_bytes([*a, *b, *c, *d])), indexes)
        }
        [OF_GUID, rest @ ..] => {
            let (guid, indexes) =
                rest.split_first_chunk::<16>().ok_or(PrefixError::NoHeader(name(part)))?;
            (registry.id_of_guid(u128::from_be_bytes(*guid)).await?, indexes)
        }
        _ => return Err(PrefixError::NoHeader(name(part)).into()),
    };
    Ok(Some(Cow::Owned(prefix::join(id, &[indexes, payload].concat()))))
}

/// Returns the length in bytes of the positions that identify the message in its file: their
/// number, and each of them, as zigzag varints.
fn indexes_length(body: &[u8]) -> Option<usize> {
    let varint = |at: usize| {
        let length = body.get(at..)?.iter().position(|byte| byte & 0x80 == 0)? + 1;
        (length <= 5).then_some(at + length)
    };
    let mut at = varint(0)?;
    let count =
        body[..at].iter().rev().fold(0usize, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
    for _ in 0..count / 2 {
        at = varint(at)?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_indexes_depends_on_their_numbers() {
        let rows: [(&[u8], Option<usize>); 6] = [
            (&[0, 9, 9], Some(1)),
            (&[2, 2, 9], Some(2)),
            (&[4, 140, 1, 0, 9], Some(4)),
            (&[4, 2], None),
            (&[], None),
            (&[0xff; 9], None),
        ];
        for (body, length) in rows {
            assert_eq!(indexes_length(body), length, "{body:?}");
        }
    }
}
