//! Scene 2: a partition is paused and resumed, and what happens to a consumer that stops polling.

use std::time::Duration;

use anyhow::Result;
use helpers::{ConsumerBuilder, unique_name};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::departures::{next, shown};
use crate::reset::delete_groups;

pub(crate) async fn show(brokers: &str, topic: &str) -> Result<()> {
    println!("pause");
    let group = unique_name("pausing");
    let consumer = ConsumerBuilder::new(brokers, group).enable_partition_eof().build().await?;
    let mut both = TopicPartitionList::new();
    both.add_partition_offset(topic, 0, Offset::Beginning)?;
    both.add_partition_offset(topic, 1, Offset::Beginning)?;
    consumer.assign(&both)?;
    let (mut jfk, mut lga) = (0, 0);
    while jfk < 3 {
        match next(&consumer).await? {
            Some(message) if message.partition() == 0 => jfk += 1,
            Some(_) => lga += 1,
            None => {}
        }
    }
    // ANCHOR: pause
    let mut partition = TopicPartitionList::new();
    partition.add_partition(topic, 0);
    consumer.pause(&partition)?;
    println!("  JFK paused     after {jfk} departures");
    let mut during = 0;
    while lga < 32 {
        match next(&consumer).await? {
            Some(message) if message.partition() == 0 => during += 1,
            Some(_) => lga += 1,
            None => {}
        }
    }
    println!("  meanwhile      {lga} of LGA read, {during} more of JFK");
    consumer.resume(&partition)?;
    let resumed = loop {
        if let Some(message) = next(&consumer).await? {
            break message;
        }
    };
    println!("  JFK resumed    {}", shown(Some(&resumed)));
    // ANCHOR_END: pause
    println!();
    Ok(())
}

/// Two consumers pause everything for longer than `max.poll.interval.ms`. One keeps polling.
pub(crate) async fn with_and_without_polling(brokers: String, topic: String) -> Result<String> {
    let groups = [unique_name("patience"), unique_name("patience")];
    let polling = paused(&brokers, &topic, &groups[0]).await?;
    let silent = paused(&brokers, &topic, &groups[1]).await?;
    // ANCHOR: polling
    let long_break = tokio::time::sleep(Duration::from_millis(7500));
    let polled = tokio::select! {
        // Nothing comes, and that is what the call is for.
        polled = polling.recv() => describe(polled.err()),
        () = long_break => format!("still has {} partitions", polling.assignment()?.count()),
    };
    let not_polled = describe(silent.recv().await.err());
    // ANCHOR_END: polling
    // Dropped, both leave their groups.
    drop((polling, silent));
    delete_groups(&brokers, &[&groups[0], &groups[1]]).await?;
    let title = "paused for 7.5 s, with max.poll.interval.ms=6000";
    Ok(format!("{title}\n  polling        {polled}\n  not polling    {not_polled}"))
}

/// A member that has all partitions of the topic, and has paused them.
async fn paused(brokers: &str, topic: &str, group: &str) -> Result<StreamConsumer> {
    let consumer = ConsumerBuilder::new(brokers, group)
        .set("session.timeout.ms", "6000")
        .set("max.poll.interval.ms", "6000")
        .build()
        .await?;
    consumer.subscribe(&[topic])?;
    next(&consumer).await?;
    consumer.pause(&consumer.assignment()?)?;
    Ok(consumer)
}

fn describe(error: Option<KafkaError>) -> String {
    error.map_or("a record came".to_owned(), |error| error.to_string())
}
