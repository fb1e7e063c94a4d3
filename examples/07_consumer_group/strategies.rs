//! The same events under four strategies: one more member, a restart, one member less.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rdkafka::error::RDKafkaErrorCode;

use crate::board::{Board, Step};
use crate::member::{Member, classic_member, member};
use crate::print::Scene;
use crate::topics::Topics;

/// What `a` needs between two polls: a program that works is late for a callback.
const WORK: Duration = Duration::from_millis(500);

/// How the members of a group agree on who reads what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// All members give up all partitions, then all are assigned again.
    Eager,
    /// Only what changes hands is given back, in a second round (KIP-429).
    Cooperative,
    /// Eager, but a member has a name that outlives its process (KIP-345).
    Static,
    /// The coordinator decides, and members change one by one (KIP-848).
    Consumer,
}

impl Strategy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Strategy::Eager => "eager",
            Strategy::Cooperative => "cooperative",
            Strategy::Static => "static",
            Strategy::Consumer => "consumer",
        }
    }
}

/// Makes the events happen, or returns why they cannot, if the cluster is too old for the strategy.
pub(crate) fn show(
    brokers: &str,
    topics: &Topics,
    strategy: Strategy,
) -> Result<Result<Scene, RDKafkaErrorCode>> {
    match events(brokers, topics, strategy) {
        Err(error) => match error.downcast_ref() {
            Some(fatal) if is_unsupported(*fatal) => Ok(Err(*fatal)),
            _ => Err(error),
        },
        scene => scene.map(Ok),
    }
}

/// What librdkafka reports if the brokers do not support ConsumerGroupHeartbeat, and what brokers
/// say where it is switched off (`group.coordinator.rebalance.protocols`).
fn is_unsupported(fatal: RDKafkaErrorCode) -> bool {
    matches!(fatal, RDKafkaErrorCode::UnsupportedFeature | RDKafkaErrorCode::UnsupportedVersion)
}

fn events(brokers: &str, topics: &Topics, strategy: Strategy) -> Result<Scene> {
    let group = topics.group(strategy.name());
    let board = Arc::new(Board::default());

    // ANCHOR: strategies
    let join = |name: &str| {
        let classic = || classic_member(brokers, &group, name);
        let builder = match strategy {
            Strategy::Eager => classic().set("partition.assignment.strategy", "range"),
            Strategy::Cooperative => {
                classic().set("partition.assignment.strategy", "cooperative-sticky")
            }
            Strategy::Static => classic()
                .set("partition.assignment.strategy", "range")
                .set("group.instance.id", name),
            // The coordinator sets the session timeout and the heartbeat interval, for all members
            // alike.
            Strategy::Consumer => member(brokers, &group, name)
                .set("group.protocol", "consumer")
                .set("group.remote.assignor", "uniform"),
        };
        let work = if name == "a" { WORK } else { Duration::ZERO };
        Member::join_and_work(name, builder, &topics.main, &board, work)
    };
    // ANCHOR_END: strategies

    let mut steps: Vec<Step> = Vec::new();
    let a = join("a")?;
    board.step("a joins", "a", &[("a", 6)], || Ok(()))?;
    let mut b = None;
    board.step("b joins", "b", &[("a", 3), ("b", 3)], || {
        b = Some(join("b")?);
        Ok(())
    })?;

    // ANCHOR: events
    let mut c = None;
    let three = [("a", 2), ("b", 2), ("c", 2)];
    steps.push(board.step("c joins", "c", &three, || {
        c = Some(join("c")?);
        Ok(())
    })?);
    steps.push(board.step("c restarts", "c", &three, || {
        leave(c.take())?;
        c = Some(join("c")?);
        Ok(())
    })?);
    let two = [("a", 3), ("b", 3)];
    steps.push(board.step("c leaves", "c", &two, || leave(c.take()))?);
    // ANCHOR_END: events

    board.wait_for_all_records()?;
    leave(b)?;
    a.leave()?;
    Ok(Scene::new(strategy.name(), strategy.name(), steps, &board))
}

fn leave(member: Option<Member>) -> Result<()> {
    member.map_or(Ok(()), |member| member.leave().map(|_| ()))
}
