//! Deserializes a value into a type of the program.

use serde::de;

use super::super::decimal;
use super::super::mismatch::Depth;
use super::super::value::AvroValue;

/// An error of serde, or one of our own, whose message does not contain the value.
#[derive(Debug)]
pub(in super::super) struct DeserializeError {
    pub(in super::super) message: String,
    pub(in super::super) is_safe: bool,
}

impl DeserializeError {
    pub(super) fn new(message: &str) -> Self {
        DeserializeError { message: message.to_owned(), is_safe: true }
    }
}

impl std::fmt::Display for DeserializeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for DeserializeError {}

impl de::Error for DeserializeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        DeserializeError { message: message.to_string(), is_safe: false }
    }
}

#[derive(Clone, Copy)]
pub(in super::super) struct ValueDeserializer<'a> {
    pub(super) value: &'a AvroValue,
    depth: Depth,
}

impl<'a> ValueDeserializer<'a> {
    pub(in super::super) fn new(value: &'a AvroValue) -> Self {
        ValueDeserializer { value, depth: Depth::here() }
    }

    pub(super) fn of(self, value: &'a AvroValue) -> Self {
        ValueDeserializer { value, depth: self.depth }
    }

    pub(super) fn check_depth(self) -> Result<(), DeserializeError> {
        match self.depth.is_too_deep() {
            true => Err(DeserializeError::new("holds values that are nested too deeply")),
            false => Ok(()),
        }
    }

    pub(super) fn text(self) -> Option<Result<String, DeserializeError>> {
        Some(match self.value.inner() {
            AvroValue::Decimal(unscaled, scale) => decimal::format(unscaled, *scale)
                .ok_or_else(|| DeserializeError::new("is a decimal with too many digits")),
            AvroValue::Uuid(uuid) => Ok(uuid.to_string()),
            _ => return None,
        })
    }
}
