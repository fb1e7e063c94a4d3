//! What lies in arrays, maps and records, one after the other.

use std::collections::BTreeMap;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};

use super::super::datum::Datum;
use super::deserializer::{DatumDeserializer, Fault};

impl<'de> IntoDeserializer<'de, Fault> for DatumDeserializer<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The bytes of a value, for a sequence of numbers, and the parts of a duration.
pub(super) fn numbers<'de, N: IntoDeserializer<'de, Fault>, V: Visitor<'de>>(
    numbers: impl Iterator<Item = N>,
    visitor: V,
) -> Result<V::Value, Fault> {
    let mut numbers = SeqDeserializer::new(numbers);
    let value = visitor.visit_seq(&mut numbers)?;
    numbers.end()?;
    Ok(value)
}

pub(super) fn items<'de, V: Visitor<'de>>(
    deserializer: DatumDeserializer<'de>,
    items: &'de [Datum],
    visitor: V,
) -> Result<V::Value, Fault> {
    numbers(items.iter().map(|item| deserializer.of(item)), visitor)
}

pub(super) fn entries<'de, V: Visitor<'de>>(
    deserializer: DatumDeserializer<'de>,
    entries: &'de BTreeMap<String, Datum>,
    visitor: V,
) -> Result<V::Value, Fault> {
    let entries = entries.iter().map(|(key, value)| (Key(key), deserializer.of(value)));
    let mut entries = MapDeserializer::new(entries);
    let value = visitor.visit_map(&mut entries)?;
    entries.end()?;
    Ok(value)
}

pub(super) fn fields<'de, V: Visitor<'de>>(
    deserializer: DatumDeserializer<'de>,
    names: &'de [String],
    values: &'de [Datum],
    visitor: V,
) -> Result<V::Value, Fault> {
    let fields = names.iter().zip(values).map(|(name, value)| (Key(name), deserializer.of(value)));
    let mut fields = MapDeserializer::new(fields);
    let value = visitor.visit_map(&mut fields)?;
    fields.end()?;
    Ok(value)
}

/// A key: always text in Avro, and a number, a truth value or a variant for a program that wrote
/// one.
struct Key<'a>(&'a str);

impl<'de> IntoDeserializer<'de, Fault> for Key<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident as $number:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.0.parse::<$number>() {
                Ok(key) => visitor.$visit(key),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
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

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(de::value::BorrowedStrDeserializer::new(self.0))
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
