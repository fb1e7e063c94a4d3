//! Deserializes a value that was read into a type of the program.
//!
//! Decimals and UUIDs become text unless the type requests bytes, bytes become numbers if the type
//! requests a sequence, and a union becomes the value of its branch. A value that the type cannot
//! hold is an error: a `double` beyond `f32`, or a `long` with more digits than an `f64` has.

mod deserializer;
mod variant;
mod within;

pub(super) use deserializer::{DeserializeError, ValueDeserializer};

use serde::de::{Deserializer, Visitor};

use super::value::AvroValue;

impl<'a> ValueDeserializer<'a> {
    /// Deserializes a number without a fraction, regardless of its type in Avro; serde rejects
    /// anything else.
    fn integer<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        let whole = match self.value.inner() {
            AvroValue::Float(it) => whole(f64::from(*it)),
            AvroValue::Double(it) => whole(*it),
            AvroValue::Decimal(..) => self.whole_decimal()?.and_then(|it| it.parse().ok()),
            _ => None,
        };
        match whole {
            Some(number) => visit_integer(number, visitor),
            None => self.deserialize_any(visitor),
        }
    }

    /// Returns the digits of a decimal that has only zeros after its point.
    fn whole_decimal(self) -> Result<Option<String>, DeserializeError> {
        let text = self.text().unwrap_or_else(|| Ok(String::new()))?;
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Ok(fraction.bytes().all(|digit| digit == b'0').then(|| whole.to_owned()))
    }
}

/// Returns a float as an integer if it is exactly that; −0.0 is not.
fn whole(number: f64) -> Option<i128> {
    let whole = number as i128;
    // A cast turns everything above the largest i128 into it.
    (whole != i128::MAX && (whole as f64).to_bits() == number.to_bits()).then_some(whole)
}

/// Passes a number to a visitor in the smallest of serde's types: not every visitor takes an
/// `i128`.
fn visit_integer<'a, V: Visitor<'a>>(
    number: i128,
    visitor: V,
) -> Result<V::Value, DeserializeError> {
    if let Ok(number) = i64::try_from(number) {
        return visitor.visit_i64(number);
    }
    match u64::try_from(number) {
        Ok(number) => visitor.visit_u64(number),
        Err(_) => visitor.visit_i128(number),
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
            self.integer(visitor)
        }
    )*};
}

macro_rules! as_any {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for ValueDeserializer<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        self.check_depth()?;
        if let Some(text) = self.text() {
            return visitor.visit_string(text?);
        }
        match self.value.inner() {
            AvroValue::Null => visitor.visit_unit(),
            AvroValue::Boolean(it) => visitor.visit_bool(*it),
            AvroValue::Int(it) => visitor.visit_i32(*it),
            AvroValue::Long(it) => visitor.visit_i64(*it),
            AvroValue::Float(it) => visitor.visit_f32(*it),
            AvroValue::Double(it) => visitor.visit_f64(*it),
            AvroValue::Text(it) => visitor.visit_borrowed_str(it),
            AvroValue::Enum(it) => visitor.visit_borrowed_str(it),
            AvroValue::Bytes(it) => visitor.visit_borrowed_bytes(it),
            AvroValue::Duration(parts) => within::numbers(parts.iter().copied(), visitor),
            AvroValue::Array(items) => within::items(self, items, visitor),
            AvroValue::Map(entries) => within::entries(self, entries, visitor),
            AvroValue::Record(names, values) => within::fields(self, names, values, visitor),
            // The match above has handled them.
            AvroValue::Uuid(_) | AvroValue::Decimal(..) | AvroValue::Union(..) => {
                visitor.visit_unit()
            }
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_i128
    }

    as_any! { deserialize_bool deserialize_char deserialize_identifier }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        if matches!(self.value.inner(), AvroValue::Decimal(..))
            && let Some(Ok(number)) = self.whole_decimal()?.map(|it| it.parse::<u128>())
            && i128::try_from(number).is_err()
        {
            return visitor.visit_u128(number);
        }
        self.integer(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        let fits = match self.value.inner() {
            AvroValue::Double(it) => !it.is_finite() || (*it as f32).is_finite(),
            AvroValue::Int(it) => (*it as f32) as i128 == i128::from(*it),
            AvroValue::Long(it) => (*it as f32) as i128 == i128::from(*it),
            _ => true,
        };
        match fits {
            true => self.deserialize_any(visitor),
            false => Err(DeserializeError::new("is a number that the type, f32, cannot hold")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.value.inner() {
            AvroValue::Long(it) if (*it as f64) as i128 != i128::from(*it) => {
                Err(DeserializeError::new("is a number that the type, f64, cannot hold"))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.value.inner() {
            // Like Avro itself, which reads bytes if the reader wants a string.
            AvroValue::Bytes(bytes) if std::str::from_utf8(bytes).is_ok() => {
                visitor.visit_str(&String::from_utf8_lossy(bytes))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.value.inner() {
            AvroValue::Uuid(uuid) => visitor.visit_borrowed_bytes(uuid.as_bytes()),
            AvroValue::Decimal(unscaled, _) => visitor.visit_borrowed_bytes(unscaled),
            AvroValue::Duration(parts) => {
                visitor.visit_bytes(&parts.map(u32::to_le_bytes).concat())
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.value.inner() {
            AvroValue::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.value.inner() {
            AvroValue::Record(_, values) if values.is_empty() => visitor.visit_unit(),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.check_depth()?;
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.value.inner() {
            AvroValue::Bytes(bytes) => within::numbers(bytes.iter().copied(), visitor),
            AvroValue::Uuid(uuid) => within::numbers(uuid.as_bytes().iter().copied(), visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        match self.value.inner() {
            AvroValue::Duration(parts) if length == 12 => {
                within::numbers(parts.iter().flat_map(|it| it.to_le_bytes()), visitor)
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.check_depth()?;
        visitor.visit_enum(variant::Variant::find(self, variants)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_unit()
    }
}
