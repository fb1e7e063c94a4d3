//! Going back to a record: librdkafka's seek moves the position, and not what is stored.

use helpers::{Committed, ConsumerBuilder, commit_stored, seek_back, store_processed};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;
use workshop_tests::batch::Batch;
use workshop_tests::members::TURN;
use workshop_tests::requests::{produce, produced};
use workshop_tests::{DEADLINE, TestCluster, eventually};

/// The record that fails, and must come again.
const FAILED: i64 = 3;
const READ: i64 = 6;

async fn ten_records() -> (TestCluster, String) {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let values: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let answer = leader.call(9, &produce(&topic, 0, -1, Batch::of(&values).encode()));
    assert_eq!(produced(&answer).error_code, 0);
    (cluster, topic)
}

/// The next record's offset.
fn next(consumer: &BaseConsumer) -> i64 {
    eventually("a record comes", || consumer.poll(TURN)).expect("a record").offset()
}

/// A member that has read six records. Their offsets are stored too early: by the program, as it
/// takes them into a batch, or by each poll (`enable.auto.offset.store`, librdkafka's default).
async fn member(cluster: &TestCluster, topic: &str, group: &str, store: &str) -> BaseConsumer {
    let builder = ConsumerBuilder::new(cluster.bootstrap_servers(), group);
    let builder = builder.set("enable.auto.offset.store", store).set("fetch.wait.max.ms", "100");
    let consumer = builder.build_polled().await.expect("the cluster answers");
    consumer.subscribe(&[topic]).expect("subscribed");
    tokio::task::block_in_place(|| {
        for expected in 0..READ {
            let message = eventually("a record comes", || consumer.poll(TURN)).expect("a record");
            assert_eq!(message.offset(), expected);
            if store == "false" {
                assert!(store_processed(&consumer, &message).expect("stored"));
            }
        }
    });
    consumer
}

/// Goes back, commits, and ends before the record has come again. Returns where the next member of
/// the group begins.
async fn restarted_at(store: &str, go_back: fn(&BaseConsumer, &str)) -> i64 {
    let (cluster, topic) = ten_records().await;
    let group = cluster.group_name();
    let consumer = member(&cluster, &topic, &group, store).await;
    go_back(&consumer, &topic);
    assert_eq!(commit_stored(&consumer, CommitMode::Sync).expect("it passes"), Committed::Done);
    tokio::task::block_in_place(|| {
        drop(consumer);
        let next_member = cluster.consumer(&group, &[("auto.offset.reset", "earliest")]);
        next_member.subscribe(&[&topic]).expect("subscribed");
        next(&next_member)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_bare_seek_a_commit_skips_the_record_that_failed() {
    for store in ["false", "true"] {
        let seek = |consumer: &BaseConsumer, topic: &str| {
            consumer.seek(topic, 0, Offset::Offset(FAILED), DEADLINE).expect("sought");
        };
        assert_eq!(restarted_at(store, seek).await, READ, "records 3 to 5 are lost: {store}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_seek_back_a_commit_does_not_pass_the_record_that_failed() {
    for store in ["false", "true"] {
        let back = |consumer: &BaseConsumer, topic: &str| {
            assert!(seek_back(consumer, topic, 0, FAILED).expect("it is this member's"));
        };
        assert_eq!(restarted_at(store, back).await, FAILED, "{store}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seek_back_returns_to_the_record_at_once_also_to_the_first_one() {
    let (cluster, topic) = ten_records().await;
    let consumer = member(&cluster, &topic, &cluster.group_name(), "false").await;
    tokio::task::block_in_place(|| {
        for offset in [FAILED, 0, READ - 1, 0] {
            assert!(seek_back(&consumer, &topic, 0, offset).expect("it is this member's"));
            assert_eq!(next(&consumer), offset, "what was fetched before is discarded");
        }
        // Nothing before the first record is done, and nothing is committed.
        assert!(seek_back(&consumer, &topic, 0, 0).expect("it is this member's"));
        let committed = commit_stored(&consumer, CommitMode::Sync).expect("it passes");
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&topic, 0);
        let found = consumer.committed_offsets(asked, DEADLINE).expect("answered");
        assert!(
            matches!(found.elements()[0].offset(), Offset::Offset(0) | Offset::Invalid),
            "{committed:?}, {found:?}"
        );
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn seek_back_in_a_partition_that_has_moved_is_no_error_and_moves_nothing() {
    let (cluster, topic) = ten_records().await;
    let group = cluster.group_name();
    let consumer = member(&cluster, &topic, &group, "false").await;
    let committed = commit_stored(&consumer, CommitMode::Sync).expect("it passes");
    assert_eq!(committed, Committed::Done);
    tokio::task::block_in_place(|| {
        consumer.unsubscribe();
        eventually("the partition is revoked", || {
            let _ = consumer.poll(TURN);
            consumer.assignment().expect("known").elements().is_empty().then_some(())
        });
        assert!(!seek_back(&consumer, &topic, 0, FAILED).expect("no error"));
        assert!(!seek_back(&consumer, "never-heard-of", 0, FAILED).expect("no error"));
        drop(consumer);
        let next_member = cluster.consumer(&group, &[("auto.offset.reset", "earliest")]);
        next_member.subscribe(&[&topic]).expect("subscribed");
        assert_eq!(next(&next_member), READ);
    });
}
