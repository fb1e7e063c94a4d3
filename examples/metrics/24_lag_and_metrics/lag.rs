//! What a lag counts: offsets, and not records.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use helpers::connection::blocking;
use helpers::{
    ConsumerBuilder, EndOfPartitions, GroupLag, RepeatedErrors, group_lag, is_permanent,
};
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::partitions::{PARTITIONS, fill, wait_for_markers};

const COUNT: usize = PARTITIONS.len();
/// How many records came from each partition, and the offset after the last of them.
type Read = [(usize, i64); COUNT];

pub(crate) async fn show(brokers: &str, topic: &str, group: &str) -> Result<()> {
    let filled = fill(brokers, topic).await?;
    wait_for_markers(brokers, group, topic).await?;
    let builder = ConsumerBuilder::new(brokers, group).set("fetch.wait.max.ms", "100");
    let consumer = Arc::new(builder.enable_partition_eof().build().await?);

    // ANCHOR: lag
    commit(&consumer, every_partition(topic, [0; COUNT])?).await?;
    consumer.assign(&every_partition(topic, [0; COUNT])?)?;
    let unread = group_lag(brokers, group, topic).await?;
    let read = read_to_the_ends(&consumer).await?;
    print_unread(&unread, &read);

    let after_the_last = read.map(|(_, after_the_last)| after_the_last);
    commit(&consumer, every_partition(topic, after_the_last)?).await?;
    let counted = group_lag(brokers, group, topic).await?;
    commit(&consumer, consumer.position()?).await?;
    let committed = group_lag(brokers, group, topic).await?.with_positions(&*consumer)?;
    print_read(&counted, &committed)?;
    // ANCHOR_END: lag
    filled.end().await
}

fn every_partition(topic: &str, offsets: [i64; COUNT]) -> Result<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in (0..).zip(offsets) {
        list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
    }
    Ok(list)
}

/// Commits these offsets. It has a thread of its own, because a synchronous commit blocks.
async fn commit(consumer: &Arc<StreamConsumer>, offsets: TopicPartitionList) -> Result<()> {
    let consumer = Arc::clone(consumer);
    Ok(blocking(move || consumer.commit(&offsets, CommitMode::Sync)).await?)
}

async fn read_to_the_ends(consumer: &StreamConsumer) -> Result<Read> {
    let (mut read, mut end) = (Read::default(), EndOfPartitions::new());
    let mut errors = RepeatedErrors::new(Duration::from_secs(10));
    while !end.all_of(&consumer.assignment()?) {
        match consumer.recv().await {
            Ok(message) => {
                let (count, after_the_last) = &mut read[message.partition() as usize];
                (*count, *after_the_last) = (*count + 1, message.offset() + 1);
            }
            Err(KafkaError::PartitionEOF(partition)) => end.ended(partition),
            Err(error) if is_permanent(&error) => return Err(error.into()),
            Err(error) => {
                errors.line(&error).iter().for_each(|line| eprintln!("error      {line}"));
            }
        }
    }
    Ok(read)
}

fn or_dash(offset: Option<i64>) -> String {
    offset.map_or("-".to_owned(), |it| it.to_string())
}

fn print_unread(unread: &GroupLag, read: &Read) {
    println!("   partition                  committed  lag   readable  lost   records that came");
    for ((name, partition), (count, _)) in PARTITIONS.iter().zip(&unread.partitions).zip(read) {
        println!(
            "   {}  {name:23} {:>9} {:>4} {:>10} {:>5} {count:>19}",
            partition.partition,
            or_dash(partition.committed),
            or_dash(partition.lag()),
            or_dash(partition.readable()),
            or_dash(partition.lost()),
        );
    }
}

fn print_read(counted: &GroupLag, committed: &GroupLag) -> Result<()> {
    println!("\n   all read; committed: the last record's offset + 1, and then the position");
    println!(
        "   partition                  low  stable  high   committed  lag   committed  lag   readable"
    );
    let rows = counted.partitions.iter().zip(&committed.partitions);
    for (name, (counted, committed)) in PARTITIONS.iter().zip(rows) {
        let range = committed.range.context("the partition has no leader")?;
        println!(
            "   {}  {name:23} {:>3} {:>7} {:>5} {:>11} {:>4} {:>11} {:>4} {:>10}",
            committed.partition,
            range.low,
            range.last_stable,
            range.high,
            or_dash(counted.committed),
            or_dash(counted.lag()),
            or_dash(committed.committed),
            or_dash(committed.lag()),
            or_dash(committed.readable()),
        );
    }
    println!("   lag {}, readable {}", or_dash(committed.lag()), committed.readable());
    Ok(())
}
