//! An Avro schema as text, in the order of attributes that Java's `Schema.toString` has.
//!
//! A name is written without its namespace where that is the enclosing one.

use serde_json::Value;

use super::ordered::{Object, Ordered};
use super::tree::{PRIMITIVES, full_name};

/// The schema in one line. Normalised, other attributes than Avro's own are sorted by name.
pub(super) fn print(value: &Ordered, normalize: bool) -> String {
    let mut printer = Printer { text: String::new(), normalize };
    printer.schema(value, "");
    printer.text
}

const NULL: Ordered = Ordered::Scalar(Value::Null);

struct Printer {
    text: String,
    normalize: bool,
}

impl Printer {
    fn schema(&mut self, value: &Ordered, namespace: &str) {
        match value {
            Ordered::Scalar(Value::String(name)) => self.name(name, namespace),
            Ordered::Array(branches) => {
                self.list(branches, |printer, branch| printer.schema(branch, namespace));
            }
            Ordered::Object(object) => self.object(object, namespace),
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

    fn object(&mut self, object: &Object, namespace: &str) {
        let kind = object.get("type").unwrap_or(&NULL);
        match kind.as_str() {
            Some("record" | "error" | "enum" | "fixed") => self.named(object, namespace),
            Some("array") => self.collection(object, "items", namespace),
            Some("map") => self.collection(object, "values", namespace),
            // A type in braces that adds nothing is that type.
            _ if object.0.len() == 1 => self.schema(kind, namespace),
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

    fn collection(&mut self, object: &Object, inner: &str, namespace: &str) {
        self.text.push_str("{\"type\":");
        self.json(object.get("type").unwrap_or(&NULL));
        self.attribute(inner);
        self.schema(object.get(inner).unwrap_or(&NULL), namespace);
        self.others(object, &["type", inner]);
        self.text.push('}');
    }

    fn named(&mut self, object: &Object, enclosing: &str) {
        let text = |attribute: &str| object.get(attribute).and_then(Ordered::as_str);
        let (full, namespace) =
            full_name(text("name"), text("namespace"), enclosing).unwrap_or_default();
        let short = full.rsplit_once('.').map_or(full.as_str(), |(_, short)| short);
        self.text.push_str("{\"type\":");
        self.json(object.get("type").unwrap_or(&NULL));
        self.attribute("name");
        self.string(short);
        if namespace != enclosing {
            self.attribute("namespace");
            self.string(&namespace);
        }
        self.copied(object, "doc");
        if let Some(Ordered::Array(fields)) = object.get("fields") {
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

    fn field(&mut self, field: &Ordered, namespace: &str) {
        let Ordered::Object(field) = field else {
            return self.json(field);
        };
        self.text.push_str("{\"name\":");
        self.json(field.get("name").unwrap_or(&NULL));
        self.attribute("type");
        self.schema(field.get("type").unwrap_or(&NULL), namespace);
        self.copied(field, "doc");
        self.copied(field, "default");
        if field.get("order").is_some_and(|order| order.as_str() != Some("ascending")) {
            self.copied(field, "order");
        }
        self.copied(field, "aliases");
        self.others(field, &["name", "type", "doc", "default", "order", "aliases"]);
        self.text.push('}');
    }

    /// The attributes that Avro gives no meaning to, and keeps.
    fn others(&mut self, object: &Object, own: &[&str]) {
        let others = object.0.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        for (name, value) in self.in_order(others) {
            self.attribute(name);
            self.json(value);
        }
    }

    fn in_order<'a>(
        &self,
        entries: impl Iterator<Item = &'a (String, Ordered)>,
    ) -> Vec<&'a (String, Ordered)> {
        let mut entries: Vec<_> = entries.collect();
        if self.normalize {
            entries.sort_by(|one, other| one.0.cmp(&other.0));
        }
        entries
    }

    fn copied(&mut self, object: &Object, attribute: &str) {
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

    fn list<T>(&mut self, values: &[T], mut print: impl FnMut(&mut Self, &T)) {
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
        self.text.push_str(&Value::from(text).to_string());
    }

    fn json(&mut self, value: &Ordered) {
        match value {
            Ordered::Object(object) => {
                let entries = self.in_order(object.0.iter());
                self.text.push('{');
                for (index, (name, value)) in entries.into_iter().enumerate() {
                    if index > 0 {
                        self.text.push(',');
                    }
                    self.string(name);
                    self.text.push(':');
                    self.json(value);
                }
                self.text.push('}');
            }
            Ordered::Array(items) => self.list(items, Self::json),
            Ordered::Scalar(scalar) => self.text.push_str(&printed(scalar)),
        }
    }
}

/// A fraction as Java's `Double.toString` has it: `100.0`, and `1.0E7` from ten million on.
fn printed(scalar: &Value) -> String {
    let Some(number) = scalar.as_f64().filter(|_| scalar.is_f64()) else {
        return scalar.to_string();
    };
    if number == 0.0 || (1e-3..1e7).contains(&number.abs()) {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
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
            let value: Ordered = serde_json::from_str(given).unwrap();
            assert_eq!(print(&value, false), printed);
            let again: Ordered = serde_json::from_str(printed).unwrap();
            assert_eq!(print(&again, true), printed, "printing it again changes nothing");
        }
    }

    #[test]
    fn normalised_the_authors_own_attributes_are_sorted() {
        let given = r#"{"z": {"y": 1, "x": 1e2}, "type": "int", "a": 2}"#;
        let value: Ordered = serde_json::from_str(given).unwrap();
        assert_eq!(print(&value, false), r#"{"type":"int","z":{"y":1,"x":100.0},"a":2}"#);
        assert_eq!(print(&value, true), r#"{"type":"int","a":2,"z":{"x":100.0,"y":1}}"#);
    }
}
