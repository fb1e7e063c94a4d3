//! The key of a record: its `id`, as JSON.
//!
//! The key must be known before the record is serialized, because it decides which worker does
//! that. So a serializer that skips everything else reads only the `id` of a value, and a line of
//! text is scanned for it without building a value.
//!
//! An `id` that is null does not count, and the record then has no key.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Error;
use serde_json::value::{RawValue, Value};

use crate::probe::{ID, Probe, Shape, not_an_object};

/// Returns the key of anything that serializes to an object.
///
/// # Errors
/// If it does not, or if the `id` does not serialize.
pub(super) fn key_of<T: Serialize>(record: &T) -> Result<Option<Vec<u8>>, Error> {
    match record.serialize(Probe)? {
        Shape::Object(id) => Ok(id.filter(|json| json != b"null")),
        Shape::Json(text) => key_of_text(&text),
        Shape::Text { .. } => Err(not_an_object("a string")),
    }
}

/// Returns the key of a record that is already JSON text.
///
/// # Errors
/// If the text is not JSON, or not an object.
pub(super) fn key_of_text(text: &str) -> Result<Option<Vec<u8>>, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let id = deserializer.deserialize_any(IdOfObject)?;
    deserializer.end()?;
    id.map_or(Ok(None), normalized)
}

/// Returns an id in the form in which it would be serialized here: two lines that spell it
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

/// Finds the `id` in JSON text. If there are several, the last one counts, as for most parsers.
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

/// Whether a name is `id`, determined without storing the name.
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

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
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
        assert_eq!(key(raw(r#"{ "gate": 7, "id": "\u004aFK" }"#)).unwrap(), "\"JFK\"");
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
            assert_eq!(of_text(text), key(raw(text.trim())), "{text}");
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
            assert!(key_of(&raw(&value.to_string())).is_err(), "{value}");
        }
        for text in ["", "{", r#"{"id":1} {"id":2}"#, r#"{"id":1,}"#, "{id:1}"] {
            assert!(key_of_text(text).is_err(), "{text}");
        }
    }
}
