//! The recorded responses of Apache Kafka: a file with a line for each scenario, and for each older
//! release a file with the scenarios in which it differs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::run::{FAILED, TIMED_OUT};
use crate::scenario::Scenario;

/// The newest release, from which every scenario was recorded, and which the embedded cluster
/// follows.
const NEWEST: &str = "4.4.0";

/// A release with its recorded file, as of the build.
struct File {
    release: &'static str,
    name: &'static str,
    text: &'static str,
    head: &'static str,
}

/// The newest release first: the other files contain the differences from it.
const FILES: [File; 2] = [
    File {
        release: NEWEST,
        name: "apache-kafka-4.4.txt",
        text: include_str!("../recorded/apache-kafka-4.4.txt"),
        head: "\
# The responses of Apache Kafka 4.4.0: three nodes, combined mode, the settings of the engine `apache`.
# Written by `cargo workshop conformance --record`, never by hand.
",
    },
    File {
        release: "4.3.0",
        name: "apache-kafka-4.3.txt",
        text: include_str!("../recorded/apache-kafka-4.3.txt"),
        head: "\
# The responses of Apache Kafka 4.3.0 that differ from those of 4.4.0: three nodes, combined mode, the settings of
# the engine `apache`. Written by `cargo workshop conformance --record --kafka 4.3.0`, never by hand.
",
    },
];

/// The recorded outcomes of one release, by the names of their scenarios.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    release: &'static str,
    outcomes: BTreeMap<String, String>,
}

impl Recorded {
    /// Returns the recorded responses of the newest release.
    pub fn committed() -> Self {
        Self { release: NEWEST, outcomes: parse(FILES[0].text) }
    }

    /// Returns the recorded responses of a release, if there are any.
    pub fn of_release(release: &str) -> Option<Self> {
        let file = FILES.iter().find(|file| file.release == release)?;
        let mut recorded = Self { release: file.release, ..Self::committed() };
        recorded.outcomes.extend(parse(file.text));
        Some(recorded)
    }

    /// Returns the responses of the newest release, which can be these.
    pub fn newest(&self) -> Self {
        if self.release == NEWEST { self.clone() } else { Self::committed() }
    }

    /// Returns the name of the release for people: `Apache Kafka 4.4`.
    pub fn title(&self) -> String {
        let short = self.release.rsplit_once('.').map_or(self.release, |(short, _)| short);
        format!("Apache Kafka {short}")
    }

    /// Returns the outcome of one scenario.
    pub fn outcome(&self, scenario: &str) -> Option<&str> {
        self.outcomes.get(scenario).map(String::as_str)
    }

    /// Returns the names of all recorded scenarios.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.outcomes.keys().map(String::as_str)
    }

    /// Returns the scenarios in which this release differs from the newest one, with both outcomes,
    /// this release's first.
    pub fn changed_since(&self) -> Vec<(String, String, String)> {
        let newest = self.newest();
        let changed = self.outcomes.iter().filter_map(|(name, outcome)| {
            let now = newest.outcome(name)?;
            (now != outcome).then(|| (name.clone(), outcome.clone(), now.to_owned()))
        });
        changed.collect()
    }

    /// Takes over the outcomes of another run, and returns the scenarios that failed in it, which
    /// keep their recorded outcomes.
    pub fn update(&mut self, suite: &[Scenario], outcomes: &[String]) -> Vec<String> {
        let names = suite.iter().map(|it| it.name().to_owned());
        let (answered, failed): (Vec<_>, Vec<_>) =
            names.zip(outcomes.iter().cloned()).partition(|(_, outcome)| is_complete(outcome));
        self.outcomes.extend(answered);
        failed.into_iter().map(|(name, _)| name).collect()
    }

    /// Removes outcomes whose scenarios no longer exist.
    pub fn keep(&mut self, suite: &[Scenario]) {
        self.outcomes.retain(|name, _| suite.iter().any(|it| it.name() == name));
    }

    /// Returns the path of the committed file of this release.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recorded").join(self.file().name)
    }

    /// Returns the text of the file.
    pub fn text(&self) -> String {
        let newest = Self::committed();
        let is_kept = |name: &str, outcome: &str| {
            self.release == NEWEST || newest.outcome(name) != Some(outcome)
        };
        let kept = self.outcomes.iter().filter(|(name, outcome)| is_kept(name, outcome));
        let lines = kept.map(|(name, outcome)| format!("{name}: {outcome}\n"));
        self.file().head.to_owned() + &lines.collect::<String>()
    }

    fn file(&self) -> &'static File {
        let mut files = FILES.iter();
        files.find(|file| file.release == self.release).expect("a release comes from its file")
    }
}

/// Returns whether an outcome is that of a completed scenario.
pub fn is_complete(outcome: &str) -> bool {
    !outcome.starts_with(FAILED) && outcome != TIMED_OUT
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(": "));
    pairs.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_committed_file_equals_its_printed_form() {
        for file in &FILES {
            assert_eq!(Recorded::of_release(file.release).unwrap().text(), file.text);
        }
        assert_eq!(Recorded::of_release("3.9.0"), None);
    }

    #[test]
    fn an_older_release_differs_from_the_newest_only_in_its_file() {
        let (older, newest) = (Recorded::of_release("4.3.0").unwrap(), Recorded::committed());
        assert!(older.names().eq(newest.names()));
        assert_eq!(older.changed_since().len(), parse(FILES[1].text).len());
        assert_eq!(newest.changed_since(), []);
        assert_eq!(older.title(), "Apache Kafka 4.3");
    }
}
