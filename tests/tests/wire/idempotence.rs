//! Idempotent producers: producer ids, sequence numbers, and the duplicate that is not appended.

use kafka_protocol::messages::{InitProducerIdRequest, ProducerId};
use workshop_tests::batch::Batch;
use workshop_tests::errors::{
    COORDINATOR_LOAD_IN_PROGRESS, INVALID_PRODUCER_EPOCH, INVALID_RECORD,
    OUT_OF_ORDER_SEQUENCE_NUMBER,
};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{list_offsets, produce, produced};
use workshop_tests::{TestCluster, eventually};

/// Asks one node for a producer id; returns it with its epoch.
fn new_producer(client: &mut RawClient, version: i16) -> (i64, i16) {
    let mut request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000);
    if version >= 3 {
        request = request.with_producer_id(ProducerId(-1)).with_producer_epoch(-1);
    }
    // A node that has assigned all its ids asks the controller for more, and says so meanwhile.
    eventually("the node has ids to give", || {
        let answer = client.call(version, &request);
        assert!([0, COORDINATOR_LOAD_IN_PROGRESS].contains(&answer.error_code));
        (answer.error_code == 0).then_some((answer.producer_id.0, answer.producer_epoch))
    })
}

/// A topic, its leader, and a producer id.
struct Partition {
    cluster: TestCluster,
    topic: String,
    leader: RawClient,
    producer: i64,
}

impl Partition {
    async fn new() -> Partition {
        let cluster = TestCluster::start().await;
        let topic = cluster.create_topic(1);
        let mut leader = cluster.connect_to_leader(&topic, 0);
        let (producer, _) = new_producer(&mut leader, 4);
        Partition { cluster, topic, leader, producer }
    }

    /// Produces `count` records; answers with the error and the base offset.
    fn produce(&mut self, epoch: i16, sequence: i32, count: usize) -> (i16, i64) {
        let batch = Batch::of(&vec!["value"; count]).from_producer(self.producer, epoch, sequence);
        let answer = self.leader.call(9, &produce(&self.topic, 0, -1, batch.encode()));
        (produced(&answer).error_code, produced(&answer).base_offset)
    }

    fn end_offset(&self) -> i64 {
        let mut leader = self.cluster.connect_to_leader(&self.topic, 0);
        leader.call(5, &list_offsets(&self.topic, 0, -1)).topics[0].partitions[0].offset
    }
}

#[tokio::test]
async fn every_producer_gets_an_id_of_its_own_from_every_node() {
    let cluster = TestCluster::start().await;
    let mut ids = std::collections::HashSet::new();
    for address in cluster.addresses() {
        let mut client = RawClient::connect(&address);
        for version in 0..=4 {
            let (id, epoch) = new_producer(&mut client, version);
            assert_eq!(epoch, 0);
            assert!(ids.insert(id), "no id is given twice");
        }
    }
}

#[tokio::test]
async fn sequences_in_order_are_appended() {
    let mut partition = Partition::new().await;
    assert_eq!(partition.produce(0, 0, 2), (0, 0));
    assert_eq!(partition.produce(0, 2, 3), (0, 2));
    assert_eq!(partition.produce(0, 5, 1), (0, 5));
    assert_eq!(partition.end_offset(), 6);
}

#[tokio::test]
async fn a_duplicate_gets_its_old_offset_and_is_not_appended() {
    let mut partition = Partition::new().await;
    for batch in 0..5 {
        assert_eq!(partition.produce(0, batch * 2, 2), (0, i64::from(batch) * 2));
    }
    for batch in 0..5 {
        assert_eq!(partition.produce(0, batch * 2, 2), (0, i64::from(batch) * 2), "again");
    }
    assert_eq!(partition.end_offset(), 10);
}

#[tokio::test]
async fn a_duplicate_older_than_five_batches_is_out_of_order() {
    let mut partition = Partition::new().await;
    for batch in 0..6 {
        partition.produce(0, batch, 1);
    }
    assert_eq!(partition.produce(0, 0, 1).0, OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(partition.produce(0, 1, 1), (0, 1), "the fifth last is still known");
}

#[tokio::test]
async fn a_gap_in_the_sequence_is_out_of_order() {
    let mut partition = Partition::new().await;
    assert_eq!(partition.produce(0, 0, 1), (0, 0));
    assert_eq!(partition.produce(0, 2, 1), (OUT_OF_ORDER_SEQUENCE_NUMBER, -1));
    assert_eq!(partition.produce(0, 1, 1), (0, 1), "the right one is still taken");
}

#[tokio::test]
async fn a_producer_that_the_partition_does_not_know_may_start_anywhere() {
    let mut partition = Partition::new().await;
    let first = partition.produce(0, 10, 1);
    assert_eq!(first, (0, 0));
}

#[tokio::test]
async fn an_older_epoch_is_refused() {
    let mut partition = Partition::new().await;
    assert_eq!(partition.produce(1, 0, 1), (0, 0));
    assert_eq!(partition.produce(0, 1, 1), (INVALID_PRODUCER_EPOCH, -1));
}

#[tokio::test]
async fn a_new_epoch_starts_its_sequence_at_0() {
    let mut partition = Partition::new().await;
    assert_eq!(partition.produce(0, 0, 1), (0, 0));
    assert_eq!(partition.produce(1, 1, 1), (OUT_OF_ORDER_SEQUENCE_NUMBER, -1));
    assert_eq!(partition.produce(1, 0, 1), (0, 1));
}

#[tokio::test]
async fn the_sequence_wraps_around_after_its_greatest_value() {
    let mut partition = Partition::new().await;
    assert_eq!(partition.produce(0, i32::MAX, 1), (0, 0));
    assert_eq!(partition.produce(0, 0, 1), (0, 1));
}

#[tokio::test]
async fn a_producer_id_without_a_sequence_is_invalid() {
    let mut partition = Partition::new().await;
    assert_eq!(partition.produce(0, -1, 1).0, INVALID_RECORD);
    assert_eq!(partition.end_offset(), 0);
}
