//! For `#[serde(with = "serdes::avro::as_decimal")]`: a decimal that goes into a union which has a
//! string as well.
//!
//! serde shows a decimal as text. Where a schema says `decimal`, that is a number; in a union with
//! `string` nothing tells it from text, and this does.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tree::DECIMAL;

/// Writes a decimal of any crate whose decimals are text for serde, or an `Option` of one.
///
/// # Errors
///
/// As the serializer's.
pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(DECIMAL, value)
}

/// Reads it.
///
/// # Errors
///
/// As the deserializer's.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}
