//! Marks a decimal for a union that also contains a string: `#[serde(with =
//! "serdes::avro::as_decimal")]`.
//!
//! serde represents a decimal as text. If the schema says `decimal`, the text becomes a number; but
//! in a union with `string`, nothing distinguishes it from text unless it is marked.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tree::DECIMAL;

/// Serializes a decimal of any crate that represents decimals as text in serde, or an `Option` of
/// one.
///
/// # Errors
///
/// The errors of the serializer.
pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(DECIMAL, value)
}

/// Deserializes it.
///
/// # Errors
///
/// The errors of the deserializer.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}
