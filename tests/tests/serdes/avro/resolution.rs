//! Schema resolution: what the registry calls compatible is read, with Java's values.
//!
//! The pairs of schemas, a few values of each as bytes and what Java 1.12 reads from them are in
//! tests/java-schemas/resolution.jsonl. A new pair is a line there with `what`, `writer` and
//! `reader`: `UPDATE=1 cargo test -p workshop-tests --test serdes resolution` asks Java for
//! the rest.

use std::path::PathBuf;

use serde_json::Value;
use serdes::{AvroDeserializer, Error, Schema, prefix};
use workshop_tests::JavaSchemas;

use super::seen::{Seen, unhex};
use crate::place::{Place, name};

/// Pairs that the registry and the specification allow and where Java's reader fails: a default for
/// the second record of a union, two fields from one by an alias, an alias in a record whose
/// namespace changed, a union in which one type had the name that another has.
const READ_DESPITE_JAVA: [&str; 4] = [
    "a union of records comes with a default of the second",
    "a field splits by its alias without a default",
    "an alias of a field in another namespace",
    "a union with a type that had the name of another",
];

/// Defaults that Java cuts to fit the first number of a union, 3000000000 to a negative number.
const NOT_CUT: [(&str, &str); 2] = [
    (
        "a union of numbers comes with a default that only the second holds",
        r#"{"of":{"a":{"long":3000000000}}}"#,
    ),
    (
        "a union of numbers comes with a default with a fraction",
        r#"{"of":{"a":{"double":"3ff8000000000000"}}}"#,
    ),
];

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("java-schemas/resolution.jsonl")
}

fn rows() -> Vec<Value> {
    let text = std::fs::read_to_string(path()).expect("the table is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().expect("the row has it")
}

#[test]
fn java_reads_the_table_as_it_says() {
    let Some(java) = JavaSchemas::build(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let known = rows();
    let question = |row: &Value| {
        let mut row = row.clone();
        row.as_object_mut()
            .expect("a row is an object")
            .retain(|name, _| ["what", "writer", "reader"].contains(&name.as_str()));
        format!("{row}\n")
    };
    let answers = java.answers("Resolve", &known.iter().map(question).collect::<String>());
    if std::env::var_os("UPDATE").is_some() {
        let lines: String = answers.iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(path(), lines).expect("the table can be written");
        return;
    }
    assert_eq!(answers.len(), known.len());
    for (answer, known) in answers.iter().zip(&known) {
        assert_eq!(answer, known);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_registry_allows_is_read_with_javas_values() {
    let place = Place::shared().await;
    let registry = &place.registry;
    let (mut wrong, mut values, mut refused) = (Vec::new(), 0, Vec::new());
    for row in rows() {
        let (what, writer, reader) =
            (text(&row, "what"), text(&row, "writer"), text(&row, "reader"));
        let subject = name();
        let registered = registry.register(&subject, &Schema::avro(writer)).await;
        let misses = registry.incompatibilities(&subject, &Schema::avro(reader)).await;
        let (id, misses) = match (registered, misses) {
            (Ok(id), Ok(misses)) => (id, misses),
            (registered, misses) => {
                refused.push(format!("{what}: {registered:?} {misses:?}"));
                continue;
            }
        };
        let allowed = misses.is_empty();
        if row["compatible"].as_bool().is_some_and(|compatible| compatible != allowed) {
            wrong.push(format!("{what}: the registry says {misses:?}, Java {}", row["compatible"]));
        }
        let deserializer = AvroDeserializer::new(registry).reader_schema(reader).unwrap();
        for case in row["cases"].as_array().expect("the row has cases") {
            values += 1;
            let message = prefix::join(id, &unhex(text(case, "bytes")));
            let read = deserializer.deserialize::<Seen>(&message).await;
            if !agrees(&row, case.get("value"), &read) {
                wrong.push(format!("{what}: {case} read as {read:?}"));
            }
        }
    }
    assert!(refused.is_empty(), "Java takes these schemas: {refused:#?}");
    assert!(wrong.is_empty(), "{} of {values}: {wrong:#?}", wrong.len());
    assert!(values > 1_000, "{values}");
}

fn agrees(row: &Value, java: Option<&Value>, read: &Result<Seen, Error>) -> bool {
    let what = text(row, "what");
    let not_cut = NOT_CUT.iter().find(|(it, _)| *it == what);
    let not_cut: Option<Value> =
        not_cut.map(|(_, value)| serde_json::from_str(value).expect("it is JSON"));
    match (read, not_cut.as_ref().or(java)) {
        // Bytes that are no text: Java reads other characters in their place.
        (Err(Error::Invalid(_)), Some(Value::String(value))) => value.contains('\u{fffd}'),
        (Ok(Seen(read)), Some(value)) => read == value,
        (Err(Error::Invalid(_)), None) => true,
        (Ok(_), None) => READ_DESPITE_JAVA.contains(&what) || row["compatible"].is_null(),
        _ => false,
    }
}
