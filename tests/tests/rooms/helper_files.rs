//! The table of helpers/src/lib.rs says what a copied file takes along.

use std::collections::BTreeSet;
use std::path::Path;

use workshop_tests::examples::root;
use workshop_tests::imports::Graph;

/// The crates of helpers/Cargo.toml, but rdkafka, which almost every file needs.
const CRATES: [&str; 5] = ["indicatif", "thiserror", "tokio", "tracing", "uuid"];

/// A file with all that it imports, directly and through others, by their names.
fn closure(graph: &Graph, file: &str) -> BTreeSet<String> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let mut found = BTreeSet::from([file.to_owned()]);
    loop {
        let arrows = graph.arrows().map(|arrow| (name(arrow.from), name(arrow.to)));
        let reached = arrows.filter_map(|(from, to)| found.contains(&from?).then_some(to?));
        let larger: BTreeSet<String> = reached.chain(found.iter().cloned()).collect();
        if larger.len() == found.len() {
            return found;
        }
        found = larger;
    }
}

/// The row of the table that a file should have.
fn row(graph: &Graph, file: &str) -> String {
    let files = closure(graph, file);
    let read = |file: &String| {
        std::fs::read_to_string(root().join("helpers/src").join(file)).expect("the file is there")
    };
    let code: String = files.iter().map(read).collect();
    let code: Vec<&str> = code.lines().filter(|it| !it.trim_start().starts_with("//")).collect();
    let uses = |it: &&&str| code.iter().any(|line| line.contains(&format!("{it}::")));
    let crates: Vec<&str> = CRATES.iter().filter(uses).copied().collect();
    let others: Vec<String> = files.into_iter().filter(|it| it != file).collect();
    let or_nothing = |list: String| if list.is_empty() { "nothing".to_owned() } else { list };
    format!("| {file} | {} | {} |", or_nothing(others.join(", ")), or_nothing(crates.join(", ")))
}

#[test]
fn the_table_of_helpers_says_what_a_copied_file_needs() {
    let library = root().join("helpers/src/lib.rs");
    let text = std::fs::read_to_string(&library).expect("the library is there");
    let graph = Graph::read(&library);
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! "));
    let rows = rows.skip_while(|line| *line != "| File | Next to it | Crates |").skip(2);
    let written: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(!written.is_empty(), "helpers/src/lib.rs has the table of files");
    let file = |row: &&str| row.split(' ').nth(1).map(str::to_owned);
    let expected: Vec<String> =
        written.iter().filter_map(file).map(|file| row(&graph, &file)).collect();
    assert_eq!(written, expected);
}
