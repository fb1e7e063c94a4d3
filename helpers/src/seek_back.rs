//! Goes back to a record that was read, so that it comes again.
//!
//! A consumer has two offsets for each partition: its *position*, which the next poll continues
//! from, and what is *stored*, which the next commit without arguments sends. librdkafka's seek
//! moves only the position. If the record, or a later one, is stored already, a commit before it
//! comes again passes it, and a restart or a rebalance then skips it without an error. So going
//! back takes two steps.

use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka::error::KafkaError;

use crate::Error;
use crate::commit::store_through;

// ANCHOR: seek_back
/// Goes back to the record at `offset`: the next record of the partition that a poll returns is
/// this one, and a commit of stored offsets does not pass it. Everything before it must be done,
/// as in a program that processes each partition in order.
///
/// It does not wait for the cluster, so you can call it in async code. Returns false if the
/// partition no longer belongs to this member: nothing is moved then, and the member that has the
/// partition now reads the record, unless it was committed.
///
/// A commit cannot be taken back this way: librdkafka never sends a lower offset than its last
/// commit. With `enable.auto.commit` *and* `enable.auto.offset.store` (librdkafka's defaults), a
/// failed record may be committed before you go back to it. Turn the second one off, as
/// [`ConsumerBuilder`](crate::ConsumerBuilder) does, and store what is processed.
///
/// # Errors
/// [`Error::Kafka`] if librdkafka rejects the offset for another reason.
pub fn seek_back<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<bool, Error> {
    // What is stored is the offset of the next record to process, so it is this one again.
    if !store_through(consumer, topic, partition, offset - 1)? {
        return Ok(false);
    }
    // From here on, records that were fetched before the seek are discarded. With a limit of zero
    // the call does not wait, and if the partition moves in the meantime, it has no effect.
    match consumer.seek(topic, partition, Offset::Offset(offset), Duration::ZERO) {
        Ok(()) => Ok(true),
        Err(KafkaError::Seek(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
// ANCHOR_END: seek_back
