//! Errors whose text misleads, from a real cluster, and what the helpers say about them.

use helpers::{ConsumerBuilder, Error, advice};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use workshop_tests::batch::Batch;
use workshop_tests::requests::{produce, produced};
use workshop_tests::{DEADLINE, TestCluster};

/// Sends small records all at once, and returns the errors of those that did not arrive.
async fn send_small(producer: &FutureProducer, topic: &str) -> Vec<KafkaError> {
    let value = "x".repeat(1_000);
    let record = || FutureRecord::<(), str>::to(topic).payload(&value);
    let queued: Vec<_> = (0..100)
        .map(|_| producer.send_result(record()).map_err(|(error, _)| error))
        .map(|queued| queued.expect("there is room"))
        .collect();
    let mut errors = Vec::new();
    for report in queued {
        if let Err((error, _)) = report.await.expect("the producer is there") {
            errors.push(error);
        }
    }
    errors
}

#[tokio::test]
async fn a_batch_over_the_topics_limit_is_distinguished_from_a_large_record() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 1, &[("max.message.bytes", "20000")]);
    let waits = ("linger.ms", "200");
    let errors = send_small(&cluster.producer(&[waits]), &topic).await;
    assert!(!errors.is_empty(), "a batch of 100 records is larger than 20 kB");
    for error in errors {
        assert!(advice(&error).is_some_and(|it| it.contains("batch.size")), "{error}");
    }
    // The remedy that it names.
    let errors = send_small(&cluster.producer(&[waits, ("batch.size", "10000")]), &topic).await;
    assert_eq!(errors, []);
}

#[tokio::test]
async fn a_codec_that_was_left_out_of_the_build_is_named() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 1, &[("compression.type", "zstd")]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let answer = leader.call(9, &produce(&topic, 0, -1, Batch::of(&["EHAM"]).encode()));
    assert_eq!(produced(&answer).error_code, 0);
    let group = cluster.group_name();
    let consumer = ConsumerBuilder::new(cluster.bootstrap_servers(), &group).build().await;
    let consumer = consumer.expect("the cluster answers");
    rdkafka::consumer::Consumer::subscribe(&consumer, &[&topic]).expect("subscribed");
    let received = tokio::time::timeout(DEADLINE, consumer.recv()).await;
    let error = received.expect("the consumer reports it").expect_err("zstd is not built in");
    let told = Error::from(error).to_string();
    assert!(told.contains("`zstd`") && told.contains("Not implemented"), "{told}");
}
