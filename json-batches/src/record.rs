//! Turns a value of any type that serializes, or a line of JSON text, into a Kafka record.

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::Error;

use crate::key::{key_of, key_of_text};
use crate::lines::Line;
use crate::probe::not_an_object;

/// A record before it is sent.
pub(super) trait Record: Send {
    /// Returns the record's key, as JSON.
    ///
    /// # Errors
    /// If it is not a JSON object.
    fn key(&self) -> Result<Option<Vec<u8>>, Error>;

    /// Returns the record as JSON. `buffer` is empty, for those that have to write it.
    ///
    /// # Errors
    /// If it is not a JSON object, or does not serialize.
    fn value<'a>(&'a self, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], Error>;
}

/// A value of the caller's.
pub(super) struct Typed<T>(pub(super) T);

impl<T: Serialize + Send> Record for Typed<T> {
    fn key(&self) -> Result<Option<Vec<u8>>, Error> {
        key_of(&self.0)
    }

    fn value<'a>(&'a self, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], Error> {
        serde_json::to_writer(&mut *buffer, &self.0)?;
        if buffer.first() == Some(&b'{') {
            return Ok(buffer);
        }
        Err(not_an_object("something else"))
    }
}

impl Record for Line {
    fn key(&self) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Line::Whole(bytes) => match std::str::from_utf8(bytes) {
                // The report has the line's own number, and serde_json's is always 1.
                Ok(text) => key_of_text(text).map_err(|error| {
                    let reason = error.to_string();
                    Error::custom(reason.replace(" at line 1 column ", " at column "))
                }),
                Err(error) => Err(Error::custom(error)),
            },
            Line::TooLong { limit } => Err(Error::custom(format_args!(
                "the line is longer than message.max.bytes, {limit} bytes"
            ))),
        }
    }

    fn value<'a>(&'a self, _: &'a mut Vec<u8>) -> Result<&'a [u8], Error> {
        match self {
            Line::Whole(bytes) => Ok(bytes),
            // It has no key either, so it is skipped before this.
            Line::TooLong { .. } => Err(Error::custom("the line is too long")),
        }
    }
}
