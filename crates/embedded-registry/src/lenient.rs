//! Reads the attributes of a request as Confluent's registry does, with Jackson: a number can be
//! written as text, and the other way around.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use crate::model::Reference;

/// Reads text; a number or a boolean counts as its text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        scalar @ (Value::Number(_) | Value::Bool(_)) => Ok(Some(scalar.to_string())),
        other => Err(mismatch("java.lang.String", &other)),
    }
}

/// Reads a 32-bit integer; fractions are truncated.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => {
            return text.trim().parse().map(Some).map_err(|_| {
                D::Error::custom(format!(
                    "Cannot deserialize value of type `java.lang.Integer` from String \"{text}\": \
                     not a valid `java.lang.Integer` value"
                ))
            });
        }
        Value::Number(number) => number,
        other => return Err(mismatch("java.lang.Integer", &other)),
    };
    let whole = number.as_i64().or_else(|| number.as_f64().map(|fraction| fraction as i64));
    let whole = whole.and_then(|whole| i32::try_from(whole).ok());
    whole.map(Some).ok_or_else(|| {
        D::Error::custom(format!(
            "Numeric value ({number}) out of range of int (-2147483648 - 2147483647)"
        ))
    })
}

/// Reads the references of a schema.
pub(crate) fn references<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Reference>>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        list @ Value::Array(_) => serde_json::from_value(list).map(Some).map_err(D::Error::custom),
        other => {
            let of = "io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference";
            Err(mismatch(&format!("java.util.ArrayList<{of}>"), &other))
        }
    }
}

fn mismatch<E: Error>(expected: &str, found: &Value) -> E {
    E::custom(mismatched(expected, found))
}

/// Returns Jackson's message for a value of the wrong type.
pub(crate) fn mismatched(expected: &str, found: &Value) -> String {
    let (kind, token) = match found {
        Value::Array(_) => ("Array value", "START_ARRAY"),
        Value::Object(_) => ("Object value", "START_OBJECT"),
        Value::Number(_) => ("Integer value", "VALUE_NUMBER_INT"),
        Value::Bool(true) => ("Boolean value", "VALUE_TRUE"),
        Value::Bool(false) => ("Boolean value", "VALUE_FALSE"),
        Value::String(_) => ("String value", "VALUE_STRING"),
        Value::Null => ("Null value", "VALUE_NULL"),
    };
    format!("Cannot deserialize value of type `{expected}` from {kind} (token `JsonToken.{token}`)")
}
