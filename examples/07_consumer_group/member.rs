//! A member of a group: a consumer with callbacks, polled by a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};
use helpers::{Committed, ConsumerBuilder, RepeatedErrors, commit_stored, store_processed};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{TopicPartitionList, TopicPartitionListElem};
use tokio::runtime::Handle;

use crate::board::Board;

const POLL: Duration = Duration::from_millis(50);

// ANCHOR: callbacks
/// Called from inside `poll`, on the thread that polls.
pub(crate) struct Callbacks {
    name: String,
    board: Arc<Board>,
}

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            self.board.revoked(&self.name, &numbers(partitions));
            // The last moment: they are still this member's, and the next one begins where it
            // has committed. Partitions that are lost belong to another one already.
            if !consumer.assignment_lost() {
                commit(consumer);
            }
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            self.board.assigned(&self.name, &numbers(partitions));
        }
    }
}

impl ClientContext for Callbacks {}

/// Commits what was stored, and nothing that was only fetched. This thread may wait for the
/// response.
fn commit(consumer: &BaseConsumer<Callbacks>) {
    match commit_stored(consumer, CommitMode::Sync) {
        Ok(Committed::Done | Committed::Nothing) => {}
        // The next reader begins where the last commit was, and reads some departures again.
        Ok(Committed::Later(why)) => eprintln!("not committed: {why}"),
        Err(error) => eprintln!("not committed: {error}"),
    }
}
// ANCHOR_END: callbacks

fn numbers(partitions: &TopicPartitionList) -> Vec<i32> {
    partitions.elements().iter().map(TopicPartitionListElem::partition).collect()
}

// ANCHOR: config
/// What all members of this chapter have in common. The times here and below are the shortest that
/// make sense: brokers accept no session below 6 s (`group.min.session.timeout.ms`), and librdkafka
/// no poll interval below the session.
pub(crate) fn member(brokers: &str, group: &str, name: &str) -> ConsumerBuilder {
    ConsumerBuilder::new(brokers, group).set("client.id", name).set("max.poll.interval.ms", "6000")
}

/// A member of the classic protocol, which sets its session timeout and its heartbeat interval
/// itself.
pub(crate) fn classic_member(brokers: &str, group: &str, name: &str) -> ConsumerBuilder {
    member(brokers, group, name)
        .set("heartbeat.interval.ms", "1000")
        .set("session.timeout.ms", "6000")
}
// ANCHOR_END: config

/// A consumer in a group, and the thread that polls it.
pub(crate) struct Member {
    name: String,
    board: Arc<Board>,
    polls: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Option<RDKafkaErrorCode>>,
}

impl Member {
    /// Joins the group that `builder` names. Its partitions come later, by a callback.
    pub(crate) fn join(
        name: &str,
        builder: ConsumerBuilder,
        topic: &str,
        board: &Arc<Board>,
    ) -> Result<Member> {
        Self::join_and_work(name, builder, topic, board, Duration::ZERO)
    }

    /// The same, with so much work between two polls.
    pub(crate) fn join_and_work(
        name: &str,
        builder: ConsumerBuilder,
        topic: &str,
        board: &Arc<Board>,
        work: Duration,
    ) -> Result<Member> {
        let name = name.to_owned();
        let callbacks = Callbacks { name: name.clone(), board: Arc::clone(board) };
        // This thread may wait: no task runs on it.
        let consumer = Handle::current().block_on(builder.build_polled_with(callbacks))?;
        consumer.subscribe(&[topic])?;
        let (polls, ended) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (polls, ended) = (Arc::clone(&polls), Arc::clone(&ended));
            move || poll(&consumer, work, &polls, &ended)
        });
        Ok(Member { name, board: Arc::clone(board), polls, ended, thread })
    }

    /// Closes the consumer: its partitions are revoked, and it leaves the group, unless it is a
    /// static member. Says the last error that a poll gave.
    pub(crate) fn leave(self) -> Result<Option<RDKafkaErrorCode>> {
        self.polls.store(true, Ordering::Relaxed);
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the thread of {} panicked", self.name))
    }

    /// Stops polling. The client's own thread keeps sending heartbeats.
    pub(crate) fn stop_polling(&self) {
        self.polls.store(false, Ordering::Relaxed);
        self.board.silent(&self.name);
    }

    /// Polls again.
    pub(crate) fn go_on_polling(&self) {
        self.polls.store(true, Ordering::Relaxed);
    }
}

fn poll(
    consumer: &BaseConsumer<Callbacks>,
    work: Duration,
    polls: &AtomicBool,
    ended: &AtomicBool,
) -> Option<RDKafkaErrorCode> {
    let mut last_error = None;
    let mut errors = RepeatedErrors::new(Duration::from_secs(10));
    while !ended.load(Ordering::Relaxed) {
        if !polls.load(Ordering::Relaxed) {
            std::thread::sleep(POLL);
            continue;
        }
        match consumer.poll(POLL) {
            Some(Ok(message)) => process(consumer, &message),
            Some(Err(KafkaError::MessageConsumptionFatal(error))) => {
                consumer.context().board.fatal(error);
                return Some(error);
            }
            Some(Err(error)) => {
                last_error = error.rdkafka_error_code();
                if last_error != Some(RDKafkaErrorCode::PollExceeded) {
                    errors.line(&error).iter().for_each(|line| eprintln!("{line}"));
                }
            }
            None => std::thread::sleep(work),
        }
    }
    last_error
}

// ANCHOR: process
/// Puts a departure on the board, and then says that it is done. Here it is committed when its
/// partition goes; a program that runs for long commits every so often too (`CommitEvery`).
fn process(consumer: &BaseConsumer<Callbacks>, message: &BorrowedMessage<'_>) {
    consumer.context().board.read(message.partition(), message.offset());
    if let Err(error) = store_processed(consumer, message) {
        eprintln!("not stored: {error}");
    }
}
// ANCHOR_END: process
