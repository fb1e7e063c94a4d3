//! What Apache Kafka answered: a file with a line for each scenario.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::scenarios::Scenario;

/// The file as it was when this was built.
const COMMITTED: &str = include_str!("../recorded/apache-kafka-4.3.txt");

const HEAD: &str = "\
# What Apache Kafka 4.3.0 answered: three nodes, combined mode, the settings of the engine `apache`.
# Written by `cargo workshop conformance --record`, never by hand.
";

/// The recorded outcomes, by the names of their scenarios.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded(BTreeMap<String, String>);

impl Recorded {
    /// What is committed.
    pub fn committed() -> Self {
        Self::parse(COMMITTED)
    }

    /// What a run answered.
    pub fn of(suite: &[Scenario], outcomes: &[String]) -> Self {
        let pairs = suite.iter().map(|it| it.name().to_owned()).zip(outcomes.iter().cloned());
        Self(pairs.collect())
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(": "));
        Self(pairs.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())).collect())
    }

    /// The outcome of one scenario.
    pub fn outcome(&self, scenario: &str) -> Option<&str> {
        self.0.get(scenario).map(String::as_str)
    }

    /// The names of all recorded scenarios.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Takes over what another run answered.
    pub fn update(&mut self, newer: Self) {
        self.0.extend(newer.0);
    }

    /// Forgets what is no scenario any more.
    pub fn keep(&mut self, suite: &[Scenario]) {
        self.0.retain(|name, _| suite.iter().any(|it| it.name() == name));
    }

    /// Where the committed file is.
    pub fn path() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recorded/apache-kafka-4.3.txt")
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let lines = self.0.iter().map(|(name, outcome)| format!("{name}: {outcome}\n"));
        HEAD.to_owned() + &lines.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_file_is_what_would_be_written() {
        assert_eq!(Recorded::committed().text(), COMMITTED);
    }
}
