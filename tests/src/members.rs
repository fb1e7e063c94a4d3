//! Members of a consumer group with librdkafka: what each has been given.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, ClientContext};

use crate::eventually;

/// How long one member is polled before the next one has its turn.
pub const TURN: Duration = Duration::from_millis(10);

/// The partitions of a member, in their order.
///
/// # Panics
/// When the client does not know its own assignment.
pub fn assignment<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Vec<i32> {
    let list = consumer.assignment().expect("a consumer has an assignment");
    let mut partitions: Vec<_> =
        list.elements().iter().map(TopicPartitionListElem::partition).collect();
    partitions.sort_unstable();
    partitions
}

/// Polls all members until each partition is with exactly one of them and the members have as many
/// as `sizes` says, the smallest first; returns who has what.
///
/// # Panics
/// As [`eventually`] does.
pub fn balanced(members: &[&BaseConsumer], partitions: i32, sizes: &[usize]) -> Vec<Vec<i32>> {
    eventually("the group is balanced", || {
        for member in members {
            let _ = member.poll(TURN);
        }
        let found: Vec<_> = members.iter().map(|it| assignment(it)).collect();
        let mut all = found.concat();
        all.sort_unstable();
        let mut found_sizes: Vec<_> = found.iter().map(Vec::len).collect();
        found_sizes.sort_unstable();
        (all == (0..partitions).collect::<Vec<_>>() && found_sizes == sizes).then_some(found)
    })
}

/// Counts how often a member was given an assignment.
#[derive(Clone, Default)]
struct Assignments(Arc<AtomicUsize>);

impl ClientContext for Assignments {}
impl ConsumerContext for Assignments {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Assign(_)) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Checks that of two static members of a topic with two partitions one restarts, gets what it had,
/// and the other one learns of nothing. `config` makes the settings of the instance that it names.
///
/// # Panics
/// When that is not so.
pub fn assert_a_static_member_restarts_unnoticed(
    topic: &str,
    config: impl Fn(&str) -> ClientConfig,
) {
    let count = Assignments::default();
    let watching: BaseConsumer<Assignments> =
        config("watching").create_with_context(count.clone()).expect("the settings are valid");
    watching.subscribe(&[topic]).expect("subscribed");
    let start = || {
        let member: BaseConsumer = config("restarting").create().expect("the settings are valid");
        member.subscribe(&[topic]).expect("subscribed");
        member
    };
    let together = |other: &BaseConsumer| {
        eventually("both have one partition", || {
            let _ = watching.poll(TURN);
            let _ = other.poll(TURN);
            let sizes = (assignment(&watching).len(), assignment(other).len());
            (sizes == (1, 1)).then(|| assignment(other))
        })
    };
    let restarting = start();
    let before = (together(&restarting), count.0.load(Ordering::SeqCst));
    drop(restarting);
    let restarted = start();
    let after = (together(&restarted), count.0.load(Ordering::SeqCst));
    assert_eq!(before, after, "the same partition, and the other member noticed nothing");
}
