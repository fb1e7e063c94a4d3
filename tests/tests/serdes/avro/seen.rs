//! What a deserializer gives to a type that takes anything, in the form that
//! tests/java-schemas prints.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

/// A value with the types of its numbers, floats as their bits and bytes in hexadecimal.
#[derive(Debug, PartialEq)]
pub(super) struct Seen(pub(super) Value);

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Seer).map(Seen)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("two digits");
    (0..text.len()).step_by(2).map(digits).collect()
}

struct Seer;

impl<'de> Visitor<'de> for Seer {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(json!(it))
    }

    fn visit_i32<E>(self, it: i32) -> Result<Value, E> {
        Ok(json!({ "int": it }))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(json!({ "long": it }))
    }

    fn visit_f32<E>(self, it: f32) -> Result<Value, E> {
        Ok(json!({ "float": format!("{:08x}", it.to_bits()) }))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(json!({ "double": format!("{:016x}", it.to_bits()) }))
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(json!(it))
    }

    fn visit_bytes<E>(self, it: &[u8]) -> Result<Value, E> {
        Ok(json!({ "bytes": hex(it) }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut seen = Vec::new();
        while let Some(Seen(item)) = items.next_element()? {
            seen.push(item);
        }
        Ok(Value::Array(seen))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut seen = Map::new();
        while let Some((key, Seen(value))) = entries.next_entry::<String, Seen>()? {
            seen.insert(key, value);
        }
        Ok(json!({ "of": seen }))
    }
}
