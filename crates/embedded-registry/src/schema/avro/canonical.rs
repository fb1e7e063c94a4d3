//! An Avro schema as text, in the order of attributes that Java's `Schema.toString` has.
//!
//! A name is written without its namespace where that is the enclosing one.

use serde_json::{Map, Value};

use super::tree::{PRIMITIVES, full_name};

/// The schema in one line. Normalised, other attributes than Avro's own are sorted by name.
pub(super) fn print(value: &Value, normalize: bool) -> String {
    let mut printer = Printer { text: String::new(), normalize };
    printer.schema(value, "");
    printer.text
}

struct Printer {
    text: String,
    normalize: bool,
}

impl Printer {
    fn schema(&mut self, value: &Value, namespace: &str) {
        match value {
            Value::String(name) => self.name(name, namespace),
            Value::Array(branches) => {
                self.list(branches, |printer, branch| printer.schema(branch, namespace));
            }
            Value::Object(object) => self.object(object, namespace),
            other => self.json(other),
        }
    }

    fn name(&mut self, name: &str, namespace: &str) {
        let short = match name.rsplit_once('.') {
            Some((own, short)) if own == namespace && !PRIMITIVES.contains(&short) => short,
            _ => name,
        };
        self.string(short);
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) {
        let kind = object.get("type").unwrap_or(&Value::Null);
        match kind.as_str() {
            Some("record" | "error" | "enum" | "fixed") => self.named(object, namespace),
            Some("array") => self.collection(object, "items", namespace),
            Some("map") => self.collection(object, "values", namespace),
            // A type in braces that adds nothing is that type.
            _ if object.len() == 1 => self.schema(kind, namespace),
            Some(name) if !PRIMITIVES.contains(&name) => self.name(name, namespace),
            Some(name) => {
                self.text.push_str("{\"type\":");
                self.string(name);
                self.others(object, &["type"]);
                self.text.push('}');
            }
            None => self.schema(kind, namespace),
        }
    }

    fn collection(&mut self, object: &Map<String, Value>, inner: &str, namespace: &str) {
        self.text.push_str("{\"type\":");
        self.json(object.get("type").unwrap_or(&Value::Null));
        self.attribute(inner);
        self.schema(object.get(inner).unwrap_or(&Value::Null), namespace);
        self.others(object, &["type", inner]);
        self.text.push('}');
    }

    fn named(&mut self, object: &Map<String, Value>, enclosing: &str) {
        let (full, namespace) = full_name(object, enclosing).unwrap_or_default();
        let short = full.rsplit_once('.').map_or(full.as_str(), |(_, short)| short);
        self.text.push_str("{\"type\":");
        self.json(object.get("type").unwrap_or(&Value::Null));
        self.attribute("name");
        self.string(short);
        if namespace != enclosing {
            self.attribute("namespace");
            self.string(&namespace);
        }
        self.copied(object, "doc");
        if let Some(Value::Array(fields)) = object.get("fields") {
            self.attribute("fields");
            self.list(fields, |printer, field| printer.field(field, &namespace));
        }
        for attribute in ["symbols", "default", "size"] {
            self.copied(object, attribute);
        }
        let own =
            ["type", "name", "namespace", "doc", "fields", "symbols", "default", "size", "aliases"];
        self.others(object, &own);
        self.copied(object, "aliases");
        self.text.push('}');
    }

    fn field(&mut self, field: &Value, namespace: &str) {
        let Value::Object(field) = field else {
            return self.json(field);
        };
        self.text.push_str("{\"name\":");
        self.json(field.get("name").unwrap_or(&Value::Null));
        self.attribute("type");
        self.schema(field.get("type").unwrap_or(&Value::Null), namespace);
        self.copied(field, "doc");
        self.copied(field, "default");
        if field.get("order").is_some_and(|order| order != "ascending") {
            self.copied(field, "order");
        }
        self.copied(field, "aliases");
        self.others(field, &["name", "type", "doc", "default", "order", "aliases"]);
        self.text.push('}');
    }

    /// The attributes that Avro gives no meaning to, and keeps.
    fn others(&mut self, object: &Map<String, Value>, own: &[&str]) {
        let mut others: Vec<&String> =
            object.keys().filter(|key| !own.contains(&key.as_str())).collect();
        if self.normalize {
            others.sort();
        }
        for key in others {
            self.copied(object, key);
        }
    }

    fn copied(&mut self, object: &Map<String, Value>, attribute: &str) {
        if let Some(value) = object.get(attribute) {
            self.attribute(attribute);
            self.json(value);
        }
    }

    fn attribute(&mut self, name: &str) {
        self.text.push(',');
        self.string(name);
        self.text.push(':');
    }

    fn list(&mut self, values: &[Value], mut print: impl FnMut(&mut Self, &Value)) {
        self.text.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            print(self, value);
        }
        self.text.push(']');
    }

    fn string(&mut self, text: &str) {
        self.json(&Value::String(text.to_owned()));
    }

    fn json(&mut self, value: &Value) {
        self.text.push_str(&value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_printed_as_java_prints_them() {
        let rows = [
            (r#" {"type" : "string"} "#, r#""string""#),
            (r#"{"type": {"type": "int"}}"#, r#""int""#),
            (r#"{"logicalType": "date", "type": "int"}"#, r#"{"type":"int","logicalType":"date"}"#),
            (
                r#"{"fields": [{"type": ["null", {"type": "long"}], "default": null, "name": "a"}],
                    "name": "aero.Airport", "type": "record", "aliases": ["Field"], "doc": "d"}"#,
                r#"{"type":"record","name":"Airport","namespace":"aero","doc":"d","fields":[{"name":"a","type":["null","long"],"default":null}],"aliases":["Field"]}"#,
            ),
            (
                r#"{"type": "record", "name": "A", "namespace": "x", "fields": [
                    {"name": "b", "order": "ascending",
                     "type": {"type": "enum", "name": "x.B", "symbols": ["C"], "default": "C"}},
                    {"name": "again", "type": "x.B"},
                    {"name": "other", "type": {"type": "fixed", "size": 2, "name": "y.D"}}]}"#,
                r#"{"type":"record","name":"A","namespace":"x","fields":[{"name":"b","type":{"type":"enum","name":"B","symbols":["C"],"default":"C"}},{"name":"again","type":"B"},{"name":"other","type":{"type":"fixed","name":"D","namespace":"y","size":2}}]}"#,
            ),
        ];
        for (given, printed) in rows {
            let value: Value = serde_json::from_str(given).unwrap();
            assert_eq!(print(&value, false), printed);
            let again: Value = serde_json::from_str(printed).unwrap();
            assert_eq!(print(&again, true), printed, "printing it again changes nothing");
        }
    }
}
