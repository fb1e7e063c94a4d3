//! Parses a JSON Schema and prints its canonical form.

use serde_json::Value;

use super::super::dependency::Dependency;
use super::{load, tree};

/// A JSON Schema with its references resolved.
pub(in super::super) struct Json {
    pub(super) text: String,
    pub(super) value: Value,
    pub(super) tree: tree::Tree,
}

impl Json {
    pub(in super::super) fn parse(text: &str, dependencies: &[Dependency]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        is_schema(&value)?;
        let mut documents = vec![(String::new(), value.clone())];
        for dependency in dependencies {
            let value = serde_json::from_str(&dependency.text).map_err(|it| it.to_string())?;
            documents.push((dependency.name.clone(), value));
        }
        let tree = load::load(&documents)?;
        Ok(Self { text: minified(text), value, tree })
    }

    /// Returns the schema in one line, in the author's order. Normalized, all names are sorted.
    pub(in super::super) fn canonical(&self, normalize: bool) -> String {
        if normalize { sorted(&self.value) } else { self.text.clone() }
    }
}

fn is_schema(value: &Value) -> Result<(), String> {
    if !value.is_object() && !value.is_boolean() {
        return Err("a schema is an object or a boolean".to_owned());
    }
    if value.get("$schema").is_none() {
        return jsonschema::draft7::meta::validate(value)
            .map_err(|error| format!("{error} (at {})", error.instance_path()));
    }
    jsonschema::meta::validate(value)
        .map_err(|error| format!("{error} (at {})", error.instance_path()))
}

/// Removes the white space between the parts of valid JSON. It keeps the order of names, which a
/// parsed value does not.
fn minified(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in text.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            in_string = character == '"';
        }
        short.push(character);
    }
    short
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::String(name.clone()), sorted(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(sorted).collect();
            format!("[{}]", values.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_removed_but_order_and_strings_stay() {
        let given = "{ \"title\" : \"a \\\" b\\\\\",\n \"b\": [1, 2.50], \"a\": true }";
        assert_eq!(minified(given), r#"{"title":"a \" b\\","b":[1,2.50],"a":true}"#);
        let value: Value = serde_json::from_str(r#"{"b": [{"d": 1, "c": 2}], "a": 0}"#).unwrap();
        assert_eq!(sorted(&value), r#"{"a":0,"b":[{"c":2,"d":1}]}"#);
    }
}
