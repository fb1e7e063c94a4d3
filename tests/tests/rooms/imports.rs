//! Files import downwards only: no circle between them, and the floors of the broker in order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use workshop_tests::examples::root;
use workshop_tests::imports::Graph;

use super::{files, metadata, shown};

/// Packages with files that a macro declares, which rustfmt does not follow.
const NOT_YET_WRITTEN_OUT: &[&str] = &[];

/// The floors of embedded-kafka from the top down: a file imports from its own floor and those
/// below.
const FLOORS: &[&[&str]] = &[
    &["lib"],
    &["switchboard", "observe"],
    &["builder"],
    &["cluster"],
    &["topic_at_start"],
    &["node", "net", "timers", "protocol_names"],
    &["api"],
    &["failover", "state"],
    &["control", "inspect", "inspected_call", "record_batch"],
    &["coordinators"],
    &["txn", "group"],
    &["metadata"],
    &["log", "records", "config", "wire"],
    &["faults", "fetched", "lock"],
    &["time", "wait", "event", "error", "descriptors", "rejection"],
];

/// A program of the workspace: a library, a command, a test or an example.
struct Program {
    package: String,
    root: PathBuf,
}

fn programs() -> Vec<Program> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("there are packages");
    let mut programs = Vec::new();
    for package in packages {
        let name = package["name"].as_str().expect("a package has a name");
        for target in package["targets"].as_array().expect("a package has targets") {
            let path = target["src_path"].as_str().expect("a target has a file");
            programs.push(Program { package: name.to_owned(), root: path.into() });
        }
    }
    programs
}

#[test]
fn no_circle_of_imports_exists_between_files() {
    let mut found = String::new();
    for program in programs() {
        found += &Graph::read(&program.root).describe_circles(root());
    }
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn every_module_is_declared_where_rustfmt_finds_it() {
    // rustfmt follows no `mod` of a macro, and would leave the file behind it as it is.
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for program in programs() {
        let directory = program.root.parent().expect("a file is in a directory");
        for file in files(directory, &["rs"]) {
            let text = std::fs::read_to_string(&file).expect("it is text");
            if text.contains(concat!("mod ", "$")) {
                found.entry(program.package.clone()).or_default().insert(shown(&file));
            }
        }
    }
    let packages: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(packages, NOT_YET_WRITTEN_OUT, "macros that declare modules: {found:#?}");
}

#[test]
fn the_floors_of_the_broker_are_in_order() {
    const BROKER: &str = "crates/embedded-kafka/src/lib.rs";
    let source = root().join(BROKER);
    let source = source.parent().expect("the file is in a directory");
    let floor = |file: &Path| {
        let inside = file.strip_prefix(source).expect("the file is in the package");
        let room = inside.components().next().expect("a file has a name");
        let room = Path::new(room.as_os_str()).file_stem().and_then(|it| it.to_str());
        let room = room.expect("a room has a name").to_owned();
        let floor = FLOORS.iter().position(|floor| floor.contains(&room.as_str()));
        floor.unwrap_or_else(|| panic!("{room} is on no floor: add it to FLOORS"))
    };
    let graph = Graph::read(&root().join(BROKER));
    let rising = graph.arrows().filter(|it| floor(it.to) < floor(it.from));
    let rising: Vec<String> = rising
        .map(|it| format!("{} -> {}: {:?}", shown(it.from), shown(it.to), it.names))
        .collect();
    assert!(rising.is_empty(), "files import from a floor above: {rising:#?}");
}
