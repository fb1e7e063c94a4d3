//! Who may know whom, and what the first example must not wait for.
//!
//! A learner who copies helpers/ takes no broker along, the broker stands on its own, and
//! `cargo run --example 03_producer` builds nothing that it does not need.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use workshop_tests::examples::{cargo, root};

/// What a cargo command that changes nothing prints.
fn asked(arguments: &[&str]) -> String {
    let output = cargo().arg("--offline").args(arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// For each package of the workspace, what it is built with; not what only its tests need.
fn known() -> BTreeMap<String, BTreeSet<String>> {
    let answer = asked(&["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&answer).expect("cargo writes JSON");
    let name = |value: &Value| value["name"].as_str().expect("it has a name").to_owned();
    let packages = metadata["packages"].as_array().expect("there are packages").iter();
    packages
        .map(|package| {
            let all = package["dependencies"].as_array().expect("a list, even an empty one");
            let built = all.iter().filter(|dependency| dependency["kind"] != "dev");
            (name(package), built.map(name).collect())
        })
        .collect()
}

#[test]
fn nobody_knows_more_than_the_map_allows() {
    let known = known();
    let ours: BTreeSet<&str> = known.keys().map(String::as_str).collect();
    let watched: BTreeSet<&str> =
        ours.iter().copied().chain(["rdkafka", "kafka-protocol"]).collect();
    let allowed: &[(&str, &[&str])] = &[
        ("kafka-workshop", &["helpers", "workshop", "engines", "rdkafka"]),
        ("helpers", &["rdkafka"]),
        ("workshop", &["embedded-kafka", "rdkafka"]),
        (
            "workshop-cli",
            &[
                "workshop",
                "helpers",
                "engines",
                "conformance",
                "wire-client",
                "rdkafka",
                "kafka-protocol",
                "embedded-registry",
            ],
        ),
        ("embedded-kafka", &["kafka-protocol"]),
        ("embedded-registry", &["rdkafka"]),
        ("engines", &["embedded-kafka"]),
        ("conformance", &["wire-client", "rdkafka", "kafka-protocol"]),
        ("wire-client", &["kafka-protocol"]),
        ("serdes", &["rdkafka"]),
        ("metrics-examples", &["helpers", "workshop", "rdkafka"]),
        ("schema-examples", &["helpers", "serdes", "workshop", "embedded-registry", "rdkafka"]),
    ];
    for (package, may_know) in allowed {
        let knows = known[*package].iter().map(String::as_str);
        let too_much: Vec<&str> =
            knows.filter(|name| watched.contains(name) && !may_know.contains(name)).collect();
        assert!(too_much.is_empty(), "{package} must not know {too_much:?}");
    }
    let listed: BTreeSet<&str> = allowed.iter().map(|(package, _)| *package).collect();
    let free = ["bench", "workshop-tests"];
    for package in ours.difference(&listed) {
        assert!(free.contains(package), "{package} is not on the map: say whom it may know");
    }
}

/// The packages that are built for an example of the root package, its dev-dependencies included.
fn built_for_an_example() -> BTreeSet<String> {
    let which = ["tree", "--package", "kafka-workshop", "--edges", "normal,build,dev"];
    let shape = ["--prefix", "none", "--format", "{lib}", "--no-dedupe"];
    let lines = asked(&[which.as_slice(), shape.as_slice()].concat());
    lines.lines().map(|line| line.trim().replace('_', "-")).collect()
}

#[test]
fn the_first_example_builds_nothing_that_it_does_not_need() {
    let built = built_for_an_example();
    assert!(built.contains("rdkafka") && built.contains("kafka-protocol"), "{built:?}");
    let heavy = [
        // HTTP, in either direction
        "hyper",
        "reqwest",
        "axum",
        "ureq",
        "h2",
        "tower",
        // schemas and their registry
        "schema-registry-converter",
        "apache-avro",
        "jsonschema",
        "prost",
        "protox",
        // metrics
        "metrics",
        "metrics-exporter-prometheus",
        // containers, and OpenSSL with its compilation
        "testcontainers",
        "bollard",
        "openssl",
        "openssl-sys",
        // commands, tests and measurements
        "clap",
        "proptest",
        "criterion",
        "snapbox",
    ];
    let found: Vec<&str> = heavy.into_iter().filter(|name| built.contains(*name)).collect();
    assert!(found.is_empty(), "an example builds {found:?}");
}

#[test]
fn librdkafka_is_built_with_the_features_of_the_workspace_table_and_no_others() {
    let which = ["tree", "--workspace", "--invert", "rdkafka", "--depth", "0"];
    let shape = ["--prefix", "none", "--format", "{lib} {f}"];
    let answer = asked(&[which.as_slice(), shape.as_slice()].concat());
    let features: BTreeSet<&str> =
        answer.trim().trim_start_matches("rdkafka ").split(',').collect();
    // Whatever a member adds, every example waits for. "tokio" brings no code into librdkafka.
    assert_eq!(features, BTreeSet::from(["libz", "tokio"]), "{answer}");
}

#[test]
fn the_files_that_registry_and_serdes_build_in_are_the_same() {
    let read = |room: &str| {
        let from = root().join(room).join("src");
        let from = if room == "serdes" { from } else { from.join("schema") };
        let from = from.join("protobuf/known");
        let mut files = BTreeMap::new();
        for package in ["confluent", "confluent/type", "confluent/types", "google/type"] {
            let entries = std::fs::read_dir(from.join(package)).expect("the directory is there");
            for path in entries.map(|it| it.expect("the entry can be read").path()) {
                if path.extension().is_some_and(|it| it == "proto") {
                    let name = path.strip_prefix(&from).expect("it is inside").to_owned();
                    files.insert(name, std::fs::read_to_string(path).expect("it is text"));
                }
            }
        }
        files
    };
    let (one, other) = (read("serdes"), read("crates/embedded-registry"));
    assert_eq!(one.len(), 21);
    assert_eq!(one, other);
}
