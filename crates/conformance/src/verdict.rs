//! The verdict on an outcome, compared with the recorded one.

use std::fmt;

use crate::differences::{DIFFERENCES, Difference};

/// The verdict on one outcome of one engine.
#[derive(Debug, Clone, Copy)]
pub enum Verdict {
    /// The same as Apache Kafka.
    Same,
    /// Different from the compared release, but the same as the newest one.
    Newer,
    /// Different by design.
    Explained(&'static Difference),
    /// Different without an explanation, or different from the explanation.
    Differs,
    /// The same as Apache Kafka, although the embedded cluster is listed as different.
    NoLongerDiffers,
    /// Not recorded from Apache Kafka yet.
    NotRecorded,
}

impl Verdict {
    /// Compares an outcome. Only the embedded cluster may differ by design, or be newer than the
    /// compared release: it follows the newest one, whose outcome is `newest`.
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
    fn an_explanation_applies_only_to_its_outcome_and_to_the_embedded_cluster() {
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
