//! Scene 1: a consumer moves in its partitions, by offset and by time.

use anyhow::Result;
use helpers::{ConsumerBuilder, unique_name};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::departures::{AIRPORTS, LIMIT, MIDNIGHT, next, shown};

pub(crate) async fn show(brokers: &str, topic: &str) -> Result<()> {
    // It joins no group and commits nothing: the name is only there because each consumer has one.
    let group = unique_name("wanderer");
    let consumer = ConsumerBuilder::new(brokers, group).enable_partition_eof().build().await?;
    by_offset(&consumer, topic).await?;
    by_time(&consumer, topic).await
}

async fn by_offset(consumer: &StreamConsumer, topic: &str) -> Result<()> {
    println!("seek");
    // ANCHOR: seek
    let mut jfk = TopicPartitionList::new();
    jfk.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&jfk)?;
    println!("  beginning      {}", shown(next(consumer).await?.as_ref()));
    println!("  position       {:?}", consumer.position()?.elements()[0].offset());

    let (low, high) = consumer.fetch_watermarks(topic, 0, LIMIT)?;
    println!("  watermarks     {low} and {high}");
    for (name, offset) in [
        ("offset 10", Offset::Offset(10)),
        ("end", Offset::End),
        ("2 before end", Offset::OffsetTail(2)),
        ("back to 10", Offset::Offset(10)),
    ] {
        consumer.seek(topic, 0, offset, LIMIT)?;
        println!("  {name:<15}{}", shown(next(consumer).await?.as_ref()));
    }
    // ANCHOR_END: seek
    println!();
    Ok(())
}

async fn by_time(consumer: &StreamConsumer, topic: &str) -> Result<()> {
    println!("offsets for a time");
    // ANCHOR: time
    for (name, hour) in [("12:00", 12), ("00:00", 0), ("23:00", 23)] {
        let mut times = TopicPartitionList::new();
        for partition in [0, 1] {
            // The list carries times here, in milliseconds, and comes back with offsets.
            let time = Offset::Offset(MIDNIGHT + hour * 3_600_000);
            times.add_partition_offset(topic, partition, time)?;
        }
        let found = consumer.offsets_for_times(times, LIMIT)?;
        let found: Vec<String> = (found.elements().iter())
            .map(|it| format!("{} {:?}", AIRPORTS[it.partition() as usize].0, it.offset()))
            .collect();
        println!("  {name}          {}", found.join(", "));
    }
    // ANCHOR_END: time
    println!();
    Ok(())
}
