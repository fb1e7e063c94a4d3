//! Fetch sessions (KIP-227): a client that names its partitions once and then only the changes.
//!
//! The Java consumer asks for a session, librdkafka never does. A node may decline by answering
//! session id 0; what it grants, it has to keep.

use kafka_protocol::messages::fetch_request::ForgottenTopic;
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use workshop_tests::TestCluster;
use workshop_tests::batch::{Batch, offsets};
use workshop_tests::errors::{FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{fetch, produce, topic_name};

fn append(leader: &mut RawClient, topic: &str, value: &str) {
    leader.call(9, &produce(topic, 0, -1, Batch::of(&[value]).encode()));
}

/// Asks for a session that holds partition 0 of `topic`; `None` where the node declines.
fn open(leader: &mut RawClient, topic: &str) -> (i32, FetchResponse) {
    let answer = leader.call(11, &fetch(topic, 0, 0).with_session_epoch(0));
    assert_eq!(answer.error_code, 0);
    assert_eq!(offsets(answer.responses[0].partitions[0].records.clone().expect("some")), [(0, 1)]);
    (answer.session_id, answer)
}

fn next(session_id: i32, epoch: i32) -> FetchRequest {
    let mut request = fetch("unused", 0, 0).with_session_id(session_id).with_session_epoch(epoch);
    request.topics.clear();
    request
}

#[tokio::test]
async fn a_fetch_without_a_session_gets_none() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    append(&mut leader, &topic, "a");
    let answer = leader.call(11, &fetch(&topic, 0, 0).with_session_id(0).with_session_epoch(-1));
    assert_eq!((answer.error_code, answer.session_id), (0, 0));
}

#[tokio::test]
async fn a_session_that_was_granted_remembers_its_partitions() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    append(&mut leader, &topic, "a");
    let (session, _) = open(&mut leader, &topic);
    if session == 0 {
        eprintln!("skipped: the node grants no sessions");
        return;
    }
    // The partition stays at the offset that was named for it, so its record comes again.
    let again = leader.call(11, &next(session, 1));
    assert_eq!((again.error_code, again.session_id), (0, session));
    assert_eq!(again.responses[0].topic, topic_name(&topic));
    let mut moved = fetch(&topic, 0, 1).with_session_id(session).with_session_epoch(2);
    let answer = leader.call(11, &moved);
    assert_eq!(answer.responses, [], "nothing new: the partition is left out");
    append(&mut leader, &topic, "b");
    let answer = leader.call(11, &next(session, 3));
    let records = answer.responses[0].partitions[0].records.clone().expect("some");
    assert_eq!(offsets(records), [(1, 1)]);
    moved.session_epoch = 9;
    assert_eq!(leader.call(11, &moved).error_code, INVALID_FETCH_SESSION_EPOCH);
}

#[tokio::test]
async fn a_forgotten_partition_is_fetched_no_more() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    append(&mut leader, &topic, "a");
    let (session, _) = open(&mut leader, &topic);
    let forgotten =
        ForgottenTopic::default().with_topic(topic_name(&topic)).with_partitions(vec![0]);
    let request = next(session, 1).with_forgotten_topics_data(vec![forgotten]);
    if session != 0 {
        assert_eq!(leader.call(11, &request).responses, []);
        // A session without partitions is closed.
        assert_eq!(leader.call(11, &next(session, 2)).error_code, FETCH_SESSION_ID_NOT_FOUND);
    }
}

#[tokio::test]
async fn an_unknown_session_is_an_error_that_makes_the_client_start_again() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let answer = leader.call(11, &next(1_234_567, 5));
    assert_eq!(answer.error_code, FETCH_SESSION_ID_NOT_FOUND);
    assert_eq!(answer.responses, []);
}
