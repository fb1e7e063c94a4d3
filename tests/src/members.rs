//! Members of a consumer group with librdkafka: what each has been given.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::topic_partition_list::TopicPartitionListElem;

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
