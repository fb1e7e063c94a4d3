//! Validates values and names the fields that do not match.

use jsonschema::{Draft, Retrieve, Uri, Validator};
use serde_json::Value;

use super::tree::{self, Step};
use crate::error::{Error, Violation};
use crate::schema::Dependency;
use crate::schema_type::SchemaType;

/// The maximum number of violations in an error: one wrong element can cause a thousand.
const MAX_VIOLATIONS: usize = 10;

/// Resolves a `$ref` among the references only: reading a message opens no file and no connection
/// that the writer chose.
struct References(Vec<Dependency>);

impl Retrieve for References {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let is_meant = |it: &&Dependency| uri == it.name || uri.ends_with(&format!("/{}", it.name));
        let found = self.0.iter().find(is_meant);
        let found = found.ok_or_else(|| format!("{uri} is not one of its references"))?;
        Ok(serde_json::from_str(&found.text)?)
    }
}

pub(super) fn validator(text: &str, dependencies: &[Dependency]) -> Result<Validator, Error> {
    let unusable = |reason: String| Error::schema(SchemaType::Json, reason);
    let schema: Value = serde_json::from_str(text).map_err(|it| unusable(it.to_string()))?;
    let mut options = jsonschema::options().with_retriever(References(dependencies.to_vec()));
    if schema.get("$schema").is_none() {
        options = options.with_draft(Draft::Draft7);
    }
    if schema.get("$id").is_none() {
        options = options.with_base_uri("json-schema:///");
    }
    options.build(&schema).map_err(|error| unusable(error.to_string()))
}

pub(super) fn check(validator: &Validator, values: &[Value]) -> Result<(), Error> {
    for value in values {
        let violations: Vec<Violation> = validator
            .iter_errors(value)
            .take(MAX_VIOLATIONS)
            .map(|error| {
                let field = path(error.instance_path().as_str(), value);
                let problem = error.masked_with("").to_string();
                Violation { field, problem: problem.trim_start().to_owned() }
            })
            .collect();
        if !violations.is_empty() {
            return Err(Error::Invalid(violations));
        }
    }
    Ok(())
}

/// Turns `/to/runways/2` into `to.runways[2]`. The value says whether a number is an index or a
/// key.
fn path(pointer: &str, value: &Value) -> String {
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let (mut steps, mut inside) = (Vec::new(), Some(value));
    for part in &parts {
        let place = inside.filter(|it| it.is_array()).and_then(|_| part.parse().ok());
        steps.push(place.map_or(Step::Key(part), Step::At));
        inside = inside.and_then(|it| match place {
            Some(place) => it.get(place),
            None => it.get(part.as_str()),
        });
    }
    tree::field(&steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DEPARTURE: &str = r#"{
        "title": "Departure", "type": "object", "additionalProperties": false,
        "required": ["flight", "legs"],
        "properties": {
            "flight": {"type": "string", "pattern": "^WS[0-9]+$"},
            "gate": {"type": "string"},
            "legs": {"type": "array", "items": {
                "type": "object", "properties": {"to": {"enum": ["JFK", "LGA"]}}}}
        }
    }"#;

    #[test]
    fn a_violation_names_the_field_but_not_its_value() {
        let validator = validator(DEPARTURE, &[]).unwrap();
        let rows = [
            (json!({"flight": "WS104", "legs": []}), ""),
            (json!({"flight": 77, "legs": []}), r#"flight is not of type "string""#),
            (json!({"legs": []}), r#"the value "flight" is a required property"#),
            (
                json!({"flight": "WS1", "legs": [{"to": "JFK"}, {"to": "secret"}]}),
                r#"legs[1].to is not one of "JFK" or "LGA""#,
            ),
            (json!({"flight": "secret", "legs": []}), r#"flight does not match "^WS[0-9]+$""#),
        ];
        for (value, expected) in rows {
            let said =
                check(&validator, &[value]).err().map(|it| it.to_string()).unwrap_or_default();
            let said = said.trim_start_matches("the value does not match the schema: ");
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn violations_are_listed_up_to_a_limit() {
        let validator = validator(r#"{"items": {"type": "string"}}"#, &[]).unwrap();
        let Err(Error::Invalid(violations)) = check(&validator, &[json!(vec![1; 100])]) else {
            panic!("numbers are not strings");
        };
        assert_eq!(violations.len(), MAX_VIOLATIONS);
        assert_eq!(violations[3].field, "[3]");
    }

    #[test]
    fn references_are_found_by_name_and_nothing_else_is_fetched() {
        let schema = r#"{"properties": {"to": {"$ref": "airport.json"}}}"#;
        let text = r#"{"type": "string", "maxLength": 3}"#.to_owned();
        let known = [Dependency { name: "airport.json".to_owned(), text }];
        let validator = validator(schema, &known).unwrap();
        assert!(check(&validator, &[json!({"to": "JFK"})]).is_ok());
        assert!(check(&validator, &[json!({"to": "JFKX"})]).is_err());
        for elsewhere in ["http://127.0.0.1:1/airport", "file:///etc/hostname"] {
            let schema = format!(r#"{{"$ref": "{elsewhere}"}}"#);
            let error = super::validator(&schema, &known).unwrap_err().to_string();
            assert!(error.contains("not one of its references"), "{error}");
        }
    }
}
