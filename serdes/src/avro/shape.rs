//! From a value to a type of the program, and which field it is that does not fit there:
//! apache-avro's own errors do not say.

use apache_avro::error::Details;
use apache_avro::types::Value;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_path_to_error::{Path, Segment};

use crate::error::{Error, Violation, without_value};

/// The value as the program wants it.
pub(super) fn fit<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    let fitted = apache_avro::from_value::<Fitted<T>>(value);
    let misfit = match fitted.map(|it| it.0) {
        Ok(Ok(fitting)) => return Ok(fitting),
        Ok(Err(misfit)) => misfit,
        Err(error) => Misfit { path: None, message: error.to_string() },
    };
    let of_serde = Details::DeserializeValue(String::new()).to_string();
    let problem = match misfit.message.strip_prefix(&of_serde) {
        Some(message) => without_value(message),
        None => "is not what the type expects".to_owned(),
    };
    let field = misfit.path.map(|path| field(&path, value)).unwrap_or_default();
    Err(Error::Shape(Violation { field, problem }))
}

/// A value or why there is none. Both are a success for apache-avro, which would lose the path.
struct Fitted<T>(Result<T, Misfit>);

struct Misfit {
    path: Option<Path>,
    message: String,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fitted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fitted = serde_path_to_error::deserialize(deserializer);
        Ok(Fitted(fitted.map_err(|error| Misfit {
            path: Some(error.path().clone()),
            message: error.into_inner().to_string(),
        })))
    }
}

/// A path as [`Violation`] has it. It is followed through the value, because the keys of a map are
/// data and are not shown, and serde does not tell them from the names of fields.
fn field(path: &Path, value: &Value) -> String {
    let (mut field, mut at) = (String::new(), Some(value));
    for segment in path {
        while let Some(Value::Union(_, inner)) = at {
            at = Some(inner);
        }
        at = match (segment, at) {
            (Segment::Seq { index }, Some(Value::Array(items))) => {
                field.push_str(&format!("[{index}]"));
                items.get(*index)
            }
            (Segment::Map { key }, Some(Value::Record(fields))) => {
                let separator = if field.is_empty() { "" } else { "." };
                field.push_str(&format!("{separator}{key}"));
                fields.iter().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            (Segment::Map { key }, Some(Value::Map(entries))) => {
                field.push_str("[*]");
                entries.get(key)
            }
            // What lies further inside has no place in the value that could be named.
            _ => break,
        };
    }
    field
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;

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

    fn record(fields: &[(&str, Value)]) -> Value {
        Value::Record(fields.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect())
    }

    fn optional(value: Value) -> Value {
        Value::Union(1, Box::new(value))
    }

    #[test]
    fn the_field_is_named_and_neither_a_value_nor_a_key_is() {
        let good = record(&[("length_ft", optional(Value::Int(1)))]);
        let bad = record(&[("length_ft", optional(Value::String("secret".to_owned())))]);
        let without = record(&[]);
        let array = |items: &[&Value]| Value::Array(items.iter().map(|it| (*it).clone()).collect());
        let map = |it: &Value| Value::Map(HashMap::from([("secret".to_owned(), it.clone())]));
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
                "closed is not what the type expects",
            ),
            (record(&[("runways", array(&[]))]), "the value lacks the field closed"),
            (Value::String("secret".to_owned()), "the value is not what the type expects"),
            (
                record(&[("runways", array(&[&without])), ("closed", Value::Int(1))]),
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
