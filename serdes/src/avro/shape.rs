//! Converts a value to a type of the program, and finds the field that does not fit, because
//! serde's own errors do not name it.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::deserialize::{DeserializeError, ValueDeserializer};
use super::value::AvroValue;
use crate::error::{Error, Violation, without_value};

/// Converts the value to the program's type.
pub(super) fn fit<T: DeserializeOwned>(value: &AvroValue) -> Result<T, Error> {
    serde_path_to_error::deserialize(ValueDeserializer::new(value)).map_err(|error| {
        let field = field(error.path(), value);
        let DeserializeError { message, is_safe } = error.into_inner();
        let problem = if is_safe { message } else { without_value(&message) };
        Error::TypeMismatch(Violation { field, problem })
    })
}

/// Formats a path as [`Violation`] has it. It follows the path through the value, because serde
/// does not distinguish the keys of a map, which are data and are not shown, from the names of
/// fields.
fn field(path: &Path, value: &AvroValue) -> String {
    let (mut field, mut at) = (String::new(), Some(value));
    for segment in path {
        at = match (segment, at.map(AvroValue::inner)) {
            (Segment::Seq { index }, Some(AvroValue::Array(items))) => {
                field.push_str(&format!("[{index}]"));
                items.get(*index)
            }
            (Segment::Map { key }, Some(AvroValue::Record(names, values))) => {
                let separator = if field.is_empty() { "" } else { "." };
                field.push_str(&format!("{separator}{key}"));
                names.iter().position(|name| name == key).and_then(|at| values.get(at))
            }
            (Segment::Map { key }, Some(AvroValue::Map(entries))) => {
                field.push_str("[*]");
                entries.get(key)
            }
            // The variant is the branch of the union.
            (Segment::Enum { .. }, Some(inner)) => Some(inner),
            // Deeper parts have no place in the value that could be named.
            _ => break,
        };
    }
    field
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::sync::Arc;

    use serde::Deserialize;

    use super::super::value::Branch;
    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "never made: no value fits")]
    struct Airport {
        runways: Vec<Runway>,
        closed: HashMap<String, Runway>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "never made: no value fits")]
    struct Runway {
        length_ft: Option<i32>,
    }

    fn record(fields: &[(&str, AvroValue)]) -> AvroValue {
        let names = fields.iter().map(|(name, _)| (*name).to_owned()).collect();
        AvroValue::Record(names, fields.iter().map(|(_, it)| it.clone()).collect())
    }

    fn optional(value: AvroValue) -> AvroValue {
        let branch = Branch { is_named: false, names: Vec::new() };
        AvroValue::Union(Arc::new(branch), Box::new(value))
    }

    #[test]
    fn an_error_names_the_field_but_no_value_or_key() {
        let good = record(&[("length_ft", optional(AvroValue::Int(1)))]);
        let bad = record(&[("length_ft", optional(AvroValue::Text("secret".to_owned())))]);
        let without = record(&[]);
        let array =
            |items: &[&AvroValue]| AvroValue::Array(items.iter().map(|it| (*it).clone()).collect());
        let map =
            |it: &AvroValue| AvroValue::Map(BTreeMap::from([("secret".to_owned(), it.clone())]));
        let rows = [
            (
                record(&[("runways", array(&[&good, &bad])), ("closed", map(&good))]),
                "runways[1].length_ft is not what the type expects",
            ),
            (
                record(&[("runways", array(&[])), ("closed", map(&bad))]),
                "closed[*].length_ft is not what the type expects",
            ),
            (
                record(&[("runways", array(&[&good])), ("closed", optional(map(&array(&[]))))]),
                "closed[*] is not what the type expects",
            ),
            (record(&[("runways", array(&[]))]), "the value lacks the field closed"),
            (AvroValue::Text("secret".to_owned()), "the value is not what the type expects"),
            (
                record(&[("runways", array(&[&without])), ("closed", AvroValue::Int(1))]),
                "closed is not what the type expects",
            ),
        ];
        for (value, expected) in rows {
            let error = fit::<Airport>(&value).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(error.to_string().contains(expected), "{expected}: {error}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
