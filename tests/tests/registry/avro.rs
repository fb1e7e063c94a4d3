//! Avro: what may follow what, by the rules of schema resolution.
//!
//! The same rows are put to Java's own `SchemaCompatibility` where Java and Maven are there, and so
//! are the canonical forms. What Java answers is what Confluent's registry answers.

use serde_json::{Value, json};
use workshop_tests::JavaSchemas;

use crate::http::TestRegistry;
use crate::verdicts::check_rows;

/// What it is about, older, newer, whether the newer one reads what the older one wrote.
const ROWS: &[(&str, &str, &str, bool)] = &[
    ("nothing changed", r#""string""#, r#""string""#, true),
    ("int to long", r#""int""#, r#""long""#, true),
    ("int to float", r#""int""#, r#""float""#, true),
    ("int to double", r#""int""#, r#""double""#, true),
    ("long to int", r#""long""#, r#""int""#, false),
    ("long to float", r#""long""#, r#""float""#, true),
    ("long to double", r#""long""#, r#""double""#, true),
    ("float to double", r#""float""#, r#""double""#, true),
    ("double to float", r#""double""#, r#""float""#, false),
    ("float to long", r#""float""#, r#""long""#, false),
    ("string to bytes", r#""string""#, r#""bytes""#, true),
    ("bytes to string", r#""bytes""#, r#""string""#, true),
    ("int to string", r#""int""#, r#""string""#, false),
    ("boolean to int", r#""boolean""#, r#""int""#, false),
    ("int to a union with it", r#""int""#, r#"["null", "int"]"#, true),
    ("int to a union with long", r#""int""#, r#"["null", "long"]"#, true),
    ("int to a union without it", r#""int""#, r#"["null", "string"]"#, false),
    ("a union to one of it", r#"["null", "int"]"#, r#""int""#, false),
    ("a union of one to it", r#"["int"]"#, r#""int""#, true),
    ("a union to what reads all of it", r#"["int", "long"]"#, r#""double""#, true),
    ("a union loses a branch", r#"["null", "int", "string"]"#, r#"["null", "int"]"#, false),
    ("a union gains a branch", r#"["null", "int"]"#, r#"["null", "int", "string"]"#, true),
    ("a union in another order", r#"["null", "int"]"#, r#"["int", "null"]"#, true),
    ("a union widens a branch", r#"["null", "int"]"#, r#"["null", "long"]"#, true),
    (
        "items widen",
        r#"{"type": "array", "items": "int"}"#,
        r#"{"type": "array", "items": "long"}"#,
        true,
    ),
    (
        "items narrow",
        r#"{"type": "array", "items": "long"}"#,
        r#"{"type": "array", "items": "int"}"#,
        false,
    ),
    (
        "values widen",
        r#"{"type": "map", "values": "int"}"#,
        r#"{"type": "map", "values": "double"}"#,
        true,
    ),
    (
        "an array is no map",
        r#"{"type": "array", "items": "int"}"#,
        r#"{"type": "map", "values": "int"}"#,
        false,
    ),
    (
        "a fixed of another size",
        r#"{"type": "fixed", "name": "F", "size": 2}"#,
        r#"{"type": "fixed", "name": "F", "size": 3}"#,
        false,
    ),
    (
        "a fixed of another name",
        r#"{"type": "fixed", "name": "F", "size": 2}"#,
        r#"{"type": "fixed", "name": "G", "size": 2}"#,
        false,
    ),
    (
        "a fixed of another namespace",
        r#"{"type": "fixed", "name": "a.F", "size": 2}"#,
        r#"{"type": "fixed", "name": "b.F", "size": 2}"#,
        true,
    ),
    ("bytes are no fixed", r#""bytes""#, r#"{"type": "fixed", "name": "F", "size": 2}"#, false),
    (
        "an enum gains a symbol",
        r#"{"type": "enum", "name": "E", "symbols": ["A"]}"#,
        r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#,
        true,
    ),
    (
        "an enum loses a symbol",
        r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#,
        r#"{"type": "enum", "name": "E", "symbols": ["A"]}"#,
        false,
    ),
    (
        "an enum with a default loses a symbol",
        r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#,
        r#"{"type": "enum", "name": "E", "symbols": ["A"], "default": "A"}"#,
        true,
    ),
    (
        "an enum has another name",
        r#"{"type": "enum", "name": "E", "symbols": ["A"]}"#,
        r#"{"type": "enum", "name": "F", "symbols": ["A"]}"#,
        false,
    ),
    (
        "an enum has another name and says the old one",
        r#"{"type": "enum", "name": "E", "symbols": ["A"]}"#,
        r#"{"type": "enum", "name": "F", "symbols": ["A"], "aliases": ["E"]}"#,
        true,
    ),
    (
        "a field comes without a default",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}"#,
        false,
    ),
    (
        "a field comes with a default",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "default": 1}]}"#,
        true,
    ),
    (
        "a field comes with the default null",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "a", "type": ["null", "int"], "default": null}]}"#,
        true,
    ),
    (
        "a field that may be null comes without a default",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": ["null", "int"]}]}"#,
        false,
    ),
    (
        "an enum field comes, and only the enum has a default",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type":
            {"type": "enum", "name": "E", "symbols": ["A"], "default": "A"}}]}"#,
        false,
    ),
    (
        "a field goes",
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}"#,
        r#"{"type": "record", "name": "R", "fields": []}"#,
        true,
    ),
    (
        "a field has a new name",
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [{"name": "b", "type": "int"}]}"#,
        false,
    ),
    (
        "a field has a new name and says the old one",
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "b", "type": "int", "aliases": ["a"]}]}"#,
        true,
    ),
    (
        "a field says an old name and has another type",
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "b", "type": "int", "aliases": ["a"], "default": 1}]}"#,
        false,
    ),
    (
        "a field widens",
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}"#,
        true,
    ),
    (
        "a field becomes optional",
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": ["null", "int"]}]}"#,
        true,
    ),
    (
        "fields change places",
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "a", "type": "int"}, {"name": "b", "type": "string"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "b", "type": "string"}, {"name": "a", "type": "int"}]}"#,
        true,
    ),
    (
        "a record has another name",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"type": "record", "name": "S", "fields": []}"#,
        false,
    ),
    (
        "a record has another name and says the old one",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"type": "record", "name": "S", "aliases": ["R"], "fields": []}"#,
        true,
    ),
    (
        "a record says the name that it had in another namespace",
        r#"{"type": "record", "name": "a.R", "fields": []}"#,
        r#"{"type": "record", "name": "b.S", "aliases": ["a.R"], "fields": []}"#,
        true,
    ),
    (
        "a record says a name that it had in its own namespace",
        r#"{"type": "record", "name": "a.R", "fields": []}"#,
        r#"{"type": "record", "name": "b.S", "aliases": ["R"], "fields": []}"#,
        false,
    ),
    (
        "a record has another namespace",
        r#"{"type": "record", "name": "a.R", "fields": []}"#,
        r#"{"type": "record", "name": "b.R", "fields": []}"#,
        true,
    ),
    (
        "a record that contains itself",
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "next", "type": ["null", "R"]}, {"name": "a", "type": "int"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "next", "type": ["null", "R"]}, {"name": "a", "type": "long"}]}"#,
        true,
    ),
    (
        "a record that contains itself narrows",
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "next", "type": ["null", "R"]}, {"name": "a", "type": "long"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "next", "type": ["null", "R"]}, {"name": "a", "type": "int"}]}"#,
        false,
    ),
    (
        "a record in a union gains a field without a default",
        r#"["null", {"type": "record", "name": "R", "fields": []}]"#,
        r#"["null", {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}]"#,
        false,
    ),
    (
        "a type that is used twice",
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "a", "type": {"type": "record", "name": "P", "fields": [
                {"name": "x", "type": "int"}]}},
            {"name": "b", "type": "P"}]}"#,
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "a", "type": {"type": "record", "name": "P", "fields": [
                {"name": "x", "type": "long"}]}},
            {"name": "b", "type": "P"}]}"#,
        true,
    ),
    (
        "a decimal of another precision",
        r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}"#,
        r#"{"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}"#,
        true,
    ),
    (
        "a decimal of another scale",
        r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}"#,
        r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}"#,
        true,
    ),
    (
        "defaults and attributes of the author's own, in the author's order",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"z": 1, "b": {"y": [{"d": 1, "c": null}], "x": 2}, "type": "record", "name": "R", "a": 2,
            "fields": [{"zz": 1, "name": "m", "type": {"type": "map", "values": "int", "k": 1, "j": 2},
                "default": {"z": 1, "a": 2, "z": 3}, "aa": 2}]}"#,
        true,
    ),
    (
        "fractions in every notation",
        r#"{"type": "record", "name": "R", "fields": []}"#,
        r#"{"type": "record", "name": "R", "fields": [
            {"name": "a", "type": "double", "default": 1e2},
            {"name": "b", "type": "double", "default": 1.50},
            {"name": "c", "type": "double", "default": 1e30, "x": 1E-9, "y": -2.5e-7},
            {"name": "d", "type": "double", "default": 12345678.9},
            {"name": "e", "type": "double", "default": 9999999.5},
            {"name": "f", "type": "double", "default": -0.0},
            {"name": "g", "type": "double", "default": 0.001, "x": 0.00099},
            {"name": "h", "type": "double", "default": 1},
            {"name": "i", "type": "long", "default": 12345678901234567}]}"#,
        true,
    ),
    ("a date was an int", r#""int""#, r#"{"type": "int", "logicalType": "date"}"#, true),
    (
        "a timestamp was a date",
        r#"{"type": "int", "logicalType": "date"}"#,
        r#"{"type": "long", "logicalType": "timestamp-millis"}"#,
        true,
    ),
];

fn body(text: &str) -> Value {
    json!({ "schema": text })
}

#[tokio::test]
async fn verdicts() {
    check_rows(ROWS, body).await;
}

#[tokio::test]
async fn java_comes_to_the_same_verdicts_and_prints_the_same_schemas() {
    let Some(java) = JavaSchemas::build(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let lines: String = ROWS
        .iter()
        .map(|(_, old, new, _)| {
            let line = json!({ "reader": new, "writer": old });
            format!("{line}\n")
        })
        .collect();
    let answers = java.answers("Check", &lines);
    assert_eq!(answers.len(), ROWS.len(), "{answers:#?}");
    let registry = TestRegistry::start().await;
    registry.put("/config", &json!({ "compatibility": "NONE" }));
    let mut differ = Vec::new();
    for ((what, _, new, reads), answer) in ROWS.iter().zip(&answers) {
        if answer["compatible"] != *reads {
            differ.push(format!("{what}: expected {reads}, Java says {answer}"));
        }
        let id = registry.register("canonical", &body(new));
        let printed = registry.get(&format!("/schemas/ids/{id}/schema")).text;
        if answer["canonical"] != printed {
            differ.push(format!("{what}: {printed}, Java prints {}", answer["canonical"]));
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}

#[tokio::test]
async fn a_reference_is_a_named_type_of_another_subject() {
    let registry = TestRegistry::start().await;
    let place = r#"{"type": "record", "name": "aero.Place", "fields": []}"#;
    registry.register("place", &body(place));
    let airport = r#"{"type": "record", "name": "aero.Airport", "fields": [
        {"name": "at", "type": "aero.Place"}]}"#;
    let alone = registry.post("/subjects/airport/versions", &body(airport));
    assert_eq!(alone.error(), (422, 42201));
    let references = json!([{ "name": "aero.Place", "subject": "place", "version": 1 }]);
    let id = registry.register("airport", &json!({ "schema": airport, "references": references }));
    let stored = registry.get(&format!("/schemas/ids/{id}")).json();
    assert_eq!(stored["references"], references);
    assert_eq!(registry.get("/subjects/place/versions/1/referencedby").json(), json!([id]));
    assert_eq!(registry.delete("/subjects/place").error(), (422, 42206));
    assert_eq!(registry.delete("/subjects/place/versions/1").error(), (422, 42206));
    assert_eq!(registry.delete("/subjects/airport").status, 200);
    assert_eq!(registry.delete("/subjects/place").status, 200);
}

#[tokio::test]
async fn what_is_no_avro_schema_is_refused() {
    let registry = TestRegistry::start().await;
    for text in [
        "",
        " ",
        "{",
        r#""strin""#,
        r#"{"type": "record", "name": "R"}"#,
        r#"{"type": "record", "name": "1R", "fields": []}"#,
        r#"{"type": "enum", "name": "E", "symbols": ["A", "A"]}"#,
        r#"{"type": "fixed", "name": "F"}"#,
        r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "default": "x"}]}"#,
        r#"["null", "null"]"#,
        r#"[["null"]]"#,
    ] {
        let refused = registry.post("/subjects/s/versions", &body(text));
        assert_eq!(refused.error(), (422, 42201), "{text}");
    }
}
