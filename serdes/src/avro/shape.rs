//! From a value to a type of the program, and which field it is that does not fit there:
//! serde's own errors do not say.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::datum::Datum;
use super::deserialize::{DatumDeserializer, Fault};
use crate::error::{Error, Violation, without_value};

/// The value as the program wants it.
pub(super) fn fit<T: DeserializeOwned>(datum: &Datum) -> Result<T, Error> {
    serde_path_to_error::deserialize(DatumDeserializer::new(datum)).map_err(|error| {
        let field = field(error.path(), datum);
        let Fault { message, is_ours } = error.into_inner();
        let problem = if is_ours { message } else { without_value(&message) };
        Error::TypeMismatch(Violation { field, problem })
    })
}

/// A path as [`Violation`] has it. It is followed through the value, because the keys of a map are
/// data and are not shown, and serde does not tell them from the names of fields.
fn field(path: &Path, datum: &Datum) -> String {
    let (mut field, mut at) = (String::new(), Some(datum));
    for segment in path {
        at = match (segment, at.map(Datum::inner)) {
            (Segment::Seq { index }, Some(Datum::Array(items))) => {
                field.push_str(&format!("[{index}]"));
                items.get(*index)
            }
            (Segment::Map { key }, Some(Datum::Record(names, values))) => {
                let separator = if field.is_empty() { "" } else { "." };
                field.push_str(&format!("{separator}{key}"));
                names.iter().position(|name| name == key).and_then(|at| values.get(at))
            }
            (Segment::Map { key }, Some(Datum::Map(entries))) => {
                field.push_str("[*]");
                entries.get(key)
            }
            // The variant is the branch of the union.
            (Segment::Enum { .. }, Some(inner)) => Some(inner),
            // What lies further inside has no place in the value that could be named.
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

    use super::super::datum::Branch;
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

    fn record(fields: &[(&str, Datum)]) -> Datum {
        let names = fields.iter().map(|(name, _)| (*name).to_owned()).collect();
        Datum::Record(names, fields.iter().map(|(_, it)| it.clone()).collect())
    }

    fn optional(value: Datum) -> Datum {
        let branch = Branch { is_named: false, names: Vec::new() };
        Datum::Union(Arc::new(branch), Box::new(value))
    }

    #[test]
    fn the_field_is_named_and_neither_a_value_nor_a_key_is() {
        let good = record(&[("length_ft", optional(Datum::Int(1)))]);
        let bad = record(&[("length_ft", optional(Datum::Text("secret".to_owned())))]);
        let without = record(&[]);
        let array = |items: &[&Datum]| Datum::Array(items.iter().map(|it| (*it).clone()).collect());
        let map = |it: &Datum| Datum::Map(BTreeMap::from([("secret".to_owned(), it.clone())]));
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
            (Datum::Text("secret".to_owned()), "the value is not what the type expects"),
            (
                record(&[("runways", array(&[&without])), ("closed", Datum::Int(1))]),
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
