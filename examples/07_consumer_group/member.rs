//! A member of a group: a consumer with callbacks, polled by a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};
use helpers::client_config;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{TopicPartitionList, TopicPartitionListElem};

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
// ANCHOR_END: callbacks

fn commit(consumer: &BaseConsumer<Callbacks>) {
    match consumer.commit_consumer_state(CommitMode::Sync) {
        // Nothing was read since the last commit.
        Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
        Err(error) => eprintln!("not committed: {error}"),
    }
}

fn numbers(partitions: &TopicPartitionList) -> Vec<i32> {
    partitions.elements().iter().map(TopicPartitionListElem::partition).collect()
}

// ANCHOR: config
/// What all members of this chapter have in common. The three times are the shortest that make
/// sense: brokers take no session below 6 s (`group.min.session.timeout.ms`), and librdkafka no
/// poll interval below the session.
pub(crate) fn member_config(brokers: &str, group: &str, name: &str) -> Result<ClientConfig> {
    let mut config = client_config(brokers)?;
    config
        .set("group.id", group)
        .set("client.id", name)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("heartbeat.interval.ms", "1000")
        .set("session.timeout.ms", "6000")
        .set("max.poll.interval.ms", "6000");
    Ok(config)
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
    /// Joins the group of `config`. Its partitions come later, by a callback.
    pub(crate) fn join(config: &ClientConfig, topic: &str, board: &Arc<Board>) -> Result<Member> {
        Self::join_and_work(config, topic, board, Duration::ZERO)
    }

    /// The same, with so much work between two polls.
    pub(crate) fn join_and_work(
        config: &ClientConfig,
        topic: &str,
        board: &Arc<Board>,
        work: Duration,
    ) -> Result<Member> {
        let name = config.get("client.id").unwrap_or_default().to_owned();
        let callbacks = Callbacks { name: name.clone(), board: Arc::clone(board) };
        let consumer: BaseConsumer<Callbacks> = config.create_with_context(callbacks)?;
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

    /// Polls no more. The client's own thread goes on with heartbeats.
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
    while !ended.load(Ordering::Relaxed) {
        if !polls.load(Ordering::Relaxed) {
            std::thread::sleep(POLL);
            continue;
        }
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                consumer.context().board.read(message.partition(), message.offset());
            }
            Some(Err(KafkaError::MessageConsumptionFatal(error))) => {
                consumer.context().board.fatal(error);
                return Some(error);
            }
            Some(Err(error)) => {
                last_error = error.rdkafka_error_code();
                if last_error != Some(RDKafkaErrorCode::PollExceeded) {
                    eprintln!("{error}");
                }
            }
            None => std::thread::sleep(work),
        }
    }
    last_error
}
