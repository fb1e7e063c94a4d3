//! Reads Rust values from JSON, exactly or not at all.
//!
//! The layout is serde_json's, with two differences. A whole number is an integer in every
//! notation, as in JSON Schema: `1.0` and `1e2` can be read as an integer. And a number that no
//! integer and no float represents exactly is an error, while serde_json takes the nearest float.

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Error;

use super::decimal::{Decimal, Representation};
use super::tree::Tree;

/// serde_json's name for raw text.
const RAW: &str = "$serde_json::private::RawValue";

impl Tree {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Tree::Null => Unexpected::Unit,
            Tree::Bool(value) => Unexpected::Bool(*value),
            Tree::Number(_) => Unexpected::Other("a number"),
            Tree::String(text) => Unexpected::Str(text),
            Tree::List(_) => Unexpected::Seq,
            Tree::Map(_) => Unexpected::Map,
        }
    }

    fn is_not<'de, V: Visitor<'de>>(&self, visitor: &V) -> Result<V::Value, Error> {
        Err(Error::invalid_type(self.unexpected(), visitor))
    }

    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Tree::Number(text) = &self else { return self.is_not(&visitor) };
        match Decimal::new(text).integer() {
            Some(integer) => visit(integer, visitor),
            None => Err(Error::invalid_type(Unexpected::Other("another number"), &visitor)),
        }
    }
}

fn visit<'de, V: Visitor<'de>>(integer: (bool, u128), visitor: V) -> Result<V::Value, Error> {
    let (is_negative, size) = integer;
    if !is_negative {
        return match u64::try_from(size) {
            Ok(integer) => visitor.visit_u64(integer),
            Err(_) => visitor.visit_u128(size),
        };
    }
    let outside = |visitor: &V| Error::invalid_value(Unexpected::Other("a number"), visitor);
    if size > i128::MIN.unsigned_abs() {
        return Err(outside(&visitor));
    }
    let integer = (size as i128).wrapping_neg();
    match i64::try_from(integer) {
        Ok(integer) => visitor.visit_i64(integer),
        Err(_) => visitor.visit_i128(integer),
    }
}

/// Reads a number for a visitor that accepts any: an integer if it is written as one, or else a
/// float.
fn any<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let is_integer = !text.contains(['.', 'e', 'E']) && text != "-0";
    let decimal = Decimal::new(text);
    if let (true, Some(integer)) = (is_integer, decimal.integer()) {
        return visit(integer, visitor);
    }
    let nearest = text.parse::<f64>().map_err(Error::custom)?;
    if is_integer || decimal.in_f64(nearest) != Representation::Exact {
        return Err(Error::custom(NOT_EXACT));
    }
    visitor.visit_f64(nearest)
}

/// serde's messages begin with the value that was found and end with the expected one.
const NOT_EXACT: &str =
    "a number, expected one that an integer or a 64-bit float represents exactly";

/// Returns whether a number can be read as a float: only fractions may be rounded.
fn is_acceptable(decimal: &Decimal, held: Representation) -> bool {
    match held {
        Representation::Exact => true,
        Representation::Rounded => !decimal.is_whole(),
        Representation::OutOfRange => false,
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(value),
            Tree::Number(text) => any(&text, visitor),
            Tree::String(text) => visitor.visit_string(text),
            Tree::List(items) => {
                let mut items = SeqDeserializer::new(items.into_iter());
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Tree::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (Key(key), value));
                let mut entries = MapDeserializer::new(entries);
                let value = visitor.visit_map(&mut entries)?;
                entries.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Tree::Number(text) = &self else { return self.is_not(&visitor) };
        let nearest = text.parse::<f32>().map_err(Error::custom)?;
        let decimal = Decimal::new(text);
        if !is_acceptable(&decimal, decimal.in_f32(nearest)) {
            return Err(Error::invalid_value(Unexpected::Other("a number"), &visitor));
        }
        visitor.visit_f32(nearest)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Tree::Number(text) = &self else { return self.is_not(&visitor) };
        let nearest = text.parse::<f64>().map_err(Error::custom)?;
        let decimal = Decimal::new(text);
        if !is_acceptable(&decimal, decimal.in_f64(nearest)) {
            return Err(Error::invalid_value(Unexpected::Other("a number"), &visitor));
        }
        visitor.visit_f64(nearest)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Tree::Null => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == RAW {
            let text = self.to_string();
            return visitor.visit_map(MapDeserializer::new(std::iter::once((RAW, text))));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Tree::String(variant) => visitor.visit_enum(Variant { variant, value: None }),
            Tree::Map(entries) => {
                let mut entries = entries.into_iter();
                match (entries.next(), entries.next()) {
                    (Some((variant, value)), None) => {
                        visitor.visit_enum(Variant { variant, value: Some(value) })
                    }
                    _ => Err(Error::invalid_value(
                        Unexpected::Map,
                        &"a map with one key, the name of the variant",
                    )),
                }
            }
            other => other.is_not(&visitor),
        }
    }

    forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A variant of an enum, and its content.
struct Variant {
    variant: String,
    value: Option<Tree>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Content;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content), Error> {
        let variant: StringDeserializer<Error> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, Content(self.value)))
    }
}

struct Content(Option<Tree>);

impl<'de> VariantAccess<'de> for Content {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None | Some(Tree::Null) => Ok(()),
            Some(other) => Err(Error::invalid_type(other.unexpected(), &"a variant with nothing")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        match self.0 {
            Some(value) => seed.deserialize(value),
            None => Err(Error::invalid_type(Unexpected::UnitVariant, &"a variant with a value")),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Some(value @ Tree::List(_)) => value.deserialize_any(visitor),
            Some(other) => other.is_not(&visitor),
            None => Err(Error::invalid_type(Unexpected::UnitVariant, &visitor)),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Some(value @ (Tree::Map(_) | Tree::List(_))) => value.deserialize_any(visitor),
            Some(other) => other.is_not(&visitor),
            None => Err(Error::invalid_type(Unexpected::UnitVariant, &visitor)),
        }
    }
}

/// A key of an object, which can stand for several types.
struct Key(String);

impl Key {
    /// Returns the key as a value of a type other than a string.
    fn tree(self) -> Tree {
        let is_number = self.0.starts_with(|it: char| it == '-' || it.is_ascii_digit());
        match super::parse::parse(self.0.as_bytes()) {
            Ok(tree @ Tree::Number(_)) if is_number => tree,
            Ok(tree @ Tree::Bool(_)) => tree,
            _ => Tree::String(self.0),
        }
    }
}

/// Numbers and `bool` as keys are written as strings.
macro_rules! from_text {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.tree().$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Key {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    from_text! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        Tree::String(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Key {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Serialize};
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::super::parse::parse;
    use super::super::write;
    use super::*;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
        T::deserialize(parse(text.as_bytes()).unwrap())
    }

    #[track_caller]
    fn check<T: DeserializeOwned + PartialEq + Debug>(text: &str, expected: T) {
        assert_eq!(read::<T>(text).unwrap(), expected, "{text}");
    }

    #[track_caller]
    fn refused<T: DeserializeOwned + Debug>(text: &str) {
        let found = read::<T>(text);
        assert!(found.is_err(), "{text} is read as {found:?}");
    }

    #[test]
    fn a_whole_number_is_an_integer_in_every_notation() {
        check("1.0", 1_u8);
        check("-1.20e2", -120_i64);
        check("-0", 0_u64);
        check("18446744073709551615", u64::MAX);
        check("340282366920938463463374607431768211455", u128::MAX);
        check("-170141183460469231731687303715884105728", i128::MIN);
        check("9007199254740993", 9_007_199_254_740_993_i64);
        check("9007199254740993.0", 9_007_199_254_740_993_i64);
        refused::<i32>("1.5");
        refused::<i32>("2147483648");
        refused::<i32>("4294967301");
        refused::<i64>("9223372036854775808");
        refused::<u64>("18446744073709551616");
        refused::<u64>("-1");
        refused::<i128>("-170141183460469231731687303715884105729");
        refused::<u128>("1e39");
        refused::<i32>("\"1\"");
        refused::<String>("1");
    }

    #[test]
    fn a_number_that_no_float_represents_is_an_error() {
        check("0.1", 0.1_f64);
        check("0.1", 0.1_f32);
        check("1", 1.0_f64);
        check("1e23", 1e23_f64);
        check("123456789012345680000", 123_456_789_012_345_680_000.0_f64);
        check("3.14159265358979323846", std::f64::consts::PI);
        refused::<f64>("1e400");
        refused::<f64>("-1e400");
        refused::<f64>("1e-400");
        refused::<f64>("9007199254740993");
        refused::<f32>("1e300");
        refused::<f32>("16777217");
    }

    #[test]
    fn untyped_values_are_read_exactly_or_not_at_all() {
        for text in ["1.0", "-7", "18446744073709551615", "0.1", "1e300", "-0.0"] {
            let theirs: Value = serde_json::from_str(text).unwrap();
            check(text, theirs);
        }
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "100000000000000000000000000000000000000000",
            "3.14159265358979323846",
            "0.10000000000000000555",
            "1e400",
        ] {
            refused::<Value>(text);
            let raw: Box<RawValue> = read(text).unwrap();
            assert_eq!(raw.get(), text);
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Landing,
        Delay(i32),
        Move(f32, char),
        Gate { from: Option<u8>, to: String },
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    enum Class {
        First,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Id(u128);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flight {
        id: Id,
        kinds: Vec<Kind>,
        seats: BTreeMap<i16, bool>,
        doors: BTreeMap<bool, ()>,
        classes: BTreeMap<Class, char>,
        #[serde(default)]
        gate: Option<String>,
        tuple: (u8, f64),
        bytes: Vec<u8>,
    }

    #[test]
    fn written_values_can_be_read_again() {
        let flight = Flight {
            id: Id(u128::MAX),
            kinds: vec![
                Kind::Landing,
                Kind::Delay(-3),
                Kind::Move(0.1, 'é'),
                Kind::Gate { from: None, to: "a\"b\u{0}".to_owned() },
            ],
            seats: BTreeMap::from([(-1, true), (2, false)]),
            doors: BTreeMap::from([(true, ())]),
            classes: BTreeMap::from([(Class::First, 'f')]),
            gate: None,
            tuple: (255, 5e-324),
            bytes: vec![0, 255],
        };
        let tree = write::tree(&flight).unwrap();
        assert_eq!(Flight::deserialize(tree).unwrap(), flight);
    }
}
