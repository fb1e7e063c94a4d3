//! The five-byte prefix of every message whose schema is in a registry.
//!
//! ```text
//! 00 | 00 00 00 07 | 0c 57 53 31 30 34 …
//!  │   └ the schema's id, most significant byte first
//!  └ the magic byte: 0, the only version of this form
//! ```
//!
//! The message contains nothing else of the schema: a reader requests the schema from the registry
//! by this id. In Protobuf, a list of numbers follows that identifies the message in the file.

use std::fmt;

/// The length of the prefix in bytes.
pub const LENGTH: usize = 5;

const MAGIC: u8 = 0;

/// The id of a schema, which is the same under every subject of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaId(pub u32);

impl fmt::Display for SchemaId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An error in the prefix of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrefixError {
    /// The message has fewer than five bytes.
    #[error(
        "the message has {0} bytes, and the prefix alone has 5: it was not written with a \
         serializer of a schema registry"
    )]
    TooShort(usize),
    /// The first byte is not 0. It is usually `{`, 0x7b: plain JSON.
    #[error(
        "the first byte is {0:#04x} and not 0x00: the message was not written with a serializer \
         of a schema registry"
    )]
    NoMagicByte(u8),
    /// The header exists but has neither form that a serializer writes.
    #[error("the header {0} contains neither the id nor the GUID of a schema")]
    NoHeader(&'static str),
}

/// Splits a message into the schema's id and the bytes after the prefix.
///
/// # Errors
///
/// [`PrefixError`] if the message has no prefix. Other bytes can look like a prefix if they start
/// with 0: that surfaces only when the registry does not know the id.
pub fn split(message: &[u8]) -> Result<(SchemaId, &[u8]), PrefixError> {
    match message {
        [MAGIC, a, b, c, d, rest @ ..] => {
            Ok((SchemaId(u32::from_be_bytes([*a, *b, *c, *d])), rest))
        }
        [first, ..] if *first != MAGIC => Err(PrefixError::NoMagicByte(*first)),
        short => Err(PrefixError::TooShort(short.len())),
    }
}

/// Joins the prefix and an encoded value.
pub fn join(id: SchemaId, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(LENGTH + body.len());
    message.push(MAGIC);
    message.extend_from_slice(&id.0.to_be_bytes());
    message.extend_from_slice(body);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_four_bytes_after_a_zero() {
        let message = [0, 0, 0, 1, 2, b'x'];
        assert_eq!(split(&message), Ok((SchemaId(258), [b'x'].as_slice())));
        assert_eq!(split(&message[..5]), Ok((SchemaId(258), [].as_slice())));
        assert_eq!(join(SchemaId(258), b"x"), message);
        assert_eq!(split(&join(SchemaId(u32::MAX), &[])), Ok((SchemaId(u32::MAX), [].as_slice())));
    }

    #[test]
    fn an_error_shows_the_start_of_a_message_without_a_prefix() {
        assert_eq!(split(br#"{"flight":"WS104"}"#), Err(PrefixError::NoMagicByte(b'{')));
        assert_eq!(split(b"{}"), Err(PrefixError::NoMagicByte(b'{')));
        assert_eq!(split(&[0, 0, 0, 1]), Err(PrefixError::TooShort(4)));
        assert_eq!(split(&[]), Err(PrefixError::TooShort(0)));
    }

    #[test]
    fn the_prefix_is_that_of_schema_registry_converter() {
        let theirs = schema_registry_converter::schema_registry_common::get_payload(7, vec![1, 2]);
        assert_eq!(split(&theirs), Ok((SchemaId(7), [1, 2].as_slice())));
    }
}
