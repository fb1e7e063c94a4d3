//! Announces a running registry to other programs, and finds it.
//!
//! The cluster itself stores the address, as the metadata of a committed offset, so a program that
//! knows the cluster can find the registry. An announcement can outlive a registry that was killed,
//! so it is trusted only if a registry on this machine responds there and keeps its state on the
//! same cluster.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use crate::quiet::Quiet;

/// The group whose committed offset holds the address.
const GROUP: &str = "embedded-registry";

/// The time limit for the cluster to respond.
const CLUSTER_LIMIT: Duration = Duration::from_secs(10);

/// The time limit for a registry on this machine to respond.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// The longest response to read, in bytes.
const MAX_ANSWER: u64 = 4_096;

/// Announces the registry's address; an empty address withdraws the announcement.
pub(crate) fn announce(config: &ClientConfig, topic: &str, address: &str) -> KafkaResult<()> {
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(0))?;
    if let Some(mut partition) = offsets.find_partition(topic, 0) {
        partition.set_metadata(address);
    }
    consumer(config)?.commit(&offsets, CommitMode::Sync)
}

/// Finds the address of a running registry for a cluster. Blocks its thread.
pub(crate) fn find(config: &ClientConfig, topic: &str) -> KafkaResult<Option<SocketAddr>> {
    let consumer = consumer(config)?;
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, 0);
    let committed = consumer.committed_offsets(asked, CLUSTER_LIMIT)?;
    let announced = committed
        .find_partition(topic, 0)
        .and_then(|partition| partition.metadata().parse::<SocketAddr>().ok())
        .filter(|address| address.ip().is_loopback());
    let cluster_id = consumer.client().fetch_cluster_id(CLUSTER_LIMIT).unwrap_or_default();
    Ok(announced.filter(|address| answers(*address, &cluster_id)))
}

/// Returns whether a registry responds there whose state is on this cluster.
fn answers(address: SocketAddr, cluster_id: &str) -> bool {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(b"GET /v1/metadata/id HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
        Ok(answer)
    };
    let expected = format!("\"kafka-cluster\":\"{cluster_id}\"");
    asked().is_ok_and(|answer| answer.contains(&expected))
}

fn consumer(config: &ClientConfig) -> KafkaResult<BaseConsumer<Quiet>> {
    let mut config = config.clone();
    config.set("group.id", GROUP).set("enable.auto.commit", "false");
    config.create_with_context(Quiet)
}
