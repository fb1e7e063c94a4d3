//! JSON Schema: what may follow what, by the rules of Confluent's registry.

use serde_json::{Value, json};

use crate::http::TestRegistry;
use crate::verdicts::check_rows;

fn body(text: &str) -> Value {
    json!({ "schemaType": "JSON", "schema": text })
}

/// What it is about, older, newer, whether what is valid under the older one is valid under the
/// newer one.
const ROWS: &[(&str, &str, &str, bool)] = &[
    ("nothing changed", r#"{"type": "string"}"#, r#"{"type": "string"}"#, true),
    ("another title", r#"{"type": "string"}"#, r#"{"type": "string", "title": "t"}"#, true),
    ("string to number", r#"{"type": "string"}"#, r#"{"type": "number"}"#, false),
    ("integer to number", r#"{"type": "integer"}"#, r#"{"type": "number"}"#, true),
    ("number to integer", r#"{"type": "number"}"#, r#"{"type": "integer"}"#, false),
    ("anything may come", r#"{"type": "string"}"#, "true", true),
    ("nothing may come any more", r#"{"type": "string"}"#, "false", false),
    ("nothing could come", "false", r#"{"type": "string"}"#, true),
    ("anything could come", "{}", r#"{"type": "string"}"#, false),
    ("maxLength comes", r#"{"type": "string"}"#, r#"{"type": "string", "maxLength": 3}"#, false),
    (
        "maxLength grows",
        r#"{"type": "string", "maxLength": 3}"#,
        r#"{"type": "string", "maxLength": 4}"#,
        true,
    ),
    (
        "maxLength shrinks",
        r#"{"type": "string", "maxLength": 4}"#,
        r#"{"type": "string", "maxLength": 3}"#,
        false,
    ),
    ("maxLength goes", r#"{"type": "string", "maxLength": 3}"#, r#"{"type": "string"}"#, true),
    (
        "minLength grows",
        r#"{"type": "string", "minLength": 3}"#,
        r#"{"type": "string", "minLength": 4}"#,
        false,
    ),
    ("a pattern comes", r#"{"type": "string"}"#, r#"{"type": "string", "pattern": "a"}"#, false),
    (
        "a pattern changes",
        r#"{"type": "string", "pattern": "b"}"#,
        r#"{"type": "string", "pattern": "a"}"#,
        false,
    ),
    (
        "maximum grows",
        r#"{"type": "number", "maximum": 3}"#,
        r#"{"type": "number", "maximum": 4}"#,
        true,
    ),
    (
        "minimum grows",
        r#"{"type": "number", "minimum": 3}"#,
        r#"{"type": "number", "minimum": 4}"#,
        false,
    ),
    (
        "exclusiveMaximum shrinks",
        r#"{"type": "number", "exclusiveMaximum": 4}"#,
        r#"{"type": "number", "exclusiveMaximum": 3}"#,
        false,
    ),
    (
        "multipleOf divides",
        r#"{"type": "integer", "multipleOf": 10}"#,
        r#"{"type": "integer", "multipleOf": 5}"#,
        true,
    ),
    (
        "multipleOf multiplies",
        r#"{"type": "integer", "multipleOf": 5}"#,
        r#"{"type": "integer", "multipleOf": 10}"#,
        false,
    ),
    (
        "multipleOf divides, and not in binary",
        r#"{"type": "number", "multipleOf": 0.3}"#,
        r#"{"type": "number", "multipleOf": 0.1}"#,
        true,
    ),
    (
        "multipleOf becomes a fraction that does not divide it",
        r#"{"type": "number", "multipleOf": 0.3}"#,
        r#"{"type": "number", "multipleOf": 0.2}"#,
        false,
    ),
    (
        "multipleOf becomes a larger fraction",
        r#"{"type": "number", "multipleOf": 0.1}"#,
        r#"{"type": "number", "multipleOf": 0.3}"#,
        false,
    ),
    (
        "multipleOf is large and odd, and becomes two",
        r#"{"type": "integer", "multipleOf": 9007199254740991}"#,
        r#"{"type": "integer", "multipleOf": 2}"#,
        false,
    ),
    ("an enum grows", r#"{"enum": ["a"]}"#, r#"{"enum": ["a", "b"]}"#, true),
    ("an enum shrinks", r#"{"enum": ["a", "b"]}"#, r#"{"enum": ["a"]}"#, false),
    ("an enum changes", r#"{"enum": ["a", "b"]}"#, r#"{"enum": ["a", "c"]}"#, false),
    ("a const changes", r#"{"const": 1}"#, r#"{"const": 2}"#, false),
    (
        "an enum with its type grows",
        r#"{"type": "string", "enum": ["a"]}"#,
        r#"{"type": "string", "enum": ["a", "b"]}"#,
        true,
    ),
    (
        "a property comes to an open object",
        r#"{"type": "object"}"#,
        r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
        false,
    ),
    (
        "a property that may be anything comes to an open object",
        r#"{"type": "object"}"#,
        r#"{"type": "object", "properties": {"a": {}}}"#,
        true,
    ),
    (
        "a property goes from an open object",
        r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
        r#"{"type": "object"}"#,
        true,
    ),
    (
        "a property comes to a closed object",
        r#"{"type": "object", "additionalProperties": false}"#,
        r#"{"type": "object", "additionalProperties": false,
            "properties": {"a": {"type": "string"}}}"#,
        true,
    ),
    (
        "a required property comes to a closed object",
        r#"{"type": "object", "additionalProperties": false}"#,
        r#"{"type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {"a": {"type": "string"}}}"#,
        false,
    ),
    (
        "a required property with a default comes to a closed object",
        r#"{"type": "object", "additionalProperties": false}"#,
        r#"{"type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {"a": {"type": "string", "default": ""}}}"#,
        true,
    ),
    (
        "a property goes from a closed object",
        r#"{"type": "object", "additionalProperties": false,
            "properties": {"a": {"type": "string"}}}"#,
        r#"{"type": "object", "additionalProperties": false}"#,
        false,
    ),
    (
        "a property comes where others may be strings",
        r#"{"type": "object", "additionalProperties": {"type": "string"}}"#,
        r#"{"type": "object", "additionalProperties": {"type": "string"},
            "properties": {"a": {"type": "string"}}}"#,
        true,
    ),
    (
        "a property of another type comes where others may be strings",
        r#"{"type": "object", "additionalProperties": {"type": "string"}}"#,
        r#"{"type": "object", "additionalProperties": {"type": "string"},
            "properties": {"a": {"type": "number"}}}"#,
        false,
    ),
    (
        "a property goes, and a pattern covers it",
        r#"{"type": "object", "additionalProperties": false,
            "patternProperties": {"^a": {"type": "string"}}, "properties": {"a": {"type": "string"}}}"#,
        r#"{"type": "object", "additionalProperties": false,
            "patternProperties": {"^a": {"type": "string"}}}"#,
        true,
    ),
    (
        "a property goes, and no pattern covers it",
        r#"{"type": "object", "additionalProperties": false,
            "patternProperties": {"^b": {"type": "string"}}, "properties": {"a": {"type": "string"}}}"#,
        r#"{"type": "object", "additionalProperties": false,
            "patternProperties": {"^b": {"type": "string"}}}"#,
        false,
    ),
    (
        "what a pattern's properties must be narrows, which is not compared",
        r#"{"type": "object", "patternProperties": {"^a": {"type": "number"}}}"#,
        r#"{"type": "object", "patternProperties": {"^a": {"type": "integer"}}}"#,
        true,
    ),
    (
        "a closed object opens",
        r#"{"type": "object", "additionalProperties": false}"#,
        r#"{"type": "object"}"#,
        true,
    ),
    (
        "an open object closes",
        r#"{"type": "object"}"#,
        r#"{"type": "object", "additionalProperties": false}"#,
        false,
    ),
    (
        "other properties must be strings",
        r#"{"type": "object"}"#,
        r#"{"type": "object", "additionalProperties": {"type": "string"}}"#,
        false,
    ),
    (
        "a property becomes required",
        r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
        r#"{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}"#,
        false,
    ),
    (
        "a property becomes required and has a default",
        r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
        r#"{"type": "object", "required": ["a"],
            "properties": {"a": {"type": "string", "default": ""}}}"#,
        true,
    ),
    (
        "a name without a schema becomes required, which is not compared",
        r#"{"type": "object"}"#,
        r#"{"type": "object", "required": ["a"]}"#,
        true,
    ),
    (
        "a property is no longer required",
        r#"{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}"#,
        r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
        true,
    ),
    (
        "a property deep inside narrows",
        r#"{"type": "object", "properties": {"a": {"type": "object",
            "properties": {"b": {"type": "number"}}}}}"#,
        r#"{"type": "object", "properties": {"a": {"type": "object",
            "properties": {"b": {"type": "integer"}}}}}"#,
        false,
    ),
    (
        "minProperties comes",
        r#"{"type": "object"}"#,
        r#"{"type": "object", "minProperties": 1}"#,
        false,
    ),
    (
        "a dependency comes",
        r#"{"type": "object"}"#,
        r#"{"type": "object", "dependencies": {"a": ["b"]}}"#,
        false,
    ),
    (
        "a dependency asks for less",
        r#"{"type": "object", "dependencies": {"a": ["b", "c"]}}"#,
        r#"{"type": "object", "dependencies": {"a": ["b"]}}"#,
        true,
    ),
    (
        "items widen",
        r#"{"type": "array", "items": {"type": "integer"}}"#,
        r#"{"type": "array", "items": {"type": "number"}}"#,
        true,
    ),
    (
        "items are limited",
        r#"{"type": "array"}"#,
        r#"{"type": "array", "items": {"type": "number"}}"#,
        false,
    ),
    (
        "uniqueItems comes",
        r#"{"type": "array"}"#,
        r#"{"type": "array", "uniqueItems": true}"#,
        false,
    ),
    ("maxItems goes", r#"{"type": "array", "maxItems": 3}"#, r#"{"type": "array"}"#, true),
    (
        "an item comes to a closed list",
        r#"{"type": "array", "items": [{"type": "string"}], "additionalItems": false}"#,
        r#"{"type": "array", "items": [{"type": "string"}, {"type": "string"}],
            "additionalItems": false}"#,
        true,
    ),
    (
        "an item goes from a closed list",
        r#"{"type": "array", "items": [{"type": "string"}, {"type": "string"}],
            "additionalItems": false}"#,
        r#"{"type": "array", "items": [{"type": "string"}], "additionalItems": false}"#,
        false,
    ),
    (
        "an item comes to an open list",
        r#"{"type": "array", "items": [{"type": "string"}]}"#,
        r#"{"type": "array", "items": [{"type": "string"}, {"type": "string"}]}"#,
        false,
    ),
    (
        "a type joins others",
        r#"{"type": ["string", "null"]}"#,
        r#"{"type": ["string", "null", "number"]}"#,
        true,
    ),
    (
        "a type becomes one of several",
        r#"{"type": "string"}"#,
        r#"{"type": ["string", "null"]}"#,
        true,
    ),
    (
        "a type leaves the others",
        r#"{"type": ["string", "null", "number"]}"#,
        r#"{"type": ["string", "null"]}"#,
        false,
    ),
    (
        "oneOf gains a branch",
        r#"{"oneOf": [{"type": "string"}, {"type": "null"}]}"#,
        r#"{"oneOf": [{"type": "string"}, {"type": "null"}, {"type": "number"}]}"#,
        true,
    ),
    (
        "oneOf changes a branch",
        r#"{"oneOf": [{"type": "string"}, {"type": "null"}]}"#,
        r#"{"oneOf": [{"type": "number"}, {"type": "null"}]}"#,
        false,
    ),
    (
        "oneOf becomes anyOf",
        r#"{"oneOf": [{"type": "string"}, {"type": "null"}]}"#,
        r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#,
        true,
    ),
    (
        "anyOf becomes oneOf",
        r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#,
        r#"{"oneOf": [{"type": "string"}, {"type": "null"}]}"#,
        false,
    ),
    (
        "allOf has more conditions",
        r#"{"allOf": [{"type": "string"}, {"minLength": 1}]}"#,
        r#"{"allOf": [{"type": "string"}, {"minLength": 1}, {"maxLength": 9}]}"#,
        false,
    ),
    (
        "allOf has fewer conditions",
        r#"{"allOf": [{"type": "string"}, {"minLength": 1}, {"maxLength": 9}]}"#,
        r#"{"allOf": [{"type": "string"}, {"minLength": 1}]}"#,
        true,
    ),
    (
        "not excludes less",
        r#"{"not": {"type": "number"}}"#,
        r#"{"not": {"type": "integer"}}"#,
        true,
    ),
    (
        "not excludes more",
        r#"{"not": {"type": "integer"}}"#,
        r#"{"not": {"type": "number"}}"#,
        false,
    ),
    (
        "behind a reference it widens",
        r##"{"$ref": "#/definitions/a", "definitions": {"a": {"type": "integer"}}}"##,
        r##"{"$ref": "#/definitions/b", "definitions": {"b": {"type": "number"}}}"##,
        true,
    ),
    (
        "maxLength comes next to a reference in 2020-12",
        r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/s",
            "$defs": {"s": {"type": "string"}}}"##,
        r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/s",
            "$defs": {"s": {"type": "string"}}, "maxLength": 3}"##,
        false,
    ),
    (
        "maxLength comes next to a reference in 2019-09",
        r##"{"$schema": "https://json-schema.org/draft/2019-09/schema", "$ref": "#/$defs/s",
            "$defs": {"s": {"type": "string"}}}"##,
        r##"{"$schema": "https://json-schema.org/draft/2019-09/schema", "$ref": "#/$defs/s",
            "$defs": {"s": {"type": "string"}}, "maxLength": 3}"##,
        false,
    ),
    (
        "maxLength grows next to a reference in 2020-12",
        r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/s",
            "$defs": {"s": {"type": "string"}}, "maxLength": 3}"##,
        r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/s",
            "$defs": {"s": {"type": "string"}}, "maxLength": 4}"##,
        true,
    ),
    (
        "a title comes next to a reference in 2020-12",
        r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/s",
            "$defs": {"s": {"type": "string"}}}"##,
        r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/s",
            "$defs": {"s": {"type": "string"}}, "title": "t"}"##,
        true,
    ),
    (
        "maxLength next to a reference means nothing in draft 7",
        r##"{"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/s",
            "definitions": {"s": {"type": "string"}}}"##,
        r##"{"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/s",
            "definitions": {"s": {"type": "string"}}, "maxLength": 3}"##,
        true,
    ),
    (
        "maxLength next to a reference means nothing where no draft is named",
        r##"{"$ref": "#/definitions/s", "definitions": {"s": {"type": "string"}}}"##,
        r##"{"$ref": "#/definitions/s", "definitions": {"s": {"type": "string"}}, "maxLength": 3}"##,
        true,
    ),
    (
        "a schema that contains itself narrows",
        r##"{"type": "object", "properties": {"next": {"$ref": "#"}, "a": {"type": "number"}}}"##,
        r##"{"type": "object", "properties": {"next": {"$ref": "#"}, "a": {"type": "integer"}}}"##,
        false,
    ),
    (
        "a schema that contains itself widens",
        r##"{"type": "object", "properties": {"next": {"$ref": "#"}, "a": {"type": "integer"}}}"##,
        r##"{"type": "object", "properties": {"next": {"$ref": "#"}, "a": {"type": "number"}}}"##,
        true,
    ),
];

#[tokio::test]
async fn verdicts() {
    check_rows(ROWS, body).await;
}

#[tokio::test]
async fn a_reference_is_found_by_its_name_or_its_id() {
    let registry = TestRegistry::start().await;
    let place =
        |kind: &str| body(&format!(r#"{{"$id": "http://a/place.json", "type": "{kind}"}}"#));
    registry.register("place", &place("integer"));
    let airport = |reference: &str| {
        let schema = format!(
            r#"{{"$id": "http://a/airport.json", "properties": {{"at": {{"$ref": "{reference}"}}}}}}"#
        );
        let references = json!([{ "name": "places", "subject": "place", "version": 1 }]);
        json!({ "schemaType": "JSON", "schema": schema, "references": references })
    };
    for name in ["places", "place.json", "http://a/place.json", "places#"] {
        registry.register(&format!("airport-{}", name.len()), &airport(name));
    }
    let unknown = registry.post("/subjects/x/versions", &airport("elsewhere.json"));
    assert_eq!(unknown.error(), (422, 42201));
    assert!(unknown.text.contains("elsewhere.json"), "{unknown:?}");
}

#[tokio::test]
async fn the_order_of_names_is_kept_unless_normalising_is_asked_for() {
    let registry = TestRegistry::start().await;
    let one = body(r#"{ "type": "object", "title": "t" }"#);
    let other = body(r#"{"title": "t", "type": "object"}"#);
    let id = registry.register("s", &one);
    assert_eq!(
        registry.get(&format!("/schemas/ids/{id}/schema")).text,
        r#"{"type":"object","title":"t"}"#
    );
    assert_ne!(registry.register("s", &other), id);
    let normalized = |subject: &str, schema: &Value| {
        let path = format!("/subjects/{subject}/versions?normalize=true");
        registry.post(&path, schema).json()["id"].clone()
    };
    assert_eq!(normalized("n", &one), normalized("n", &other));
    assert_eq!(registry.post("/subjects/n?normalize=true", &one).status, 200);
    assert_eq!(registry.post("/subjects/n", &one).error(), (404, 40403));
}

#[tokio::test]
async fn what_is_no_json_schema_is_refused() {
    let registry = TestRegistry::start().await;
    for text in [
        "[]",
        "1",
        r#"{"type": "strin"}"#,
        r#"{"required": "a"}"#,
        r#"{"minLength": -1}"#,
        r##"{"$ref": "#/definitions/missing"}"##,
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": 1}"#,
    ] {
        let refused = registry.post("/subjects/s/versions", &body(text));
        assert_eq!(refused.error(), (422, 42201), "{text}: {refused:?}");
    }
}
