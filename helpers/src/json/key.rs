//! The key of a record: its `id`, as JSON.
//!
//! The key must be known before the record is serialised, because it decides which worker does
//! that. So a value is asked for its `id` alone, by a serialiser that passes over everything else,
//! and a line of text is scanned for it without building a value.
//!
//! An `id` that is null is none, and the record then has no key.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{self, Impossible, Serializer};
use serde_json::Error;
use serde_json::value::{RawValue, Value};

/// The field that becomes the key.
const ID: &str = "id";

/// The key of anything that serialises to an object.
///
/// # Errors
/// Where it does not, or where the `id` does not serialise.
pub(super) fn key_of<T: Serialize>(record: &T) -> Result<Option<Vec<u8>>, Error> {
    match record.serialize(Probe)? {
        Shape::Object(id) => Ok(id.filter(|json| json != b"null")),
        Shape::Text { .. } => Err(not_an_object("a string")),
    }
}

/// The key of a record that is JSON text already.
///
/// # Errors
/// Where the text is not JSON, or not an object.
pub(super) fn key_of_text(text: &str) -> Result<Option<Vec<u8>>, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let id = deserializer.deserialize_any(IdOfObject)?;
    deserializer.end()?;
    id.map_or(Ok(None), normalized)
}

/// An id in the one form that it has when it is serialised here: two lines that spell it
/// differently must not go to different partitions.
fn normalized(id: &RawValue) -> Result<Option<Vec<u8>>, Error> {
    let text = id.get();
    Ok(match text.as_bytes().first() {
        Some(b'n') => None,
        Some(b'"') if text.contains('\\') => {
            Some(serde_json::to_vec(&serde_json::from_str::<String>(text)?)?)
        }
        Some(b'{' | b'[') => Some(serde_json::to_vec(&serde_json::from_str::<Value>(text)?)?),
        // Numbers stay as they are written: as a value, a long one would lose digits.
        _ => Some(text.as_bytes().to_vec()),
    })
}

pub(super) fn not_an_object(found: &str) -> Error {
    ser::Error::custom(format_args!("a record is a JSON object, and this is {found}"))
}

/// Finds the `id` in JSON text. Of several, the last one counts, as for most readers.
struct IdOfObject;

impl<'de> Visitor<'de> for IdOfObject {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut id = None;
        while let Some(is_id) = map.next_key::<IsId>()? {
            if is_id.0 {
                id = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(id)
    }
}

/// Whether a name is `id`, found without keeping the name.
struct IsId(bool);

impl<'de> serde::Deserialize<'de> for IsId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = IsId;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<IsId, E> {
                Ok(IsId(name == ID))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// What a value would be as JSON, as far as it matters here.
enum Shape {
    /// An object, and its `id` as JSON.
    Object(Option<Vec<u8>>),
    /// A string; an object's names are strings too.
    Text { is_id: bool },
}

/// A serialiser that writes nothing but the `id`.
struct Probe;

/// The fields of an object, passed over one by one.
struct Fields {
    id: Option<Vec<u8>>,
    next_is_id: bool,
}

impl Fields {
    fn object() -> Self {
        Fields { id: None, next_is_id: false }
    }
}

/// The fields inside an enum's variant: the object around them has the variant as its only field.
struct Inside;

impl Serializer for Probe {
    type Ok = Shape;
    type Error = Error;
    type SerializeSeq = Impossible<Shape, Error>;
    type SerializeTuple = Impossible<Shape, Error>;
    type SerializeTupleStruct = Impossible<Shape, Error>;
    type SerializeTupleVariant = Inside;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Inside;

    fn serialize_str(self, text: &str) -> Result<Shape, Error> {
        Ok(Shape::Text { is_id: text == ID })
    }

    fn serialize_char(self, _: char) -> Result<Shape, Error> {
        Ok(Shape::Text { is_id: false })
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Shape, Error> {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shape, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Shape, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Shape, Error> {
        Ok(Shape::Object(None))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Error> {
        Ok(Fields::object())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Error> {
        Ok(Fields::object())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside, Error> {
        Ok(Inside)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside, Error> {
        Ok(Inside)
    }

    fn serialize_bool(self, _: bool) -> Result<Shape, Error> {
        Err(not_an_object("true or false"))
    }

    fn serialize_i8(self, _: i8) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_i16(self, _: i16) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_i32(self, _: i32) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_i64(self, _: i64) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_i128(self, _: i128) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u8(self, _: u8) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u16(self, _: u16) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u32(self, _: u32) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u64(self, _: u64) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u128(self, _: u128) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_f32(self, _: f32) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_f64(self, _: f64) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Shape, Error> {
        Err(not_an_object("a list"))
    }

    fn serialize_none(self) -> Result<Shape, Error> {
        Err(not_an_object("null"))
    }

    fn serialize_unit(self) -> Result<Shape, Error> {
        Err(not_an_object("null"))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Shape, Error> {
        Err(not_an_object("null"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        Err(not_an_object("a list"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        Err(not_an_object("a list"))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Err(not_an_object("a list"))
    }
}

impl ser::SerializeMap for Fields {
    type Ok = Shape;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Error> {
        // A name that is no string is for the worker to refuse, or to write as one.
        self.next_is_id = matches!(name.serialize(Probe), Ok(Shape::Text { is_id: true }));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.next_is_id {
            self.id = Some(serde_json::to_vec(value)?);
        }
        Ok(())
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(Shape::Object(self.id))
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Shape;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if name == ID {
            self.id = Some(serde_json::to_vec(value)?);
        }
        Ok(())
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(Shape::Object(self.id))
    }
}

impl ser::SerializeStructVariant for Inside {
    type Ok = Shape;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(Shape::Object(None))
    }
}

impl ser::SerializeTupleVariant for Inside {
    type Ok = Shape;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Error> {
        Ok(())
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(Shape::Object(None))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Departure {
        flight: &'static str,
        id: Option<u32>,
    }

    #[derive(Serialize)]
    #[serde(tag = "type")]
    enum Tagged {
        Departure { id: &'static str },
    }

    #[derive(Serialize)]
    struct Flattened {
        #[serde(flatten)]
        departure: Departure,
    }

    fn text_of(key: Option<Vec<u8>>) -> Option<String> {
        key.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn key<T: Serialize>(record: T) -> Option<String> {
        text_of(key_of(&record).unwrap())
    }

    fn of_text(text: &str) -> Option<String> {
        text_of(key_of_text(text).unwrap())
    }

    #[test]
    fn the_key_is_the_id_as_json_whatever_type_the_record_has() {
        let departure = || Departure { flight: "BA178", id: Some(7) };
        assert_eq!(key(departure()).unwrap(), "7");
        assert_eq!(key(Some(departure())).unwrap(), "7");
        assert_eq!(key(Flattened { departure: departure() }).unwrap(), "7");
        assert_eq!(key(Tagged::Departure { id: "JFK" }).unwrap(), "\"JFK\"");
        assert_eq!(key(json!({"a": 1, "id": {"b": [1, 2]}})).unwrap(), r#"{"b":[1,2]}"#);
        assert_eq!(key(BTreeMap::from([("id", 2.5)])).unwrap(), "2.5");
        assert_eq!(key(BTreeMap::from([(7, "seven")])), None);
    }

    #[test]
    fn a_record_without_id_or_with_null_has_no_key() {
        assert_eq!(key(Departure { flight: "BA178", id: None }), None);
        assert_eq!(key(json!({"flight": "BA178", "inner": {"id": 1}})), None);
        assert_eq!(of_text(r#"{"id": null}"#), None);
        assert_eq!(of_text(r#"{"inner": {"id": 1}}"#), None);
    }

    #[test]
    fn text_and_value_have_the_same_key_however_the_text_is_spelt() {
        for text in [
            r#"{"id":"JFK","a":[{"id":1}]}"#,
            r#" { "id" : "\u004aFK" } "#,
            r#"{"id":{"b":[1,"é"],"a":null}}"#,
            r#"{"id": { "b": [ 1, "\u00e9" ], "a": null } }"#,
            r#"{"id":-12.5,"id":18446744073709551615}"#,
            r#"{"\u0069d":true}"#,
            r#"{"a":"id"}"#,
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(of_text(text), key(value), "{text}");
        }
        let digits = "123456789012345678901234567890";
        assert_eq!(of_text(&format!(r#"{{"id":{digits}}}"#)).unwrap(), digits);
    }

    #[test]
    fn what_is_no_object_is_refused_and_named() {
        for (value, found) in [
            (json!("text"), "a string"),
            (json!(1), "a number"),
            (json!(1.5), "a number"),
            (json!(true), "true or false"),
            (json!(null), "null"),
            (json!([{"id": 1}]), "a list"),
        ] {
            let error = key_of(&value).unwrap_err().to_string();
            assert!(error.ends_with(found), "{error}");
            assert!(key_of_text(&value.to_string()).is_err(), "{value}");
        }
        for text in ["", "{", r#"{"id":1} {"id":2}"#, r#"{"id":1,}"#, "{id:1}"] {
            assert!(key_of_text(text).is_err(), "{text}");
        }
    }
}
