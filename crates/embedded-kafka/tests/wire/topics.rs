//! Topics that are deleted, created again, and named in ways that contradict each other.

use embedded_kafka::Cluster;
use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest,
};
use uuid::Uuid;

use crate::client::{ask, create, delete, name, start, three_nodes};

const INVALID_REQUEST: i16 = 42;
const INVALID_REPLICA_ASSIGNMENT: i16 = 39;
const POLICY_VIOLATION: i16 = 44;
const KAFKA_STORAGE_ERROR: i16 = 56;

async fn topic_ids(cluster: &Cluster) -> Vec<(String, Uuid, usize)> {
    let request = MetadataRequest::default().with_topics(None);
    let topics = ask(cluster, 1, 12, &request).await.topics;
    let of = |topic: &kafka_protocol::messages::metadata_response::MetadataResponseTopic| {
        (topic.name.clone().unwrap().to_string(), topic.topic_id, topic.partitions.len())
    };
    topics.iter().map(of).collect()
}

/// Deletes topics, and returns code and message for each.
async fn delete_all(cluster: &Cluster, topics: Vec<DeleteTopicState>) -> Vec<(i16, String)> {
    let request = DeleteTopicsRequest::default().with_topics(topics).with_timeout_ms(5_000);
    let responses = ask(cluster, 1, 6, &request).await.responses;
    let of = |message: Option<kafka_protocol::protocol::StrBytes>| {
        message.map(|message| message.to_string()).unwrap_or_default()
    };
    responses.into_iter().map(|topic| (topic.error_code, of(topic.error_message))).collect()
}

fn by_name(topic: &str) -> DeleteTopicState {
    DeleteTopicState::default().with_name(Some(name(topic)))
}

fn by_id(id: Uuid) -> DeleteTopicState {
    DeleteTopicState::default().with_name(None).with_topic_id(id)
}

#[tokio::test]
async fn a_deletion_that_contradicts_itself_deletes_nothing() {
    let cluster = three_nodes().await;
    create(&cluster, "airports", 1).await;
    let id = topic_ids(&cluster).await[0].1;
    let rejected = |message: &str| (INVALID_REQUEST, message.to_owned());
    let rows = [
        (
            vec![by_name("airports").with_topic_id(Uuid::new_v4())],
            vec![rejected("You may not specify both topic name and topic id.")],
        ),
        (vec![by_id(Uuid::nil())], vec![rejected("Neither topic name nor id were specified.")]),
        (vec![by_name("airports"), by_name("airports")], vec![rejected("Duplicate topic name.")]),
        (vec![by_id(id), by_id(id)], vec![rejected("Duplicate topic id.")]),
        (
            vec![by_name("airports"), by_id(id)],
            vec![rejected("The provided topic name maps to an ID that was already supplied."); 2],
        ),
    ];
    for (asked, expected) in rows {
        assert_eq!(delete_all(&cluster, asked).await, expected);
        assert_eq!(topic_ids(&cluster).await.len(), 1);
    }
    assert_eq!(delete_all(&cluster, vec![by_id(id)]).await, [(0, String::new())]);
    assert_eq!(topic_ids(&cluster).await, []);
}

#[tokio::test]
async fn files_of_a_failed_deletion_do_not_prevent_a_new_topic() {
    let data = tempfile::tempdir().unwrap();
    let cluster = start(Cluster::builder().data_dir(data.path())).await;
    let left = |partition: i32| {
        let directory = data.path().join(format!("logs/airports-{partition}"));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(
            directory.join("partition.metadata"),
            "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
        )
        .unwrap();
        std::fs::write(directory.join("00000000000000000000.log"), "old").unwrap();
        directory
    };
    let (first, second) = (left(0), left(1));
    assert_eq!(create(&cluster, "airports", 1).await, 0);
    assert!(!first.exists());
    assert!(second.exists());

    let more = CreatePartitionsTopic::default().with_name(name("airports")).with_count(2);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![more.with_assignments(None)])
        .with_timeout_ms(5_000);
    assert_eq!(ask(&cluster, 1, 3, &request).await.results[0].error_code, 0);
    assert!(!second.exists());
    cluster.shutdown().await;

    let cluster = start(Cluster::builder().data_dir(data.path())).await;
    assert_eq!(topic_ids(&cluster).await[0].2, 2);
}

#[tokio::test]
async fn partitions_whose_logs_cannot_be_opened_are_not_persisted() {
    let data = tempfile::tempdir().unwrap();
    let cluster = start(Cluster::builder().data_dir(data.path())).await;
    assert_eq!(create(&cluster, "airports", 1).await, 0);
    // A file where the partition's directory should be.
    std::fs::create_dir_all(data.path().join("logs")).unwrap();
    std::fs::write(data.path().join("logs/airports-1"), "").unwrap();
    let more = CreatePartitionsTopic::default().with_name(name("airports")).with_count(2);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![more.with_assignments(None)])
        .with_timeout_ms(5_000);
    let rejected = ask(&cluster, 1, 3, &request).await;
    assert_eq!(rejected.results[0].error_code, KAFKA_STORAGE_ERROR);
    cluster.shutdown().await;

    std::fs::remove_file(data.path().join("logs/airports-1")).unwrap();
    let cluster = start(Cluster::builder().data_dir(data.path())).await;
    assert_eq!(topic_ids(&cluster).await[0].2, 1);
}

#[tokio::test]
async fn a_topic_with_the_longest_name_leaves_nothing_behind() {
    let data = tempfile::tempdir().unwrap();
    let cluster = start(Cluster::builder().data_dir(data.path())).await;
    let topic = "x".repeat(249);
    assert_eq!(create(&cluster, &topic, 1).await, 0);
    std::fs::create_dir_all(data.path().join(format!("logs/{topic}-0"))).unwrap();
    assert_eq!(delete(&cluster, &topic).await, 0);
    assert_eq!(std::fs::read_dir(data.path().join("logs")).unwrap().count(), 0);
}

#[tokio::test]
async fn added_partitions_have_as_many_replicas_as_those_before_them() {
    let cluster = three_nodes().await;
    create(&cluster, "airports", 1).await;
    let brokers = vec![BrokerId(1), BrokerId(2)];
    let assignment = CreatePartitionsAssignment::default().with_broker_ids(brokers);
    let more = CreatePartitionsTopic::default()
        .with_name(name("airports"))
        .with_count(2)
        .with_assignments(Some(vec![assignment]));
    let request = CreatePartitionsRequest::default().with_topics(vec![more]).with_timeout_ms(5_000);
    let rejected = ask(&cluster, 1, 3, &request).await.results.remove(0);
    assert_eq!(rejected.error_code, INVALID_REPLICA_ASSIGNMENT);
    assert_eq!(
        rejected.error_message.unwrap().as_str(),
        "The manual partition assignment includes a partition with 2 replica(s), but this is not \
         consistent with previous partitions, which have 1 replica(s)."
    );
}

#[tokio::test]
async fn a_request_for_too_many_partitions_gets_none() {
    let cluster = start(Cluster::builder()).await;
    let topics = [("airports", 6000), ("flights", 4001), ("not valid", 1)];
    let topics = topics.map(|(topic, partitions)| {
        CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
    });
    let request = CreateTopicsRequest::default().with_topics(topics.to_vec());
    let rejected = ask(&cluster, 1, 7, &request).await.topics;
    for topic in &rejected {
        let message = topic.error_message.as_deref().unwrap();
        assert_eq!(topic.error_code, POLICY_VIOLATION);
        assert_eq!(message, "Excessively large number of partitions per request.");
    }
    assert_eq!(rejected.len(), 3);
    assert_eq!(topic_ids(&cluster).await, []);
}
