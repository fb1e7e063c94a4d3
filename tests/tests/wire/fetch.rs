//! Fetch, request by request: how much comes, how long it waits, and where it is refused.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::PartitionData;
use workshop_tests::batch::{Batch, offsets};
use workshop_tests::errors::{
    NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE, UNKNOWN_LEADER_EPOCH, UNKNOWN_TOPIC_ID,
    UNKNOWN_TOPIC_OR_PARTITION,
};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{
    fetch, fetch_partition, fetch_with, metadata, produce, produced, topic_name,
};
use workshop_tests::{TestCluster, eventually};

/// How long a fetch may wait that should be answered at once, and how long that takes at most.
const LONG_WAIT_MS: i32 = 60_000;
const AT_ONCE: Duration = Duration::from_secs(20);

fn partition(response: &FetchResponse) -> &PartitionData {
    &response.responses[0].partitions[0]
}

fn records(partition: &PartitionData) -> Bytes {
    partition.records.clone().expect("records are never null")
}

/// Appends one batch of one record and returns its size in bytes.
fn append(leader: &mut RawClient, topic: &str, partition: i32, value: &str) -> i32 {
    let batch = Batch::of(&[value]).encode();
    let size = batch.len() as i32;
    let answer = leader.call(9, &produce(topic, partition, -1, batch));
    assert_eq!(produced(&answer).error_code, 0);
    size
}

#[tokio::test]
async fn every_version_returns_the_records_and_the_watermarks() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let id = leader.call(12, &metadata(&[&topic])).topics[0].topic_id;
    append(&mut leader, &topic, 0, "a");
    append(&mut leader, &topic, 0, "b");
    for version in 4..=16 {
        let mut request = fetch(&topic, 0, 0);
        if version < 7 {
            request.session_epoch = -1;
        }
        if version >= 13 {
            request.topics[0].topic = topic_name("");
            request.topics[0].topic_id = id;
        }
        let answer = leader.call(version, &request);
        let partition = partition(&answer);
        assert_eq!(partition.error_code, 0, "version {version}");
        assert_eq!((partition.high_watermark, partition.last_stable_offset), (2, 2));
        assert_eq!(offsets(records(partition)), [(0, 1), (1, 1)]);
    }
}

#[tokio::test]
async fn at_the_end_the_answer_is_empty_but_not_null() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let answer = leader.call(11, &fetch(&topic, 0, 0));
    assert_eq!(partition(&answer).error_code, 0);
    assert!(records(partition(&answer)).is_empty());
}

#[tokio::test]
async fn an_offset_outside_of_the_log_is_out_of_range() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    append(&mut leader, &topic, 0, "a");
    for offset in [2, 100, -1] {
        let started = Instant::now();
        let answer = leader.call(11, &fetch(&topic, 0, offset).with_max_wait_ms(LONG_WAIT_MS));
        assert_eq!(partition(&answer).error_code, OFFSET_OUT_OF_RANGE, "offset {offset}");
        assert_eq!(partition(&answer).high_watermark, -1);
        assert!(started.elapsed() < AT_ONCE, "an error does not wait");
    }
}

#[tokio::test]
async fn a_node_that_does_not_lead_refuses() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 1, &[]);
    let mut other = cluster.connect_to_follower(&topic, 0);
    let answer = other.call(11, &fetch(&topic, 0, 0));
    assert_eq!(partition(&answer).error_code, NOT_LEADER_OR_FOLLOWER);
}

#[tokio::test]
async fn a_follower_serves_consumers_that_name_the_epoch_but_not_others() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let mut follower = cluster.connect_to_follower(&topic, 0);
    append(&mut leader, &topic, 0, "a");
    // Reading from followers (KIP-392) came with version 11; before it only the leader answers.
    let answer = follower.call(10, &fetch(&topic, 0, 0));
    assert_eq!(partition(&answer).error_code, NOT_LEADER_OR_FOLLOWER);
    eventually("the follower knows the high watermark", || {
        let answer = follower.call(11, &fetch(&topic, 0, 0));
        (partition(&answer).error_code == 0 && !records(partition(&answer)).is_empty())
            .then_some(())
    });
}

#[tokio::test]
async fn unknown_topics_partitions_and_topic_ids_are_refused() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let answer = leader.call(11, &fetch(&cluster.topic_name(), 0, 0));
    assert_eq!(partition(&answer).error_code, UNKNOWN_TOPIC_OR_PARTITION);
    let answer = leader.call(11, &fetch(&topic, 7, 0));
    assert_eq!(partition(&answer).error_code, UNKNOWN_TOPIC_OR_PARTITION);
    let mut by_id = fetch("", 0, 0);
    by_id.topics[0].topic_id = uuid::Uuid::new_v4();
    let answer = leader.call(13, &by_id);
    assert_eq!(partition(&answer).error_code, UNKNOWN_TOPIC_ID);
}

#[tokio::test]
async fn a_leader_epoch_that_is_not_the_leaders_is_refused() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let epoch = leader.call(12, &metadata(&[&topic])).topics[0].partitions[0].leader_epoch;
    let asked =
        |epoch| fetch_with(&topic, vec![fetch_partition(0, 0).with_current_leader_epoch(epoch)]);
    assert_eq!(partition(&leader.call(11, &asked(epoch))).error_code, 0);
    let answer = leader.call(11, &asked(epoch + 1));
    assert_eq!(partition(&answer).error_code, UNKNOWN_LEADER_EPOCH);
    // Every negative epoch means that the client knows none.
    assert_eq!(partition(&leader.call(11, &asked(-2))).error_code, 0);
}

#[tokio::test]
async fn one_batch_comes_even_if_it_is_larger_than_every_limit() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    append(&mut leader, &topic, 0, &"x".repeat(5_000));
    append(&mut leader, &topic, 0, "small");
    for (max_bytes, partition_max_bytes) in [(1, 1), (1, 1 << 20), (1 << 20, 1), (0, 0)] {
        let asked = fetch_partition(0, 0).with_partition_max_bytes(partition_max_bytes);
        let request = fetch_with(&topic, vec![asked]).with_max_bytes(max_bytes);
        let answer = leader.call(11, &request);
        assert_eq!(offsets(records(partition(&answer))), [(0, 1)], "{max_bytes}");
    }
}

#[tokio::test]
async fn the_partition_limit_ends_the_answer_within_a_batch() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let size = append(&mut leader, &topic, 0, "a");
    append(&mut leader, &topic, 0, "b");
    append(&mut leader, &topic, 0, "c");
    for (limit, expected) in [(size, 1), (2 * size - 1, 1), (2 * size, 2), (3 * size, 3)] {
        let asked = fetch_partition(0, 0).with_partition_max_bytes(limit);
        let answer = leader.call(11, &fetch_with(&topic, vec![asked]));
        assert_eq!(offsets(records(partition(&answer))).len(), expected, "{limit} bytes");
    }
}

#[tokio::test]
async fn max_bytes_is_shared_by_the_partitions_in_the_order_asked() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let size = append(&mut leader, &topic, 0, "a");
    append(&mut leader, &topic, 0, "b");
    let request = fetch_with(&topic, vec![fetch_partition(0, 0)]).with_max_bytes(size);
    let answer = leader.call(11, &request);
    assert_eq!(offsets(records(partition(&answer))), [(0, 1)]);
}

#[tokio::test]
async fn several_partitions_come_in_one_answer() {
    let cluster = TestCluster::start().await;
    // One replica each and six partitions: every node leads two.
    let topic = cluster.create_topic_with(6, 1, &[]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let known = leader.call(12, &metadata(&[&topic])).topics[0].partitions.clone();
    let first = known.iter().find(|it| it.partition_index == 0).expect("partition 0").leader_id;
    let mut led: Vec<_> =
        known.iter().filter(|it| it.leader_id == first).map(|it| it.partition_index).collect();
    led.sort_unstable();
    assert_eq!(led.len(), 2);
    for &partition in &led {
        append(&mut leader, &topic, partition, "value");
    }
    let asked = led.iter().map(|&it| fetch_partition(it, 0)).collect();
    let answer = leader.call(11, &fetch_with(&topic, asked));
    let mut fetched: Vec<_> = answer.responses[0]
        .partitions
        .iter()
        .map(|it| (it.partition_index, offsets(records(it))))
        .collect();
    fetched.sort();
    assert_eq!(fetched, led.iter().map(|&it| (it, vec![(0, 1)])).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_empty_fetch_waits_as_long_as_it_may() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let started = Instant::now();
    let answer = leader.call(11, &fetch(&topic, 0, 0).with_max_wait_ms(300));
    assert!(records(partition(&answer)).is_empty());
    assert!(started.elapsed() >= Duration::from_millis(290), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_record_wakes_the_fetch_that_waits_for_it() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut reader = cluster.connect_to_leader(&topic, 0);
    let mut writer = cluster.connect_to_leader(&topic, 0);
    let waiting = reader.send(11, &fetch(&topic, 0, 0).with_max_wait_ms(LONG_WAIT_MS));
    let waiting = waiting.expect("the node reads");
    assert!(reader.is_silent(Duration::from_millis(50)));
    let started = Instant::now();
    append(&mut writer, &topic, 0, "a");
    let answer = reader.receive::<kafka_protocol::messages::FetchRequest>(11, waiting);
    let answer = answer.expect("the node answers");
    assert_eq!(offsets(records(partition(&answer))), [(0, 1)]);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

#[tokio::test]
async fn less_than_min_bytes_waits_and_enough_does_not() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let size = append(&mut leader, &topic, 0, "a");
    let asked = |min_bytes, max_wait_ms| {
        fetch(&topic, 0, 0).with_min_bytes(min_bytes).with_max_wait_ms(max_wait_ms)
    };
    let started = Instant::now();
    let answer = leader.call(11, &asked(size + 1, 400));
    assert!(started.elapsed() >= Duration::from_millis(390), "{:?}", started.elapsed());
    assert_eq!(offsets(records(partition(&answer))), [(0, 1)], "what there is comes then");
    let started = Instant::now();
    leader.call(11, &asked(size, LONG_WAIT_MS));
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_fetch_in_the_middle_of_a_batch_returns_the_whole_batch() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let batch = Batch::of(&["a", "b", "c"]).encode();
    leader.call(9, &produce(&topic, 0, -1, batch.clone()));
    let answer = leader.call(11, &fetch(&topic, 0, 2));
    assert_eq!(offsets(records(partition(&answer))), [(0, 3)]);
    assert_eq!(records(partition(&answer))[16..], batch[16..], "the bytes are the producer's");
}
