//! What an answer amounts to, compared with what was recorded.

use std::fmt;

use crate::differences::{DIFFERENCES, Difference};

/// What one answer of one engine amounts to.
#[derive(Debug, Clone, Copy)]
pub enum Verdict {
    /// As Apache Kafka answered.
    Same,
    /// Otherwise than the release that was asked for, and as the newest one.
    Newer,
    /// Otherwise, by design.
    Explained(&'static Difference),
    /// Otherwise, and no one said why, or what was said is not what was answered.
    Differs,
    /// As Apache Kafka answered, where the embedded cluster is said to differ.
    NoLongerDiffers,
    /// Apache Kafka has not been asked this.
    NotRecorded,
}

impl Verdict {
    /// Judges an answer. Only the embedded cluster may differ by design, or be newer than the
    /// release that it is compared with: it is like the newest one, which answered `newest`.
    pub fn on(
        is_embedded: bool,
        scenario: &str,
        outcome: &str,
        recorded: Option<&str>,
        newest: Option<&str>,
    ) -> Self {
        let mut differences = DIFFERENCES.iter().filter(|_| is_embedded);
        let difference = differences.find(|it| it.scenario == scenario);
        match (recorded, difference) {
            (None, _) => Self::NotRecorded,
            (Some(recorded), None) if outcome == recorded => Self::Same,
            (Some(recorded), Some(_)) if outcome == recorded => Self::NoLongerDiffers,
            (Some(_), Some(difference)) if outcome == difference.embedded => {
                Self::Explained(difference)
            }
            (Some(_), _) if is_embedded && newest == Some(outcome) => Self::Newer,
            _ => Self::Differs,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Same => "ok",
            Self::Newer => "as newer",
            Self::Explained(_) => "by design",
            Self::Differs => "DIFFERS",
            Self::NoLongerDiffers => "AGREES NOW",
            Self::NotRecorded => "NOT RECORDED",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_holds_for_the_answer_that_it_names_and_for_the_embedded_cluster_alone() {
        let Difference { scenario, embedded, .. } = DIFFERENCES[0];
        let judged = |is_embedded, outcome, recorded| {
            Verdict::on(is_embedded, scenario, outcome, recorded, recorded).to_string()
        };
        assert_eq!(judged(true, embedded, Some("otherwise")), "by design");
        assert_eq!(judged(false, embedded, Some("otherwise")), "DIFFERS");
        assert_eq!(judged(true, "something else", Some("otherwise")), "DIFFERS");
        assert_eq!(judged(true, "otherwise", Some("otherwise")), "AGREES NOW");
        assert_eq!(judged(false, "otherwise", Some("otherwise")), "ok");
        assert_eq!(judged(true, embedded, None), "NOT RECORDED");
    }

    #[test]
    fn the_embedded_cluster_may_be_ahead_of_an_older_release() {
        let judged = |is_embedded, outcome| {
            Verdict::on(is_embedded, "a/scenario", outcome, Some("then"), Some("now")).to_string()
        };
        assert_eq!(judged(true, "now"), "as newer");
        assert_eq!(judged(false, "now"), "DIFFERS");
        assert_eq!(judged(true, "then"), "ok");
        assert_eq!(judged(true, "never"), "DIFFERS");
    }
}
