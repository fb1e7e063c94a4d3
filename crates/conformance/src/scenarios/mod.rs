//! The scenarios, one file for each area, or a directory where they are many.
//!
//! A scenario is a function that asks and returns what was answered; its name is its area's and its
//! own. It goes into the list at the top of its file. What it takes for granted it asks for with
//! `?`: a step that fails is an outcome that no recording holds.

mod batches;
mod brokers;
mod churn;
mod committed;
mod configs;
mod connections;
mod fencing;
mod fetch;
mod forgotten;
mod groups;
mod idempotence;
mod instances;
mod log_dirs;
mod markers;
mod metadata;
mod moved_logs;
mod newest;
mod offsets;
mod partitions;
mod produce;
mod quorum;
mod replicas;
mod resources;
mod static_members;
mod timeouts;
mod topics;
mod transactions;
mod versions;

use std::fmt;
use std::sync::Arc;

use crate::failure::Failure;
use crate::scene::Scene;

/// What a scenario comes to: one line, in which nothing varies from run to run.
pub type Outcome = Result<String, Failure>;

/// One question to a cluster.
#[derive(Clone)]
pub struct Scenario {
    name: String,
    plays_alone: bool,
    play: Arc<dyn Fn(&Scene) -> Outcome + Send + Sync>,
}

impl Scenario {
    pub(crate) fn new(
        name: String,
        play: impl Fn(&Scene) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self { name, plays_alone: false, play: Arc::new(play) }
    }

    /// The same for a question that disturbs all others: it is asked when they have ended.
    pub(crate) fn alone(self) -> Self {
        Self { plays_alone: true, ..self }
    }

    /// Whether it disturbs all others, and every client of the cluster.
    pub fn plays_alone(&self) -> bool {
        self.plays_alone
    }

    /// Its area and its own name, such as `topics/existing`.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn play(&self, scene: &Scene) -> Outcome {
        (self.play)(scene)
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// The scenarios of an area, each named as its function.
macro_rules! area {
    ($area:literal: $($play:ident),+ $(,)?) => {
        pub(super) fn scenarios() -> Vec<crate::scenarios::Scenario> {
            vec![$(crate::scenarios::Scenario::new(
                concat!($area, "/", stringify!($play)).to_owned(),
                $play,
            )),+]
        }
    };
}
use area;

/// All scenarios, area by area.
pub fn suite() -> Vec<Scenario> {
    [
        topics::scenarios(),
        partitions::scenarios(),
        configs::scenarios(),
        configs::values(),
        brokers::scenarios(),
        brokers::values(),
        brokers::described(),
        metadata::scenarios(),
        log_dirs::scenarios(),
        produce::scenarios(),
        batches::scenarios(),
        idempotence::scenarios(),
        fetch::scenarios(),
        offsets::scenarios(),
        committed::scenarios(),
        groups::scenarios(),
        static_members::scenarios(),
        churn::scenarios(),
        transactions::scenarios(),
        fencing::scenarios(),
        timeouts::scenarios(),
        connections::scenarios(),
        connections::features(),
        versions::scenarios(),
        versions::ranges(),
        quorum::scenarios(),
        resources::scenarios(),
        moved_logs::scenarios(),
        replicas::scenarios(),
        instances::scenarios(),
        newest::scenarios(),
        markers::scenarios(),
        forgotten::scenarios(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own() {
        let suite = suite();
        let names: BTreeSet<&str> = suite.iter().map(Scenario::name).collect();
        assert_eq!(names.len(), suite.len());
    }
}
