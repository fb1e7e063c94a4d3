//! Lineage envelopes between Rust and Python, both ways.
//!
//! data/lineage/python.jsonl is what Python wrote. Whether Python reads what is written here, it is
//! asked: where there is no python3, that test says so and is left out.

use std::io::Write;
use std::process::{Command, Stdio};

use lineage::{DEEPEST, History, Ref, pack_kafka_payload, unpack_kafka_payload};
use serde_json::{Value, json};
use workshop_tests::examples::root;

const SCRIPT: &str = "data/lineage/make_fixture.py";

fn fixture() -> String {
    std::fs::read_to_string(root().join("data/lineage/python.jsonl")).expect("it is committed")
}

/// Runs the script; `None` where there is no Python, or one that cannot read times (before 3.7).
fn python(arguments: &[&str], input: &str) -> Option<String> {
    let enough = "import sys; sys.exit(sys.version_info < (3, 7))";
    let found = Command::new("python3").args(["-c", enough]).status();
    if !found.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no python3 of version 3.7 or later");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(root().join(SCRIPT)).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python3 was just found");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the script ends");
    assert!(output.status.success(), "the script ended with {}", output.status);
    writer.join().expect("the writer does not panic").expect("the script reads its input");
    Some(String::from_utf8(output.stdout).expect("JSON is UTF-8"))
}

/// A history as the script prints it: level, topic, partition, offset, key, service and time in
/// microseconds, a row for each level.
fn rows(history: &History) -> Vec<Value> {
    let us = history.at.timestamp_micros();
    let mut rows = vec![json!([1, null, null, null, null, history.service, us])];
    add_rows(&history.refs, 2, &mut rows);
    rows
}

fn add_rows(refs: &[Ref], level: usize, rows: &mut Vec<Value>) {
    for Ref { topic, partition, offset, key, hist } in refs {
        let told = hist.as_ref();
        let (service, us) = (told.map(|it| &it.service), told.map(|it| it.at.timestamp_micros()));
        rows.push(json!([level, topic, partition, offset, key, service, us]));
        add_rows(told.map_or(&[], |it| &it.refs), level + 1, rows);
    }
}

#[test]
fn what_python_writes_is_read_field_for_field() {
    let read: Vec<(Value, History)> = fixture()
        .lines()
        .map(|line| unpack_kafka_payload(line.as_bytes()).expect("Python wrote an envelope"))
        .collect();
    let (items, histories): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let expected = [
        json!({"gate": 7, "late": null, "share": 0.1}),
        json!("Zürich ✈ \"quoted\"\n"),
        json!([1, 2, 3]),
        json!({}),
        json!(u64::MAX),
        json!({"deep": true}),
        json!({"deeper": true}),
    ];
    assert_eq!(items, expected);
    let noon = 1_795_262_400_123_456_i64;
    let first = |service: &str, us: i64| json!([1, null, null, null, null, service, us]);
    let airport = json!([2, "airports", 2, 1016, "JFK", "airports", noon - 60_000_000]);
    let departure = json!([2, "departures", 0, 7, "WS042", "departures", noon - 30_000_000]);
    let expected = [
        vec![first("boards", noon)],
        vec![first("städte", noon), airport.clone(), departure.clone()],
        vec![first("boards", noon - 123_456), airport],
        // The old single object.
        vec![first("boards", noon + 1_000_000), departure],
        vec![first("boards", noon + 2_000_000), json!([2, "t", 0, 0, null, null, null])],
    ];
    for (history, expected) in histories.iter().zip(&expected) {
        assert_eq!(rows(history), *expected);
    }
    let deep: Vec<usize> = histories[5..].iter().map(|it| rows(it).len()).collect();
    assert_eq!(deep, [DEEPEST, DEEPEST], "what lies deeper is cut off");
}

#[test]
fn the_fixture_is_what_the_script_writes() {
    if let Some(written) = python(&[], "") {
        assert!(written == fixture(), "python3 {SCRIPT} > python.jsonl was forgotten");
    }
}

#[test]
fn python_reads_what_is_written_here_field_for_field() {
    let mut lines = String::new();
    let mut expected = Vec::new();
    for line in fixture().lines() {
        let (item, history): (Value, History) = unpack_kafka_payload(line.as_bytes()).unwrap();
        let origin = Ref {
            topic: "böards".to_owned(),
            partition: 3,
            offset: i64::MAX,
            key: Some("\"key\"".to_owned()),
            hist: Some(history),
        };
        let packed = pack_kafka_payload("rüst", &item, &[origin]).unwrap();
        let (again, history): (Value, History) = unpack_kafka_payload(&packed).unwrap();
        assert_eq!(again, item);
        expected.push(json!({"item": item, "rows": rows(&history)}));
        lines.push_str(std::str::from_utf8(&packed).unwrap());
        lines.push('\n');
    }
    let Some(printed) = python(&["read"], &lines) else {
        return;
    };
    let read: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect("it prints JSON")).collect();
    assert_eq!(read.len(), expected.len());
    for (read, expected) in read.iter().zip(&expected) {
        assert_eq!(read["item"], expected["item"]);
        assert!(read == expected, "Python reads another history for {}", read["item"]);
    }
    assert_eq!(read[6]["rows"].as_array().map(Vec::len), Some(DEEPEST));
}
