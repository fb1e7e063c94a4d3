//! A topic with replication factor 1, without the broker that holds its only copy.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use helpers::{ConsumerBuilder, client_config, delete_topic, topic_metadata, unique_name};
use rdkafka::Message;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::brokers::Brokers;

const RECORDS: usize = 5;

/// How long a broker that comes back may take, a slow one included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Shows the last step, in which a node stops that holds the only copy of a topic.
pub(crate) async fn show(brokers: &Brokers) -> Result<()> {
    let topic = unique_name("one-copy");
    let shown = stop_its_broker(brokers, &topic).await;
    let deleted = delete_topic(brokers.bootstrap_servers(), &topic).await;
    shown.and(deleted.map(drop).context("deleting"))
}

async fn stop_its_broker(brokers: &Brokers, topic: &str) -> Result<()> {
    let servers = brokers.bootstrap_servers();
    let [_, _, node] = brokers.nodes();
    // ANCHOR: one_copy
    let replicas: &[&[i32]] = &[&[node]];
    let new = NewTopic::new(topic, 1, TopicReplication::Variable(replicas));
    // ANCHOR_END: one_copy
    let admin: AdminClient<_> = client_config(servers)?.create()?;
    let created = admin.create_topics([&new], &AdminOptions::new()).await?;
    created[0].as_ref().map_err(|(topic, error)| anyhow::anyhow!("{topic}: {error}"))?;
    wait_for(servers, topic, |leader| leader == Some(node)).await?;
    let mut config = client_config(servers)?;
    let config = config.set("acks", "all").set("message.timeout.ms", "3000");
    let producer: FutureProducer = config.create()?;

    println!("\n6  A topic with one replica, on node {node}");
    println!("   {}", send(&producer, topic, "before").await?);
    brokers.stop(node).await?;
    wait_for(servers, topic, |leader| leader.is_none()).await?;
    println!("   node {node} is shut down, and the partition has no leader");
    println!("   {}", send(&producer, topic, "without").await?);
    brokers.start(&[node]).await?;
    wait_for(servers, topic, |leader| leader == Some(node)).await?;
    let there = read(servers, topic).await?;
    let before = there.iter().filter(|key| key.starts_with("before")).count();
    println!("   node {node} is back, with {before} of the {RECORDS} acknowledged records");
    Ok(())
}

async fn send(producer: &FutureProducer, topic: &str, name: &str) -> Result<String> {
    let mut deliveries = Vec::new();
    for number in 0..RECORDS {
        let key = format!("{name}-{number}");
        let record = FutureRecord::to(topic).key(&key).payload("departed");
        deliveries.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    let (mut acknowledged, mut code) = (0, None);
    for delivery in deliveries {
        match delivery.await? {
            Ok(_) => acknowledged += 1,
            Err((KafkaError::MessageProduction(why), _)) => code = Some(why),
            Err((error, _)) => return Err(error.into()),
        }
    }
    let rejected = RECORDS - acknowledged;
    Ok(match code {
        None => format!("acks=all  {acknowledged} acknowledged"),
        Some(code) => format!("acks=all  {acknowledged} acknowledged, {rejected} failed: {code:?}"),
    })
}

/// Returns the keys of the records in the topic.
async fn read(servers: &str, topic: &str) -> Result<HashSet<String>> {
    let consumer = ConsumerBuilder::new(servers, topic).build_polled().await?;
    let topic = topic.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let mut partition = TopicPartitionList::new();
        partition.add_partition_offset(&topic, 0, Offset::Beginning)?;
        consumer.assign(&partition)?;
        let (_, end) = consumer.fetch_watermarks(&topic, 0, PATIENCE)?;
        let mut keys = HashSet::new();
        while end > 0
            && let Some(message) = consumer.poll(PATIENCE)
        {
            let message = message?;
            keys.insert(String::from_utf8_lossy(message.key().unwrap_or_default()).into());
            if message.offset() + 1 >= end {
                break;
            }
        }
        anyhow::Ok(keys)
    });
    reading.await?
}

/// Waits until the partition's leader is as wanted.
async fn wait_for(servers: &str, topic: &str, is_so: impl Fn(Option<i32>) -> bool) -> Result<()> {
    let begin = Instant::now();
    loop {
        if let Ok(topic) = topic_metadata(servers, topic).await
            && topic.partitions.first().is_some_and(|partition| is_so(partition.leader))
        {
            return Ok(());
        }
        ensure!(begin.elapsed() < PATIENCE, "{topic}: the broker does not come along");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
