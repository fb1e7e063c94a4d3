//! Mistakes that no message reports. The entry shows what a program sees.

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::producer::FutureRecord;
use rdkafka::{Message, Offset, TopicPartitionList};
use workshop_tests::{TestCluster, eventually};

use super::librdkafka::{LIMIT, TURN, next_offset, write};

pub(super) async fn a_first_run_that_reads_nothing() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let topic = cluster.create_topic_with(1, 1, &[]);
    write(&cluster, &topic, &["AMS", "CDG", "FRA"]).await;
    let group = cluster.group_name();
    let latest = [("auto.offset.reset", "latest"), ("enable.partition.eof", "true")];
    let consumer = cluster.consumer(&group, &latest);
    consumer.subscribe(&[&topic]).expect("subscribed");
    let end = eventually("the consumer is at the end", || match consumer.poll(TURN)? {
        Ok(message) => panic!("it reads offset {}", message.offset()),
        Err(error) => Some(error),
    });
    let (low, high) = consumer.fetch_watermarks(&topic, 0, LIMIT).expect("the leader responds");
    format!("{end}\noffsets {low} to {high}, read 0")
}

/// The program commits the offset of the record, and not the one after it.
pub(super) async fn the_last_record_comes_again() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let (topic, group) = (cluster.create_topic_with(1, 1, &[]), cluster.group_name());
    write(&cluster, &topic, &["AMS"]).await;
    let run = || {
        let consumer = cluster.consumer(&group, &[]);
        consumer.subscribe(&[&topic]).expect("subscribed");
        let read = next_offset(&consumer);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(read)).expect("it is an offset");
        consumer.commit(&list, CommitMode::Sync).expect("it is committed");
        read
    };
    let (first, second) = (run(), run());
    let lag = helpers::group_lag(cluster.bootstrap_servers(), &group, &topic).await;
    let lag = lag.expect("the cluster responds").lag().expect("the group has committed");
    format!("first run: offset {first}\nsecond run: offset {second}\nlag {lag}")
}

/// Records without a key change the partition, and a reader of both sees them in another order.
pub(super) async fn a_forgotten_key() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let topic = cluster.create_topic_with(2, 1, &[]);
    let producer = cluster.producer(&[("sticky.partitioning.linger.ms", "0")]);
    let mut partitions = std::collections::BTreeSet::new();
    // Each record goes to a partition by chance.
    for _ in 0..100 {
        let record = FutureRecord::<(), str>::to(&topic).payload("WS101");
        let delivery = producer.send(record, LIMIT).await.expect("it is stored");
        partitions.insert(delivery.partition);
    }
    let keyed = FutureRecord::to(&topic).key("WS101").payload("WS101");
    producer.send(keyed, LIMIT).await.expect("it is stored");
    format!("key null, flight WS101, partitions {partitions:?}")
}
