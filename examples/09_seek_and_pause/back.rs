//! Scene 2: a record fails, and the consumer goes back to it. What does a commit say before the
//! record comes again?

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::{
    Closed, CommitOnRevoke, Committed, ConsumerBuilder, close_within, commit_stored_within,
    group_lag, seek_back, store_processed, unique_name,
};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::departures::{LIMIT, next, shown};
use crate::reset::delete_groups;

/// The offset of the record that fails.
const FAILS: i64 = 10;

pub(crate) async fn show(brokers: &str, topic: &str) -> Result<()> {
    println!("go back to offset {FAILS}, and commit before it comes again");
    println!("  stored         goes back with  the next run begins with");
    for (stored, goes_back) in [("by the poll", "seek"), ("by the poll", "seek_back")] {
        print(brokers, topic, stored, goes_back).await?;
    }
    print(brokers, topic, "when done", "seek").await?;
    println!();
    Ok(())
}

async fn print(brokers: &str, topic: &str, stored: &str, goes_back: &str) -> Result<()> {
    let group = unique_name("going-back");
    let by_the_poll = (stored == "by the poll").to_string();
    let builder = ConsumerBuilder::new(brokers, &group);
    let builder = builder.set("enable.auto.offset.store", by_the_poll).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    let begins = async {
        read_and_go_back(&consumer, topic, stored, goes_back).await?;
        let committed = group_lag(brokers, &group, topic).await?.partitions[0].committed;
        let again = next(&consumer).await?;
        let again = shown(again.as_ref());
        ensure!(again.ends_with("offset 10"), "{again} came, and not the record that failed");
        committed.context("nothing is committed")
    }
    .await;
    let closed = close_within(consumer, LIMIT).await;
    let begins = begins?;
    ensure!(matches!(closed?, Closed::Left(_)), "the consumer is still there");
    let skipped = if begins > FAILS { ": 10 is skipped" } else { "" };
    println!("  {stored:<13}  {goes_back:<14}  offset {begins}{skipped}");
    delete_groups(brokers, &[&group]).await
}

async fn read_and_go_back(
    consumer: &Arc<StreamConsumer<CommitOnRevoke>>,
    topic: &str,
    stored: &str,
    goes_back: &str,
) -> Result<()> {
    // ANCHOR: back
    let mut jfk = TopicPartitionList::new();
    jfk.add_partition_offset(topic, 0, Offset::Offset(FAILS - 2))?;
    consumer.assign(&jfk)?;
    loop {
        let message = next(consumer).await?.context("the end of the partition")?;
        if message.offset() == FAILS {
            break;
        }
        if stored == "when done" {
            store_processed(&**consumer, &message)?;
        }
    }
    match goes_back {
        // A limit of zero does not wait, so it blocks no thread of the runtime.
        "seek" => consumer.seek(topic, 0, Offset::Offset(FAILS), Duration::ZERO)?,
        _ => ensure!(seek_back(&**consumer, topic, 0, FAILS)?, "the partition has moved"),
    }
    let committed = commit_stored_within(consumer, LIMIT).await?;
    // ANCHOR_END: back
    ensure!(committed == Committed::Done, "{committed:?}");
    Ok(())
}
