//! A producer and a consumer that report, and a look at the group from outside.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{
    Committed, ConsumerBuilder, GroupLag, RepeatedErrors, commit_stored_within, group_lag,
    is_permanent, store_processed,
};
use metrics::gauge;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::statistics::Statistics;

use crate::statistics::{Reporting, describe};

const LIMIT: Duration = Duration::from_secs(30);
const DEPARTURES: usize = 10;
const PROCESSED: usize = 7;
const COMMITTED: usize = 5;
const LATER: usize = 5;

pub(crate) async fn show(brokers: &str, topic: &str, group: &str) -> Result<()> {
    describe();
    let mut config = helpers::client_config(brokers)?;
    config.set("client.id", "desk").set("statistics.interval.ms", "200");
    let producer: ThreadedProducer<Reporting> = config.create_with_context(Reporting::new())?;
    send(&producer, topic, DEPARTURES).await?;
    consume(brokers, topic, group).await?;

    send(&producer, topic, LATER).await?;
    println!("   the consumer has left, and {LATER} more departures came");
    record_group_lag(&group_lag(brokers, group, topic).await?);
    let sent = (DEPARTURES + LATER) as i64;
    producer.context().latest().wait_for(|statistics| statistics.txmsgs == sent).await?;
    Ok(())
}

async fn send(producer: &ThreadedProducer<Reporting>, topic: &str, records: usize) -> Result<()> {
    for number in 0..records {
        let flight = format!("DL {number}");
        let record = BaseRecord::<(), _>::to(topic).payload(&flight);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    // A flush blocks, and the producer's thread polls anyway.
    let delivered = async {
        while producer.in_flight_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    Ok(tokio::time::timeout(LIMIT, delivered).await?)
}

// ANCHOR: consume
/// Is handed ten departures, processes seven, and commits after five.
async fn consume(brokers: &str, topic: &str, group: &str) -> Result<()> {
    let builder = ConsumerBuilder::new(brokers, group)
        .set("client.id", "board")
        .set("statistics.interval.ms", "200");
    let consumer = Arc::new(builder.build_with(Reporting::new()).await?);
    consumer.subscribe(&[topic])?;
    for handed_over in 1..=DEPARTURES {
        let message = next(&consumer).await?;
        if handed_over <= PROCESSED {
            store_processed(&*consumer, &message)?;
        }
        if handed_over == COMMITTED {
            let committed = commit_stored_within(&consumer, LIMIT).await?;
            ensure!(committed == Committed::Done, "{committed:?}");
        }
    }
    println!("   {DEPARTURES} handed over, {PROCESSED} processed, {COMMITTED} committed");
    let lag = group_lag(brokers, group, topic).await?.with_positions(&*consumer)?;
    println!("   {}", lag.to_string().replace('\n', "\n   "));
    wait_for_statistics(&consumer, topic).await
}
// ANCHOR_END: consume

async fn next(consumer: &StreamConsumer<Reporting>) -> Result<BorrowedMessage<'_>> {
    let mut errors = RepeatedErrors::new(LIMIT);
    loop {
        match consumer.recv().await {
            Ok(message) => return Ok(message),
            Err(error) if is_permanent(&error) => return Err(error.into()),
            Err(error) => {
                errors.line(&error).iter().for_each(|line| eprintln!("error      {line}"));
            }
        }
    }
}

/// Polls until the statistics say what was processed and committed.
async fn wait_for_statistics(consumer: &StreamConsumer<Reporting>, topic: &str) -> Result<()> {
    let expected = (PROCESSED as i64, COMMITTED as i64);
    let says_so = |statistics: &Statistics| {
        let partition = statistics.topics.get(topic).and_then(|it| it.partitions.get(&0));
        partition.is_some_and(|it| (it.stored_offset, it.committed_offset) == expected)
    };
    let mut latest = consumer.context().latest();
    let mut reported = std::pin::pin!(latest.wait_for(says_so));
    loop {
        tokio::select! {
            reported = &mut reported => return Ok(reported.map(|_| ())?),
            // There is nothing to read; the poll is what calls the context.
            _ = consumer.recv() => {}
        }
    }
}

// ANCHOR: outside
/// What is seen of a group from outside, whether it has members or not.
fn record_group_lag(of: &GroupLag) {
    for partition in &of.partitions {
        let labels = [
            ("group", of.group.clone()),
            ("topic", of.topic.clone()),
            ("partition", partition.partition.to_string()),
        ];
        let distances = [
            ("kafka_group_lag_offsets", partition.lag()),
            ("kafka_group_readable_offsets", partition.readable()),
            ("kafka_group_lost_offsets", partition.lost()),
        ];
        for (name, distance) in distances {
            if let Some(offsets) = distance {
                gauge!(name, &labels).set(offsets as f64);
            }
        }
    }
}
// ANCHOR_END: outside
