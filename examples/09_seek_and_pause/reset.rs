//! Scene 3: a client that is not a member resets a group's committed offsets.

use anyhow::{Result, anyhow, ensure};
use helpers::{
    Committed, ConsumerBuilder, EndOfPartitions, client_config, commit_stored, store_processed,
    unique_name,
};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::departures::{LIMIT, MIDNIGHT, shown};

pub(crate) async fn show(brokers: &str, topic: &str) -> Result<()> {
    println!("reset");
    let group = unique_name("departure-board");
    let build = || ConsumerBuilder::new(brokers, &group).enable_partition_eof();
    let member = build().build().await?;
    member.subscribe(&[topic])?;
    println!("  a member       {}", read_to_the_end(&member).await?);
    let committed = commit_stored(&member, CommitMode::Sync)?;
    ensure!(committed == Committed::Done, "{committed:?}");

    // ANCHOR: reset
    let outsider = build().build_polled().await?;
    let rejected = outsider.commit(&offsets(topic, [0, 0])?, CommitMode::Sync);
    println!("  while it runs  {}", rejected.err().map_or("done".to_owned(), |it| it.to_string()));
    // Dropped, the member leaves, and the group is empty.
    drop(member);

    for (name, target) in [
        ("earliest", offsets(topic, [0, 0])?),
        ("to 20:00", offsets_at(&outsider, topic, 20)?),
        ("to 45 and 30", offsets(topic, [45, 30])?),
    ] {
        outsider.commit(&target, CommitMode::Sync)?;
        let mut committed = TopicPartitionList::new();
        committed.add_partition_offset(topic, 0, Offset::Stored)?;
        committed.add_partition_offset(topic, 1, Offset::Stored)?;
        let restarted = build().build().await?;
        restarted.assign(&committed)?;
        println!("  {name:<14} {}", read_to_the_end(&restarted).await?);
    }
    // ANCHOR_END: reset
    println!();
    drop(outsider);
    delete_groups(brokers, &[&group]).await
}

/// Deletes groups without members.
pub(crate) async fn delete_groups(brokers: &str, groups: &[&str]) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client_config(brokers)?.create()?;
    for deleted in admin.delete_groups(groups, &AdminOptions::new()).await? {
        deleted.map_err(|(group, code)| anyhow!("group {group} stays: {code}"))?;
    }
    Ok(())
}

fn offsets(topic: &str, offsets: [i64; 2]) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in (0..).zip(offsets) {
        list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
    }
    Ok(list)
}

/// The offsets of the first departures at or after an hour.
fn offsets_at(
    consumer: &BaseConsumer,
    topic: &str,
    hour: i64,
) -> Result<TopicPartitionList, KafkaError> {
    let time = MIDNIGHT + hour * 3_600_000;
    consumer.offsets_for_times(offsets(topic, [time, time])?, LIMIT)
}

/// Reads to the end of both partitions, and says how much that was, and the first of JFK.
async fn read_to_the_end(consumer: &StreamConsumer) -> Result<String> {
    let (mut read, mut first, mut end) = (0, None, EndOfPartitions::new());
    loop {
        match tokio::time::timeout(LIMIT, consumer.recv()).await? {
            Ok(message) => {
                read += 1;
                end.message_from(message.partition());
                if message.partition() == 0 {
                    first.get_or_insert_with(|| shown(Some(&message)));
                }
                store_processed(consumer, &message)?;
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                end.ended(partition);
                if end.all_of(&consumer.assignment()?) {
                    let first = first.unwrap_or("nothing".to_owned());
                    return Ok(format!("{read} read, from {first} on"));
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}
