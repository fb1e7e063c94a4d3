//! Messages that are too large or that cannot be sent.

use std::collections::BTreeMap;
use std::convert::Infallible;

use ::lineage::Error;
use ::lineage::{Message, Produced, Producer};
use helpers::topic_metadata;
use workshop_tests::TestCluster;

use super::{batch, consumer, numbered};

#[tokio::test]
async fn a_record_over_the_topics_limit_is_named_or_skipped_and_takes_no_other_along() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("max.message.bytes", "2000")]);
    let messages = [("a", 10), ("large", 5000), ("b", 10)]
        .map(|(id, size)| Message::new(id, "x".repeat(size)));
    let builder = || {
        // One batch for all three: the leader refuses it as a whole.
        let builder = Producer::builder("departures", cluster.bootstrap_servers());
        builder.set("compression.type", "none").set("linger.ms", "200")
    };
    let strict = builder().build().await.unwrap();
    let error = strict.produce_batch(&topic, &messages).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains(&format!("{topic}:large is too large")), "{error}");
    let records =
        async || topic_metadata(cluster.bootstrap_servers(), &topic).await.unwrap().records();
    assert_eq!(records().await, 2);
    let lenient = builder().ignore_large_message_errors(true).build().await.unwrap();
    let done = lenient.produce_batch(&topic, &messages).await.unwrap();
    assert_eq!(done, Produced { delivered: 2, skipped: 1 });
    assert_eq!(records().await, 4);
}

#[tokio::test]
async fn with_batches_below_the_topics_limit_a_large_record_does_not_reorder_the_others() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("max.message.bytes", "2000")]);
    let text = |number: usize| match number {
        5 => "x".repeat(5000),
        _ => format!("{number:0100}"),
    };
    let messages: Vec<_> = (0..20).map(|number| Message::new("WS042", text(number))).collect();
    let producer = Producer::builder("departures", cluster.bootstrap_servers())
        .set("compression.type", "none")
        .set("linger.ms", "200")
        .set("batch.size", "1000")
        .ignore_large_message_errors(true);
    let producer = producer.build().await.unwrap();
    let done = producer.produce_batch(&topic, &messages).await.unwrap();
    assert_eq!(done, Produced { delivered: 19, skipped: 1 });
    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&topic], &group).batch_size(19).timeout_ms(30_000);
    let mut consumer = builder.build().await.unwrap();
    let mut read = Vec::new();
    let handler = async |messages: Vec<Message<String>>| {
        read = messages.into_iter().map(|it| it.payload).collect();
        Ok::<(), Infallible>(())
    };
    consumer.process_batch(handler).await.unwrap();
    let expected: Vec<_> = (0..20).filter(|number| *number != 5).map(text).collect();
    assert_eq!(read, expected);
}

#[tokio::test]
async fn a_record_over_the_clients_limit_is_named_or_skipped() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let messages = [Message::new("large", "x".repeat(5000)), Message::new("b", String::new())];
    let builder = || {
        let builder = Producer::builder("departures", cluster.bootstrap_servers());
        builder.set("message.max.bytes", "2000")
    };
    let strict = builder().build().await.unwrap();
    let error = strict.produce(&topic, &messages[0]).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let lenient = builder().ignore_large_message_errors(true).build().await.unwrap();
    let done = lenient.produce_batch(&topic, &messages).await.unwrap();
    assert_eq!(done, Produced { delivered: 1, skipped: 1 });
}

#[tokio::test]
async fn a_full_queue_delays_a_batch_and_loses_nothing_of_it() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = Producer::builder("departures", cluster.bootstrap_servers());
    let producer = producer.set("queue.buffering.max.messages", "10").build().await.unwrap();
    let done = producer.produce_batch(&topic, &numbered(0..500)).await.unwrap();
    assert_eq!(done.delivered, 500);
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(500).build().await.unwrap();
    assert_eq!(batch(&mut consumer).await, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_that_cannot_arrive_is_an_error_that_names_it() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let producer = Producer::builder("departures", cluster.bootstrap_servers())
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.propagation.max.ms", "100");
    let producer = producer.build().await.unwrap();
    let error = producer.produce(&topic, &Message::new("WS042", 1)).await.unwrap_err();
    assert!(matches!(error, Error::NotProduced { .. }), "{error}");
    assert!(error.to_string().contains(&format!("{topic}:WS042 did not arrive")), "{error}");
    let no_json = Message::new("WS042", BTreeMap::from([((1, 2), 3)]));
    let error = producer.produce(&topic, &no_json).await.unwrap_err();
    assert!(matches!(error, Error::NotProduced { .. }), "{error}");
}
