//! One question to a cluster, and what it comes to.

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
        pub(super) fn scenarios() -> Vec<crate::scenario::Scenario> {
            vec![$(crate::scenario::Scenario::new(
                concat!($area, "/", stringify!($play)).to_owned(),
                $play,
            )),+]
        }
    };
}
pub(crate) use area;
