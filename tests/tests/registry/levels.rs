//! The seven levels, in each type of schema: who must read whom, and how far back.

use serde_json::{Value, json};

use crate::http::TestRegistry;
use crate::verdicts::may_follow;

/// A schema with a field that is required, and one that is optional, each there or not.
struct Family {
    name: &'static str,
    /// No one knows the field.
    without: Value,
    /// The field is there, and need not be.
    optional: Value,
    /// The field is there, and must be.
    required: Value,
}

fn avro() -> Family {
    let record = |fields: &str| {
        let fields = format!(r#"{{"name": "code", "type": "string"}}{fields}"#);
        let schema = format!(r#"{{"type": "record", "name": "Airport", "fields": [{fields}]}}"#);
        json!({ "schema": schema })
    };
    Family {
        name: "avro",
        without: record(""),
        optional: record(r#", {"name": "city", "type": "string", "default": "?"}"#),
        required: record(r#", {"name": "city", "type": "string"}"#),
    }
}

fn json_schema() -> Family {
    let object = |properties: &str, required: &str| {
        let schema = format!(
            r#"{{"type": "object", "additionalProperties": false,
                 "properties": {{"code": {{"type": "string"}}{properties}}},
                 "required": ["code"{required}]}}"#
        );
        json!({ "schemaType": "JSON", "schema": schema })
    };
    let city = r#", "city": {"type": "string"}"#;
    Family {
        name: "json",
        without: object("", ""),
        optional: object(city, ""),
        required: object(city, r#", "city""#),
    }
}

fn protobuf() -> Family {
    let message = |fields: &str| {
        let schema = format!(
            "syntax = \"proto2\"; message Airport {{ optional string code = 1; {fields} }}"
        );
        json!({ "schemaType": "PROTOBUF", "schema": schema })
    };
    Family {
        name: "protobuf",
        without: message(""),
        optional: message("optional string city = 2;"),
        required: message("required string city = 2;"),
    }
}

/// The levels in the order of the columns below.
const LEVELS: [&str; 7] = [
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
];

/// Registers each history, asks for the newest schema under each level, and compares.
async fn check(family: &Family, rows: &[(&[&Value], &Value, [bool; 7])]) {
    let registry = TestRegistry::start().await;
    for (row, (history, new, expected)) in rows.iter().enumerate() {
        let history: Vec<Value> = history.iter().map(|schema| (*schema).clone()).collect();
        let found = LEVELS.map(|level| {
            let subject = format!("{}-{row}-{level}", family.name);
            may_follow(&registry, &subject, level, &history, new)
        });
        assert_eq!(found, *expected, "{} row {row}: {LEVELS:?}", family.name);
    }
}

#[tokio::test]
async fn avro_levels() {
    let family = avro();
    let Family { without, optional, required, .. } = &family;
    // NONE, BACKWARD, its transitive, FORWARD, its transitive, FULL, its transitive
    check(
        &family,
        &[
            (&[without], optional, [true, true, true, true, true, true, true]),
            (&[optional], without, [true, true, true, true, true, true, true]),
            (&[without], required, [true, false, false, true, true, false, false]),
            (&[required], without, [true, true, true, false, false, false, false]),
            // The latest alone would allow it, the first does not.
            (&[without, optional], required, [true, true, false, true, true, true, false]),
            (&[required, optional], without, [true, true, true, true, false, true, false]),
        ],
    )
    .await;
}

#[tokio::test]
async fn json_schema_levels() {
    let family = json_schema();
    let Family { without, optional, required, .. } = &family;
    check(
        &family,
        &[
            // A closed object refuses what it does not know.
            (&[without], optional, [true, true, true, false, false, false, false]),
            (&[optional], without, [true, false, false, true, true, false, false]),
            (&[without], required, [true, false, false, false, false, false, false]),
            (&[required], optional, [true, true, true, false, false, false, false]),
            (&[optional], required, [true, false, false, true, true, false, false]),
            (&[optional, without], required, [true, false, false, false, false, false, false]),
            (&[required, optional], without, [true, false, false, true, false, false, false]),
            (&[without, required], optional, [true, true, true, false, false, false, false]),
        ],
    )
    .await;
}

#[tokio::test]
async fn protobuf_levels() {
    let family = protobuf();
    let Family { without, optional, required, .. } = &family;
    check(
        &family,
        &[
            (&[without], optional, [true, true, true, true, true, true, true]),
            (&[optional], without, [true, true, true, true, true, true, true]),
            (&[without], required, [true, false, false, false, false, false, false]),
            (&[required], without, [true, false, false, false, false, false, false]),
            (&[without, optional], required, [true, true, false, true, false, true, false]),
        ],
    )
    .await;
}
