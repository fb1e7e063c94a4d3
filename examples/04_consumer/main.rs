//! 04 · Consumer
//!
//! Reads the airports as group `east-coast-dpt`, decodes each, and commits its progress. A second
//! group reads the same airports: groups are independent. The second run finds nothing new, because
//! both groups have committed offsets.
//!
//! Run:      cargo run --example 04_consumer
//!           cargo run --example 04_consumer -- --follow    (continues until Ctrl-C or SIGTERM)
//! Chapter:  docs/04-consumer.md

mod read;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use helpers::{
    Closed, CommitEvery, CommitOnRevoke, Committed, ConsumerBuilder, EndOfPartitions,
    RepeatedErrors, StopSignal, close_within, commit_stored_within, is_permanent, store_processed,
};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;

use read::{Read, TOPIC, process, report};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<()> {
    workshop::run_to_the_end(show, async |_| Ok(())).await
}

async fn show(brokers: &str) -> Result<()> {
    let follow = std::env::args().any(|argument| argument == "--follow");
    // No example deletes the topic before its end was read. One that follows has no such end.
    let _lock = Some(airports::filled_topic(brokers).await?.lock).filter(|_| !follow);
    // ANCHOR: groups
    for (group, is_silent) in [("east-coast-dpt", false), ("west-coast-arr", true)] {
        let mut read = Read { is_silent, ..Read::default() };
        let is_stopped = consume(brokers, group, follow, &mut read).await?;
        report(brokers, group, &read).await?;
        if is_stopped {
            break;
        }
    }
    // ANCHOR_END: groups
    Ok(())
}

/// Reads to the end, or until a signal. Returns whether a signal came.
async fn consume(brokers: &str, group: &str, follow: bool, read: &mut Read) -> Result<bool> {
    // ANCHOR: subscribe
    let builder = ConsumerBuilder::new(brokers, group).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[TOPIC])?;
    // ANCHOR_END: subscribe

    // ANCHOR: close
    let polled = poll(&consumer, follow, read).await;
    // However it ended: commit what is stored, and leave the group. A drop here would block a
    // thread of the runtime.
    let closed = close_within(consumer, LIMIT).await;
    let is_stopped = polled?;
    match closed? {
        Closed::Left(Committed::Done | Committed::Nothing) => {}
        closed => eprintln!("{closed:?}: what is not committed comes again"),
    }
    // ANCHOR_END: close
    Ok(is_stopped)
}

// ANCHOR: poll
async fn poll(
    consumer: &Arc<StreamConsumer<CommitOnRevoke>>,
    follow: bool,
    read: &mut Read,
) -> Result<bool> {
    let mut end = EndOfPartitions::new();
    let mut commits = CommitEvery::new(1000, Duration::from_secs(5));
    let mut errors = RepeatedErrors::new(Duration::from_secs(10));
    let mut stop = StopSignal::listen()?;
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = commits.due() => {
                commits.committed(commit_stored_within(consumer, LIMIT).await?);
                continue;
            }
            () = stop.received() => return Ok(true),
        };
        match polled {
            Ok(message) => {
                end.message_from(message.partition());
                process(&message, read);
                store_processed(&**consumer, &message)?;
                commits.stored();
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                end.ended(partition);
                if !follow && end.all_of(&consumer.assignment()?) {
                    return Ok(false);
                }
            }
            // A fatal error of the client, or a missing permission: waiting does not help.
            Err(error) if is_permanent(&error) => return Err(helpers::Error::from(error).into()),
            // Any other error is transient: the client keeps trying, and the next poll may succeed.
            Err(error) => {
                errors.line(&error).iter().for_each(|line| eprintln!("error      {line}"));
            }
        }
    }
}
// ANCHOR_END: poll
