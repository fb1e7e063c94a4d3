//! Deserializes the contents of arrays, maps, and records.

use std::collections::BTreeMap;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};

use super::super::value::AvroValue;
use super::deserializer::{DeserializeError, ValueDeserializer};

impl<'de> IntoDeserializer<'de, DeserializeError> for ValueDeserializer<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Passes on the bytes of a value as a sequence of numbers, or the parts of a duration.
pub(super) fn numbers<'de, N: IntoDeserializer<'de, DeserializeError>, V: Visitor<'de>>(
    numbers: impl Iterator<Item = N>,
    visitor: V,
) -> Result<V::Value, DeserializeError> {
    let mut numbers = SeqDeserializer::new(numbers);
    let value = visitor.visit_seq(&mut numbers)?;
    numbers.end()?;
    Ok(value)
}

pub(super) fn items<'de, V: Visitor<'de>>(
    deserializer: ValueDeserializer<'de>,
    items: &'de [AvroValue],
    visitor: V,
) -> Result<V::Value, DeserializeError> {
    numbers(items.iter().map(|item| deserializer.of(item)), visitor)
}

pub(super) fn entries<'de, V: Visitor<'de>>(
    deserializer: ValueDeserializer<'de>,
    entries: &'de BTreeMap<String, AvroValue>,
    visitor: V,
) -> Result<V::Value, DeserializeError> {
    let entries = entries.iter().map(|(key, value)| (Key(key), deserializer.of(value)));
    let mut entries = MapDeserializer::new(entries);
    let value = visitor.visit_map(&mut entries)?;
    entries.end()?;
    Ok(value)
}

pub(super) fn fields<'de, V: Visitor<'de>>(
    deserializer: ValueDeserializer<'de>,
    names: &'de [String],
    values: &'de [AvroValue],
    visitor: V,
) -> Result<V::Value, DeserializeError> {
    let fields = names.iter().zip(values).map(|(name, value)| (Key(name), deserializer.of(value)));
    let mut fields = MapDeserializer::new(fields);
    let value = visitor.visit_map(&mut fields)?;
    fields.end()?;
    Ok(value)
}

/// The key of a map: always text in Avro, but a number, a boolean, or a variant for a program that
/// wrote one.
struct Key<'a>(&'a str);

impl<'de> IntoDeserializer<'de, DeserializeError> for Key<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident as $number:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
            match self.0.parse::<$number>() {
                Ok(key) => visitor.$visit(key),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_borrowed_str(self.0)
    }

    parsed! {
        deserialize_bool => visit_bool as bool,
        deserialize_i8 => visit_i8 as i8,
        deserialize_i16 => visit_i16 as i16,
        deserialize_i32 => visit_i32 as i32,
        deserialize_i64 => visit_i64 as i64,
        deserialize_i128 => visit_i128 as i128,
        deserialize_u8 => visit_u8 as u8,
        deserialize_u16 => visit_u16 as u16,
        deserialize_u32 => visit_u32 as u32,
        deserialize_u64 => visit_u64 as u64,
        deserialize_u128 => visit_u128 as u128,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_enum(de::value::BorrowedStrDeserializer::new(self.0))
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
