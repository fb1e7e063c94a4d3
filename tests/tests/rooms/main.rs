//! Who may know whom, and what the first example must not wait for.
//!
//! A learner who copies helpers/ takes no broker along, the broker stands on its own, and
//! `cargo run --example 03_producer` builds nothing that it does not need. [`imports`] holds the
//! order of the files inside each package, [`helper_files`] what a copied file takes along, and
//! [`words`] the words of docs, messages and comments.

mod helper_files;
mod imports;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use workshop_tests::examples::{cargo, root};

/// What a cargo command that changes nothing prints.
fn asked(arguments: &[&str]) -> String {
    let output = cargo().arg("--offline").args(arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What cargo says about the packages of the workspace.
fn metadata() -> Value {
    let answer = asked(&["metadata", "--format-version=1", "--no-deps"]);
    serde_json::from_str(&answer).expect("cargo writes JSON")
}

/// A file's path from the workspace's root on.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The files in a directory and below it that end in one of these, sorted. What a build or git
/// makes is left out, and so are a learner's programs.
fn files(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the directory is there");
    let (mut files, programs) = (Vec::new(), root().join("my"));
    for path in entries.map(|it| it.expect("the entry can be read").path()) {
        if path == programs {
            continue;
        }
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(self::files(&path, extensions));
        } else if path.is_file() && extensions.contains(&extension) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// For each package of the workspace, what it is built with; not what only its tests need.
fn known() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
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
fn no_package_knows_more_than_the_map_allows() {
    let known = known();
    let ours: BTreeSet<&str> = known.keys().map(String::as_str).collect();
    let watched: BTreeSet<&str> =
        ours.iter().copied().chain(["rdkafka", "kafka-protocol"]).collect();
    let allowed: &[(&str, &[&str])] = &[
        (
            "kafka-workshop",
            &["helpers", "json-batches", "lineage", "airports", "workshop", "engines", "rdkafka"],
        ),
        ("helpers", &["rdkafka"]),
        ("json-batches", &["helpers", "rdkafka"]),
        ("lineage", &["helpers", "rdkafka"]),
        ("airports", &["helpers", "rdkafka"]),
        ("workshop", &["embedded-kafka", "helpers", "rdkafka"]),
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
                "exercises",
            ],
        ),
        (
            "exercises",
            &[
                "helpers",
                "airports",
                "embedded-kafka",
                "engines",
                "wire-client",
                "rdkafka",
                "kafka-protocol",
            ],
        ),
        (
            "exercise-programs",
            &["helpers", "json-batches", "lineage", "serdes", "airports", "rdkafka"],
        ),
        ("embedded-kafka", &["kafka-protocol"]),
        ("embedded-registry", &["rdkafka"]),
        ("engines", &["embedded-kafka"]),
        ("conformance", &["wire-client", "rdkafka", "kafka-protocol"]),
        ("wire-client", &["kafka-protocol"]),
        ("serdes", &["rdkafka"]),
        ("metrics-examples", &["helpers", "lineage", "workshop", "rdkafka"]),
        (
            "schema-examples",
            &["airports", "helpers", "serdes", "workshop", "embedded-registry", "rdkafka"],
        ),
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

/// Neither may know the other, so each has the table.
#[test]
fn helpers_and_the_registry_read_the_same_security_settings() {
    let rows = |file: &str| {
        let text = text(&root().join(file));
        let rows = text.lines().map(str::trim).filter(|line| line.starts_with("(\"KAFKA_S"));
        rows.filter(|line| line.ends_with("),")).map(str::to_owned).take(5).collect::<Vec<_>>()
    };
    let helpers = rows("helpers/src/config.rs");
    assert_eq!(helpers.len(), 5, "{helpers:?}");
    assert_eq!(rows("crates/embedded-registry/src/choice.rs"), helpers);
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

/// The text of a file, by its path from the workspace's root.
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A row of the table of APIs.
struct Row {
    name: String,
    request: String,
    module: String,
    versions: (i16, i16),
    kind: String,
}

/// The rows of the table in api/mod.rs.
fn table(text: &str) -> Vec<Row> {
    let (_, table) = text.split_once("\napis! {\n").expect("it has a table");
    let (table, _) = table.split_once("\n}\n").expect("the table has an end");
    let rows = table.split(';').map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|words| !words.is_empty())
        .map(|words| {
            let [name, request, module, versions, kind] = words[..] else {
                panic!("{words:?} is not a row")
            };
            let versions = versions.trim_end_matches(',').split_once("..=").expect("a range");
            let version = |text: &str| text.parse().expect("a version");
            Row {
                name: name.to_owned(),
                request: request.to_owned(),
                module: module.to_owned(),
                versions: (version(versions.0), version(versions.1)),
                kind: kind.to_owned(),
            }
        })
        .collect()
}

/// Tells whether a word stands in a text, and not only as a part of another word.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

#[test]
fn an_api_is_its_own_file_and_a_row_of_the_table() {
    let source = root().join("crates/embedded-kafka/src");
    let rows = table(&text(&source.join("api/mod.rs")));
    assert!(rows.len() > 40, "{} APIs", rows.len());
    let others: Vec<_> = ["api", "net", "wire"]
        .iter()
        .flat_map(|room| files(&source.join(room), &["rs"]))
        .filter(|path| !path.starts_with(source.join("api/tests")) && !path.ends_with("api/mod.rs"))
        .map(|path| (text(&path), path))
        .collect();
    for Row { name, request, module, versions: (lowest, highest), kind } in rows {
        let own = source.join(format!("api/{module}.rs"));
        let code = text(&own);
        let key = embedded_kafka::api_named(&name).expect("it is served") as i16;
        let versions = if lowest == highest {
            format!("version {lowest}")
        } else {
            format!("versions {lowest}–{highest}")
        };
        let title = format!("//! {name} (key {key}, {versions})\n//!\n");
        assert!(code.starts_with(&title), "{module}.rs opens with {title}");
        assert!(code.contains("\n//! Version notes:\n//!\n//! - v"), "{module}.rs has its notes");
        let handler = match kind.as_str() {
            "now" => "pub(super) fn handle(",
            "waits" => "pub(super) async fn handle(",
            _ => "pub(super) async fn respond(",
        };
        let items = ["const SHAPE: Shape", "fn reject(", "fn describe(", "fn outcomes("];
        for item in items.map(|it| format!("pub(super) {it}")).into_iter().chain([handler.into()]) {
            assert!(code.contains(&format!("\n{item}")), "{module}.rs has no {item}");
        }
        let (own_code, _) = code.split_once("#[cfg(test)]").unwrap_or((&code, ""));
        for bare in (0..=20).flat_map(|it| [format!("version >= {it}"), format!("version < {it}")])
        {
            assert!(!has_word(own_code, &bare), "{module}.rs says {bare}: give it a name");
        }
        for (code, path) in others.iter().filter(|(_, path)| *path != own) {
            let (code, _) = code.split_once("#[cfg(test)]").unwrap_or((code, ""));
            assert!(!has_word(code, &request), "{} knows {request}", path.display());
        }
    }
}

#[test]
fn the_map_names_every_file_that_a_new_api_touches() {
    let map = text(&root().join("ARCHITECTURE.md"));
    let (_, entry) = map.split_once("- **An API:**").expect("the map says where an API goes");
    let (entry, _) = entry.split_once("\n- **").expect("something follows");
    let source = "crates/embedded-kafka/src/api";
    for path in [&format!("{source}/<name>.rs"), &format!("{source}/mod.rs"), "tests/tests/wire/"] {
        assert!(entry.contains(path), "{path} is missing");
    }
    for item in ["SHAPE", "handle", "respond", "reject", "describe", "outcomes"] {
        assert!(entry.contains(&format!("`{item}`")), "{item} is missing");
    }
}
