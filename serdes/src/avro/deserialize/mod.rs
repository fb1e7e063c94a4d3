//! From a value that was read to a type of the program, as serde asks for it.
//!
//! Decimals and UUIDs are text for whoever does not ask for bytes, bytes are numbers for whoever
//! asks for a sequence, and a union is what lies in its branch. What the program's type cannot
//! hold is an error: a `double` beyond `f32`, a `long` with more digits than `f64` has.

mod deserializer;
mod variant;
mod within;

pub(super) use deserializer::{DatumDeserializer, Fault};

use serde::de::{Deserializer, Visitor};

use super::datum::Datum;

impl<'a> DatumDeserializer<'a> {
    /// A number without a fraction, whatever it was written as; anything else is for serde to
    /// refuse.
    fn integer<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        let whole = match self.datum.inner() {
            Datum::Float(it) => whole(f64::from(*it)),
            Datum::Double(it) => whole(*it),
            Datum::Decimal(..) => self.whole_decimal()?.and_then(|it| it.parse().ok()),
            _ => None,
        };
        match whole {
            Some(number) => visit_integer(number, visitor),
            None => self.deserialize_any(visitor),
        }
    }

    /// The digits of a decimal that has only zeros behind its point.
    fn whole_decimal(self) -> Result<Option<String>, Fault> {
        let text = self.text().unwrap_or_else(|| Ok(String::new()))?;
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Ok(fraction.bytes().all(|digit| digit == b'0').then(|| whole.to_owned()))
    }
}

/// A float that is an integer and nothing more, which −0.0 is not.
fn whole(number: f64) -> Option<i128> {
    let whole = number as i128;
    // The largest i128 is what everything above becomes.
    (whole != i128::MAX && (whole as f64).to_bits() == number.to_bits()).then_some(whole)
}

/// The smallest of serde's numbers: not every visitor takes an `i128`.
fn visit_integer<'a, V: Visitor<'a>>(number: i128, visitor: V) -> Result<V::Value, Fault> {
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
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.integer(visitor)
        }
    )*};
}

macro_rules! as_any {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for DatumDeserializer<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check_depth()?;
        if let Some(text) = self.text() {
            return visitor.visit_string(text?);
        }
        match self.datum.inner() {
            Datum::Null => visitor.visit_unit(),
            Datum::Boolean(it) => visitor.visit_bool(*it),
            Datum::Int(it) => visitor.visit_i32(*it),
            Datum::Long(it) => visitor.visit_i64(*it),
            Datum::Float(it) => visitor.visit_f32(*it),
            Datum::Double(it) => visitor.visit_f64(*it),
            Datum::Text(it) => visitor.visit_borrowed_str(it),
            Datum::Enum(it) => visitor.visit_borrowed_str(it),
            Datum::Bytes(it) => visitor.visit_borrowed_bytes(it),
            Datum::Duration(parts) => within::numbers(parts.iter().copied(), visitor),
            Datum::Array(items) => within::items(self, items, visitor),
            Datum::Map(entries) => within::entries(self, entries, visitor),
            Datum::Record(names, values) => within::fields(self, names, values, visitor),
            // Taken care of before.
            Datum::Uuid(_) | Datum::Decimal(..) | Datum::Union(..) => visitor.visit_unit(),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_i128
    }

    as_any! { deserialize_bool deserialize_char deserialize_identifier }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if matches!(self.datum.inner(), Datum::Decimal(..))
            && let Some(Ok(number)) = self.whole_decimal()?.map(|it| it.parse::<u128>())
            && i128::try_from(number).is_err()
        {
            return visitor.visit_u128(number);
        }
        self.integer(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let fits = match self.datum.inner() {
            Datum::Double(it) => !it.is_finite() || (*it as f32).is_finite(),
            Datum::Int(it) => (*it as f32) as i128 == i128::from(*it),
            Datum::Long(it) => (*it as f32) as i128 == i128::from(*it),
            _ => true,
        };
        match fits {
            true => self.deserialize_any(visitor),
            false => Err(Fault::ours("is a number that the type, f32, cannot hold")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.datum.inner() {
            Datum::Long(it) if (*it as f64) as i128 != i128::from(*it) => {
                Err(Fault::ours("is a number that the type, f64, cannot hold"))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.datum.inner() {
            // As Avro itself reads bytes where the reader wants a string.
            Datum::Bytes(bytes) if std::str::from_utf8(bytes).is_ok() => {
                visitor.visit_str(&String::from_utf8_lossy(bytes))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.datum.inner() {
            Datum::Uuid(uuid) => visitor.visit_borrowed_bytes(uuid.as_bytes()),
            Datum::Decimal(unscaled, _) => visitor.visit_borrowed_bytes(unscaled),
            Datum::Duration(parts) => visitor.visit_bytes(&parts.map(u32::to_le_bytes).concat()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.datum.inner() {
            Datum::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.datum.inner() {
            Datum::Record(_, values) if values.is_empty() => visitor.visit_unit(),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.check_depth()?;
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.datum.inner() {
            Datum::Bytes(bytes) => within::numbers(bytes.iter().copied(), visitor),
            Datum::Uuid(uuid) => within::numbers(uuid.as_bytes().iter().copied(), visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.datum.inner() {
            Datum::Duration(parts) if length == 12 => {
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
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.check_depth()?;
        visitor.visit_enum(variant::Variant::find(self, variants)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}
