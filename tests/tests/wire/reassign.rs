//! Other replicas for a partition, and another leader: what is refused, and what is done.

use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::{
    BrokerId, DescribeLogDirsRequest, ListPartitionReassignmentsRequest, elect_leaders_response,
};
use workshop_tests::batch::Batch;
use workshop_tests::disturbed::Disturbed;
use workshop_tests::errors::{
    ELECTION_NOT_NEEDED, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, INVALID_REQUEST,
    NO_REASSIGNMENT_IN_PROGRESS, UNKNOWN_TOPIC_OR_PARTITION,
};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{create_topic, metadata, produce, produced, topic_name};
use workshop_tests::{TestCluster, eventually, requests};

fn nodes(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

/// Asks for other replicas, or to give that up, and answers with code and message.
fn reassign(
    cluster: &TestCluster,
    topic: &str,
    partition: i32,
    replicas: Option<&[i32]>,
) -> (i16, String) {
    let request = requests::reassign(topic, [partition], replicas);
    let answer = cluster.connect().call(0, &request);
    assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
    let partition = &answer.responses[0].partitions[0];
    let text = partition.error_message.as_ref().map(ToString::to_string);
    (partition.error_code, text.unwrap_or_default())
}

/// A topic of one partition on nodes 1 and 2.
fn topic_on_two_nodes(cluster: &TestCluster) -> String {
    let topic = cluster.topic_name();
    let mut request = create_topic(&topic, -1, -1, &[]);
    request.topics[0].assignments = vec![
        CreatableReplicaAssignment::default()
            .with_partition_index(0)
            .with_broker_ids(nodes(&[1, 2])),
    ];
    assert_eq!(cluster.connect().call(7, &request).topics[0].error_code, 0);
    cluster.wait_for_leaders(&topic, 1);
    topic
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_move_to_the_nodes_that_were_asked_for() {
    let cluster = TestCluster::start().await;
    let topic = topic_on_two_nodes(&cluster);
    assert_eq!(reassign(&cluster, &topic, 0, Some(&[3, 2])), (0, String::new()));
    let partition = eventually("the replicas have moved", || {
        let answer = cluster.connect().call(12, &metadata(&[&topic]));
        let partition = answer.topics[0].partitions[0].clone();
        (partition.replica_nodes == nodes(&[3, 2]) && partition.isr_nodes.len() == 2)
            .then_some(partition)
    });
    assert!(nodes(&[3, 2]).contains(&partition.leader_id), "{partition:?}");
    let all = ListPartitionReassignmentsRequest::default().with_topics(None);
    let listed = cluster.connect().call(0, &all).topics;
    assert!(listed.iter().all(|it| *it.name != *topic), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_tells_how_large_its_replicas_are() {
    let cluster = TestCluster::start().await;
    let topic = topic_on_two_nodes(&cluster);
    let batch = Batch::of(&["JFK", "EHAM"]).encode();
    let size = batch.len() as i64;
    let answer = cluster.connect_to_leader(&topic, 0).call(9, &produce(&topic, 0, -1, batch));
    assert_eq!(produced(&answer).error_code, 0);
    let asked = DescribableLogDirTopic::default()
        .with_topic(topic_name(&topic))
        .with_partitions(vec![0, 7]);
    for topics in [Some(vec![asked]), None] {
        let request = DescribeLogDirsRequest::default().with_topics(topics);
        for (place, address) in cluster.addresses().iter().enumerate() {
            let found = eventually("the follower has it all", || {
                let answer = RawClient::connect(address).call(4, &request);
                let directory = &answer.results[0];
                assert_eq!((answer.error_code, directory.error_code), (0, 0));
                let mut topics = directory.topics.iter();
                let found = topics.find(|it| *it.name == *topic).map(|it| it.partitions.clone());
                let sizes = found.as_ref().map(|it| it[0].partition_size);
                (sizes.is_none() || sizes == Some(size)).then_some(found)
            });
            // Nodes 1 and 2 hold it.
            assert_eq!(found.map(|it| it.len()), (place < 2).then_some(1), "{address}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reassignment_that_makes_no_sense_is_refused_as_kafka_does() {
    let cluster = TestCluster::start().await;
    let topic = topic_on_two_nodes(&cluster);
    let no_partition = format!("Unable to find partition {topic}:7.");
    let manual = |what: &str| format!("The manual partition assignment includes {what}.");
    let rows: [(i32, Option<&[i32]>, i16, String); 6] = [
        (7, Some(&[1]), UNKNOWN_TOPIC_OR_PARTITION, no_partition),
        (0, None, NO_REASSIGNMENT_IN_PROGRESS, String::new()),
        (0, Some(&[]), INVALID_REPLICA_ASSIGNMENT, manual("an empty replica list")),
        (0, Some(&[1, 1]), INVALID_REPLICA_ASSIGNMENT, manual("the broker 1 more than once")),
        (
            0,
            Some(&[1, 99]),
            INVALID_REPLICA_ASSIGNMENT,
            manual("broker 99, but no such broker is registered"),
        ),
        (
            0,
            Some(&[1, -1]),
            INVALID_REPLICA_ASSIGNMENT,
            manual("broker -1, but no such broker is registered"),
        ),
    ];
    for (partition, replicas, code, text) in rows {
        let refused = reassign(&cluster, &topic, partition, replicas);
        assert_eq!(refused, (code, text), "{replicas:?}");
    }
    let unknown = reassign(&cluster, "no-such-topic", 0, Some(&[1]));
    let text = "Unable to find a topic named no-such-topic.";
    assert_eq!(unknown, (UNKNOWN_TOPIC_OR_PARTITION, text.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_replicas_changes_only_where_that_is_allowed() {
    let cluster = TestCluster::start().await;
    let topic = topic_on_two_nodes(&cluster);
    let change = |replicas: &[i32], is_allowed| {
        let request = requests::reassign(&topic, [0], Some(replicas))
            .with_allow_replication_factor_change(is_allowed);
        let answer = cluster.connect().call(1, &request);
        assert_eq!(answer.allow_replication_factor_change, is_allowed);
        let partition = &answer.responses[0].partitions[0];
        let text = partition.error_message.as_ref().map(ToString::to_string);
        (partition.error_code, text.unwrap_or_default())
    };
    let refused = |to| {
        let text = format!("The replication factor is changed from 2 to {to}");
        (INVALID_REPLICATION_FACTOR, text)
    };
    assert_eq!(change(&[1, 2, 3], false), refused(3));
    assert_eq!(change(&[1], false), refused(1));
    assert_eq!(change(&[2, 1], false), (0, String::new()));
    assert_eq!(change(&[1, 2, 3], true), (0, String::new()));
}

/// The results of an election: topic, partition, error and message.
fn elect(
    cluster: &TestCluster,
    election_type: i8,
    topic: &str,
    partitions: &[i32],
) -> (i16, Vec<(i32, i16, String)>) {
    let request = requests::elect_leaders(election_type, topic, partitions);
    let answer = cluster.connect().call(2, &request);
    let result = |it: &elect_leaders_response::PartitionResult| {
        let text = it.error_message.as_ref().map(ToString::to_string);
        (it.partition_id, it.error_code, text.unwrap_or_default())
    };
    let results = answer.replica_election_results.iter().flat_map(|it| &it.partition_result);
    (answer.error_code, results.map(result).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_election_that_makes_no_sense_is_refused_as_kafka_does() {
    let cluster = TestCluster::start().await;
    let topic = topic_on_two_nodes(&cluster);
    let needless = "Leader election not needed for topic partition.";
    let rows = [
        (0, &*topic, 0, 0, ELECTION_NOT_NEEDED, needless.to_owned()),
        (1, &*topic, 0, 0, ELECTION_NOT_NEEDED, needless.to_owned()),
        (0, &*topic, 7, 0, UNKNOWN_TOPIC_OR_PARTITION, format!("No such partition as {topic}-7")),
        (
            0,
            "no-such-topic",
            0,
            0,
            UNKNOWN_TOPIC_OR_PARTITION,
            "No such topic as no-such-topic".to_owned(),
        ),
        (7, &*topic, 0, INVALID_REQUEST, INVALID_REQUEST, "Unknown election type 7".to_owned()),
    ];
    for (election_type, topic, partition, all, code, text) in rows {
        let result = (partition, code, text);
        assert_eq!(elect(&cluster, election_type, topic, &[partition]), (all, vec![result]));
    }
    // A partition that is named twice is answered twice.
    let result = (0, ELECTION_NOT_NEEDED, needless.to_owned());
    assert_eq!(elect(&cluster, 0, &topic, &[0, 0]), (0, vec![result.clone(), result]));
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_stay_until_those_that_replace_them_are_in_sync() {
    let cluster = Disturbed::start().await;
    let topic = topic_on_two_nodes(&cluster.clients);
    cluster.append(1, &topic, -1, &["one"]);
    cluster.switchboard.pause_replication(3).await.expect("there is a node 3");
    let clients = &cluster.clients;
    assert_eq!(reassign(clients, &topic, 0, Some(&[3])).0, 0);
    let list = ListPartitionReassignmentsRequest::default().with_topics(None);
    let listed = cluster.any_node().call(0, &list);
    let ongoing = &listed.topics[0].partitions[0];
    assert_eq!(ongoing.replicas, nodes(&[3, 1, 2]));
    assert_eq!(ongoing.adding_replicas, nodes(&[3]));
    assert_eq!(ongoing.removing_replicas, nodes(&[1, 2]));
    assert_eq!(cluster.partition(&topic).leader_id, 1);

    // It can be given up, and begun again.
    assert_eq!(reassign(clients, &topic, 0, None).0, 0);
    assert_eq!(cluster.partition(&topic).replica_nodes, nodes(&[1, 2]));
    assert_eq!(reassign(clients, &topic, 0, Some(&[3])).0, 0);
    cluster.switchboard.resume_replication(3).await.expect("there is a node 3");
    let moved = cluster.wait_for_leader(&topic, 3);
    assert_eq!((moved.replica_nodes, moved.isr_nodes), (nodes(&[3]), nodes(&[3])));
    assert_eq!(cluster.high_watermark(3, &topic), 1);
}
