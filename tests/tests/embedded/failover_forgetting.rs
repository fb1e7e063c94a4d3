//! One log for all replicas, and what that means for one that was away: what was compacted or
//! forgotten meanwhile is gone there too.
//!
//! In Apache Kafka it would have its own copy, as docs/embedded-cluster.md says.

use std::time::Duration;

use embedded_kafka::Cluster;
use rdkafka::producer::{FutureProducer, FutureRecord};
use workshop_tests::disturbed::Disturbed;
use workshop_tests::{TestCluster, eventually};

use super::failover::{RECONNECT_SOON, TIMEOUT, read};
use super::failover_clients::{UNCLEAN, elect};

/// Looks for what is due much more often than Kafka does.
async fn start() -> Disturbed {
    let builder = Cluster::builder()
        .nodes(3)
        .failover_delay(Duration::from_millis(50))
        .log_cleaner_backoff(Duration::from_millis(50))
        .retention_check_interval(Duration::from_millis(50));
    let switchboard = builder.start().await.expect("an embedded cluster starts on free ports");
    let clients = TestCluster::at(switchboard.bootstrap_servers());
    Disturbed { switchboard, clients }
}

/// Sends a numbered record of the only key, a second younger than the one before it, so that each
/// has a segment of its own.
async fn send(producer: &FutureProducer, topic: &str, number: u32) {
    let payload = number.to_string();
    let age = 60_000 - i64::from(number) * 1_000;
    let record = FutureRecord::to(topic)
        .key("gate of WS101")
        .payload(&payload)
        .timestamp(chrono::Utc::now().timestamp_millis() - age);
    let delivered = producer.send(record, TIMEOUT).await;
    delivered.map_err(|(error, _)| error).expect("someone leads");
}

/// Has node 3 miss what node 2 writes and then removes, and lead. Answers with what can be read
/// then, after one more record.
async fn led_by_who_was_away(configs: &[(&str, &str)]) -> Vec<u32> {
    let cluster = start().await;
    let topic = cluster.topic_on(&[2, 3], configs);
    let producer = cluster.clients.producer(&[("enable.idempotence", "false"), RECONNECT_SOON]);
    send(&producer, &topic, 0).await;
    cluster.switchboard.kill_node(3).await.expect("it runs");
    cluster.wait_for_in_sync(&topic, &[2]);
    for number in 1..=2 {
        send(&producer, &topic, number).await;
    }
    eventually("the records of closed segments are removed", || {
        (read(&cluster.clients, &topic).first() > Some(&0)).then_some(())
    });
    cluster.switchboard.kill_node(2).await.expect("it runs");
    cluster.wait_for_leader(&topic, -1);
    cluster.switchboard.start_node(3).await.expect("it is down");
    elect(&cluster, &topic, UNCLEAN);
    send(&producer, &topic, 3).await;
    read(&cluster.clients, &topic)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_compacted_while_a_replica_was_away_is_gone_there_too() {
    let compacted =
        [("cleanup.policy", "compact"), ("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0")];
    assert_eq!(led_by_who_was_away(&compacted).await, [3], "and 0, with a copy of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_forgotten_while_a_replica_was_away_is_gone_there_too() {
    let forgotten = [("segment.ms", "100"), ("retention.bytes", "1")];
    assert_eq!(led_by_who_was_away(&forgotten).await, [3], "and 0, with a copy of its own");
}
