//! A producer of helpers/ on a runtime with one thread, while its cluster is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use helpers::producer::Publisher;
use helpers::{Error, ProducerBuilder};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::BaseRecord;
use workshop_tests::DEADLINE;
use workshop_tests::disturbed::Disturbed;

const LIMIT: Duration = Duration::from_millis(300);
const ROOM: u64 = 10;

/// Counts on a task of the same thread.
fn ticking() -> Arc<AtomicUsize> {
    let ticks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ticks);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    ticks
}

async fn send(producer: &Publisher, topic: &str) -> Result<(), Error> {
    producer.send_within(BaseRecord::<(), str>::to(topic).payload("departed"), LIMIT).await
}

#[tokio::test]
async fn neither_a_full_queue_nor_a_flush_blocks_the_other_tasks_of_a_thread() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let builder = ProducerBuilder::new(cluster.clients.bootstrap_servers())
        .set("queue.buffering.max.messages", ROOM.to_string())
        .set("reconnect.backoff.max.ms", "200");
    let producer = builder.build().await.unwrap();
    for node in [1, 2, 3] {
        cluster.switchboard.kill_node(node).await.unwrap();
    }
    let ticks = ticking();
    for _ in 0..ROOM {
        send(&producer, &topic).await.unwrap();
    }
    let before = ticks.load(Ordering::Relaxed);
    let full = send(&producer, &topic).await.unwrap_err();
    let queue_full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
    assert!(matches!(&full, Error::NotQueued { source, .. } if *source == queue_full), "{full}");
    let between = ticks.load(Ordering::Relaxed);
    assert!(between >= before + 10, "others ran while it waited for room: {before} to {between}");
    let summary = producer.flush_within(LIMIT).await.unwrap();
    assert_eq!((summary.delivered, summary.still_queued), (0, ROOM), "the rejected one is not it");
    let after = ticks.load(Ordering::Relaxed);
    assert!(after >= between + 10, "others ran while it flushed: {between} to {after}");

    for node in [1, 2, 3] {
        cluster.switchboard.start_node(node).await.unwrap();
    }
    let summary = producer.flush_within(DEADLINE).await.unwrap();
    assert_eq!((summary.delivered, summary.still_queued), (ROOM, 0));
}
