//! Which field it is that does not fit: apache-avro's own errors print the value and not its name.

use std::cell::OnceCell;
use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{Name, RecordSchema, ResolvedSchema, SchemaKind};
use apache_avro::types::Value;

use crate::error::Violation;

/// The first field of a value that is to be written that the schema has no place for.
pub(super) fn find(value: &Value, schema: &Schema, names: &[&Schema]) -> Option<Violation> {
    Search { names, knows_more: false, by_name: OnceCell::new() }.find(value, schema, "")
}

/// The first field of a value that was written with another schema that this one cannot read. What
/// the writer knew and the reader does not is no mismatch: it is left out.
pub(super) fn find_as_reader(
    value: &Value,
    schema: &Schema,
    names: &[&Schema],
) -> Option<Violation> {
    Search { names, knows_more: true, by_name: OnceCell::new() }.find(value, schema, "")
}

struct Search<'a> {
    names: &'a [&'a Schema],
    knows_more: bool,
    /// Every named type, those inside others too, once one is asked for.
    by_name: OnceCell<HashMap<Name, &'a Schema>>,
}

impl<'a> Search<'a> {
    /// The type that a name stands for where it is used again.
    fn named(&self, name: &Name) -> Option<&'a Schema> {
        let by_name = self.by_name.get_or_init(|| {
            let resolved = ResolvedSchema::try_from(self.names.to_vec());
            resolved.map(|it| it.get_names().clone()).unwrap_or_default()
        });
        let qualified = by_name.get(name).copied();
        qualified.or_else(|| by_name.iter().find(|it| it.0.name == name.name).map(|it| *it.1))
    }

    fn find(&self, value: &Value, schema: &Schema, path: &str) -> Option<Violation> {
        if let Schema::Ref { name } = schema
            && let Some(schema) = self.named(name)
        {
            return self.find(value, schema, path);
        }
        match (value, schema) {
            (Value::Union(_, inner), _) => self.find(inner, schema, path),
            (Value::Record(fields), Schema::Record(record)) => self.in_record(fields, record, path),
            // A type without names of its own, such as `serde_json::Value`, is written as a map.
            (Value::Map(entries), Schema::Record(record)) => {
                let mut fields: Vec<_> = entries.clone().into_iter().collect();
                fields.sort_by(|one, other| one.0.cmp(&other.0));
                self.in_record(&fields, record, path)
            }
            (Value::Array(items), Schema::Array(array)) => {
                let mut items = items.iter().enumerate();
                items.find_map(|(at, it)| self.find(it, &array.items, &format!("{path}[{at}]")))
            }
            (Value::Map(entries), Schema::Map(map)) => {
                // The keys are data.
                let mut values = entries.values();
                values.find_map(|it| self.find(it, &map.types, &format!("{path}[*]")))
            }
            (_, Schema::Union(union)) => self.in_union(value, union.variants(), path),
            _ => {
                let resolved = value.clone().resolve_schemata(schema, self.names.to_vec());
                let expected = kind(schema);
                let problem = || match (value, schema) {
                    (Value::String(_) | Value::Enum(..), Schema::Enum(it)) => {
                        format!("is none of {}", it.symbols.join(", "))
                    }
                    _ => format!("is {}, and the schema says {expected}", kind_of(value)),
                };
                resolved.err().map(|_| violation(path, problem()))
            }
        }
    }

    fn in_record(
        &self,
        fields: &[(String, Value)],
        record: &RecordSchema,
        path: &str,
    ) -> Option<Violation> {
        let at = |name: &str| match path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        let unknown = fields.iter().find(|(name, _)| !record.lookup.contains_key(name));
        if let Some((name, _)) = unknown.filter(|_| !self.knows_more) {
            return Some(violation(&at(name), "is not in the schema".to_owned()));
        }
        record.fields.iter().find_map(|field| {
            let is_this = |name: &String| {
                *name == field.name || field.aliases.iter().flatten().any(|alias| alias == name)
            };
            match fields.iter().find(|(name, _)| is_this(name)) {
                Some((_, value)) => self.find(value, &field.schema, &at(&field.name)),
                None if field.default.is_some() => None,
                None => Some(violation(
                    &at(&field.name),
                    "is missing, and the schema has no default for it".to_owned(),
                )),
            }
        })
    }

    fn in_union(&self, value: &Value, variants: &[Schema], path: &str) -> Option<Violation> {
        let misses: Vec<Violation> =
            variants.iter().map_while(|variant| self.find(value, variant, path)).collect();
        if misses.len() < variants.len() {
            return None;
        }
        // Of a record in a union with null, its own field is meant.
        let mut real = variants.iter().zip(misses).filter(|(it, _)| **it != Schema::Null);
        if let (Some((_, only)), None) = (real.next(), real.next()) {
            return Some(only);
        }
        let kinds: Vec<String> = variants.iter().map(kind).collect();
        let problem = format!("is {}, and the schema says {}", kind_of(value), kinds.join(" or "));
        Some(violation(path, problem))
    }
}

fn violation(field: &str, problem: String) -> Violation {
    Violation { field: field.to_owned(), problem }
}

fn kind(schema: &Schema) -> String {
    match schema.name() {
        Some(name) => name.fullname(None),
        None => words(SchemaKind::from(schema)),
    }
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Enum(..) => "an enum".to_owned(),
        other => words(SchemaKind::from(other)),
    }
}

/// `TimestampMillis` as `timestamp-millis`, which is what stands in a schema.
fn words(kind: SchemaKind) -> String {
    let mut words = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('-');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn airport() -> Schema {
        let schema = json!({"type": "record", "name": "Airport", "fields": [
            {"name": "iata", "type": "string"},
            {"name": "elevation_ft", "type": ["null", "double"], "default": null},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["LAND", "SEA"]}},
            {"name": "runways", "type": {"type": "array", "items": {
                "type": "record", "name": "Runway", "fields": [
                    {"name": "length_ft", "type": "int"},
                    {"name": "beside", "type": ["null", "Runway"], "default": null},
                ]}}, "default": []},
        ]});
        Schema::parse(&schema).unwrap()
    }

    #[test]
    fn the_field_is_named_and_its_value_is_not() {
        let rows = [
            (json!({"iata": "JFK", "kind": "LAND"}), None),
            (json!({"iata": 5, "kind": "LAND"}), Some("iata is int, and the schema says string")),
            (
                json!({"kind": "LAND"}),
                Some("iata is missing, and the schema has no default for it"),
            ),
            (json!({"iata": "JFK", "kind": "secret"}), Some("kind is none of LAND, SEA")),
            (
                json!({"iata": "JFK", "kind": "SEA", "elevation_ft": "secret"}),
                Some("elevation_ft is string, and the schema says double"),
            ),
            (
                json!({"iata": "JFK", "kind": "SEA", "gate": "secret"}),
                Some("gate is not in the schema"),
            ),
            (
                json!({"iata": "JFK", "kind": "SEA", "runways": [
                    {"length_ft": 1}, {"length_ft": 1, "beside": {"length_ft": "secret"}}]}),
                Some("runways[1].beside.length_ft is string, and the schema says int"),
            ),
        ];
        let schema = airport();
        for (given, expected) in rows {
            // As a record, which is what serde makes of a struct, and as a map.
            for value in [record(Value::from(given.clone())), Value::from(given)] {
                let found = find(&value, &schema, &[&schema]).map(|it| it.to_string());
                assert_eq!(found.as_deref(), expected);
            }
        }
    }

    fn record(value: Value) -> Value {
        match value {
            Value::Map(entries) => {
                let mut fields: Vec<(String, Value)> =
                    entries.into_iter().map(|(name, value)| (name, record(value))).collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Value::Record(fields)
            }
            Value::Array(items) => Value::Array(items.into_iter().map(record).collect()),
            other => other,
        }
    }

    #[test]
    fn a_reader_leaves_out_what_it_does_not_know() {
        let value = record(Value::from(json!({"iata": "JFK", "kind": "SEA", "gate": 1})));
        let schema = airport();
        assert_eq!(find_as_reader(&value, &schema, &[&schema]), None);
    }
}
