//! A scenario: a few requests to a cluster, and their outcome.

use std::fmt;
use std::sync::Arc;

use crate::failure::Failure;
use crate::scene::Scene;

/// The outcome of a scenario: one line, which is the same in every run.
pub type Outcome = Result<String, Failure>;

/// A few requests to a cluster.
#[derive(Clone)]
pub struct Scenario {
    name: String,
    plays_alone: bool,
    needs_nodes: bool,
    play: Arc<dyn Fn(&Scene) -> Outcome + Send + Sync>,
}

impl Scenario {
    pub(crate) fn new(
        name: String,
        play: impl Fn(&Scene) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self { name, plays_alone: false, needs_nodes: false, play: Arc::new(play) }
    }

    /// Makes it run alone, after all others, because it disturbs them.
    pub(crate) fn alone(self) -> Self {
        Self { plays_alone: true, ..self }
    }

    /// Makes it run alone, on a cluster whose nodes it may stop.
    pub(crate) fn with_nodes(self) -> Self {
        Self { plays_alone: true, needs_nodes: true, ..self }
    }

    /// Returns whether it stops nodes, so that it needs control of them.
    pub fn needs_nodes(&self) -> bool {
        self.needs_nodes
    }

    /// Returns whether it runs alone, because it disturbs every other client of the cluster.
    pub fn plays_alone(&self) -> bool {
        self.plays_alone
    }

    /// Returns its area and its own name, such as `topics/existing`.
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

/// Lists the scenarios of an area, each named after its function.
macro_rules! area {
    ($area:literal: $($play:ident),+ $(,)?) => {
        pub(super) fn scenarios() -> Vec<crate::scenario::Scenario> {
            vec![$(crate::scenario::Scenario::new(
                concat!($area, "/", stringify!($play)).to_owned(),
                $play,
            )),+]
        }
    };
}
pub(crate) use area;
