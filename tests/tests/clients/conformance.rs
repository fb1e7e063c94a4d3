//! The cluster answers what Apache Kafka was recorded to answer, in every scenario of
//! crates/conformance, except where it differs by design, and the pages say so.
//!
//! On Apache Kafka the same test asks whether what was recorded is what it really answers.

use std::collections::BTreeSet;

use conformance::{DIFFERENCES, Recorded, Scenario, suite};
use workshop_tests::assert_as_recorded;
use workshop_tests::examples::root;

/// The fewest scenarios that there shall be.
const FEWEST: usize = 120;

fn read(file: &str) -> String {
    let path = root().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_the_recorded_one_or_differs_by_design() {
    // The others take away what the other tests need: tests/tests/forgotten.rs asks them.
    assert_as_recorded(|scenario| !scenario.plays_alone()).await;
}

#[test]
fn what_is_recorded_is_an_answer_to_each_scenario_and_to_nothing_else() {
    let suite = suite();
    assert!(suite.len() >= FEWEST, "{} scenarios", suite.len());
    let recorded = Recorded::committed();
    let names: BTreeSet<&str> = suite.iter().map(Scenario::name).collect();
    assert_eq!(recorded.names().collect::<BTreeSet<_>>(), names);
    for name in names {
        let outcome = recorded.outcome(name).expect("it is among the names");
        let is_complete = !outcome.starts_with("failed") && outcome != conformance::TIMED_OUT;
        assert!(is_complete, "{name}: {outcome}");
    }
}

#[test]
fn every_difference_by_design_stands_in_the_docs_and_no_other() {
    let page = read("docs/embedded-cluster.md");
    let rows: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let recorded = Recorded::committed();
    let row = |it: &conformance::Difference| {
        let apache = recorded.outcome(it.scenario).expect("it is recorded");
        format!("| `{}` | {apache} | {} | {} |", it.scenario, it.embedded, it.reason)
    };
    let expected: Vec<String> = DIFFERENCES.iter().map(row).collect();
    let suite = suite();
    let names: BTreeSet<&str> = suite.iter().map(Scenario::name).collect();
    let is_scenario = |line: &&&str| line.split('`').nth(1).is_some_and(|it| names.contains(it));
    let has_reason = |line: &&&str| line.matches(" | ").count() == 3;
    let found = rows.iter().filter(is_scenario).filter(has_reason);
    let found: BTreeSet<&str> = found.copied().collect();
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let too_many: Vec<_> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && too_many.is_empty(),
        "missing: {missing:#?}, too many: {too_many:#?}"
    );
}

/// Two outcomes that fill no page: of long ones what stands where they begin to differ.
fn brief<'a>(outcome: &'a str, other: &'a str) -> String {
    const LONGEST: usize = 100;
    if outcome.len().max(other.len()) <= LONGEST {
        return outcome.to_owned();
    }
    let common = outcome.char_indices().zip(other.chars()).find(|((_, one), two)| one != two);
    let common = common.map_or(outcome.len().min(other.len()), |((at, _), _)| at);
    let start = outcome[..common].rfind(' ').map_or(0, |at| at + 1);
    let shown: String = outcome[start..].chars().take(LONGEST / 2).collect();
    let before = if start > 0 { "… " } else { "" };
    let after = if start + shown.len() < outcome.len() { " …" } else { "" };
    // A bar would end the cell.
    format!("{before}{}{after}", shown.trim_end()).replace('|', "\\|")
}

#[test]
fn the_docs_show_what_changed_from_one_release_to_the_next_and_nothing_else() {
    let page = read("docs/embedded-cluster.md");
    let older = Recorded::of_release("4.3.0").expect("it was recorded");
    let rows: Vec<String> = older
        .changed_since()
        .iter()
        .map(|(scenario, then, now)| {
            format!("| `{scenario}` | {} | {} |", brief(then, now), brief(now, then))
        })
        .collect();
    let head = "| Scenario | Apache Kafka 4.3 | Apache Kafka 4.4 |\n|---|---|---|\n";
    let (before, table) = page.split_once(head).expect("the page has the table");
    let (table, after) = table.split_once("\n\n").expect("something follows it");
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        let written = format!("{before}{head}{}\n\n{after}", rows.join("\n"));
        std::fs::write(root().join("docs/embedded-cluster.md"), written)
            .expect("it can be written");
        return;
    }
    let shown: Vec<&str> = table.lines().collect();
    assert_eq!(shown, rows);
}

#[test]
fn the_readme_shows_the_totals() {
    let (all, by_design) = (suite().len(), DIFFERENCES.len());
    let same = all - by_design;
    let row = format!("| embedded | {all} | {same} | {by_design} | 0 |");
    let readme = read("README.md");
    assert!(readme.contains(&row), "README.md lacks the row {row}");
    let row = format!("| apache | {all} | {all} | 0 | 0 |");
    assert!(readme.contains(&row), "README.md lacks the row {row}");
}
