//! A cluster of three nodes that tests may disturb, and what they look at meanwhile.

use std::time::Duration;

use embedded_kafka::Cluster;
use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::{BrokerId, MetadataResponse};

use crate::raw::RawClient;
use crate::{TestCluster, batch::Batch, eventually, requests};

/// An embedded cluster with its switchboard, and the clients for it.
#[derive(Debug)]
pub struct Disturbed {
    /// What makes nodes fail.
    pub switchboard: Cluster,
    /// What a client sees, which knows nothing of the switchboard.
    pub clients: TestCluster,
}

impl Disturbed {
    /// Three nodes. A dead one is missed after 50 ms, a follower that is behind after 200 ms.
    ///
    /// # Panics
    /// When the cluster does not start.
    pub async fn start() -> Disturbed {
        let builder = Cluster::builder()
            .nodes(3)
            .default_replication_factor(3)
            .failover_delay(Duration::from_millis(50))
            .replica_lag_time_max(Duration::from_millis(200));
        let switchboard = builder.start().await.expect("an embedded cluster starts on free ports");
        let clients = TestCluster::at(switchboard.bootstrap_servers());
        Disturbed { switchboard, clients }
    }

    /// A topic of one partition on these nodes, the preferred leader first.
    pub fn topic_on(&self, nodes: &[i32], configs: &[(&str, &str)]) -> String {
        let topic = self.clients.topic_name();
        let mut request = requests::create_topic(&topic, -1, -1, configs);
        let nodes = nodes.iter().copied().map(BrokerId).collect();
        let assignment =
            CreatableReplicaAssignment::default().with_partition_index(0).with_broker_ids(nodes);
        request.topics[0].assignments = vec![assignment];
        let created = self.any_node().call(7, &request);
        assert_eq!(created.topics[0].error_code, 0, "{:?}", created.topics[0].error_message);
        topic
    }

    /// A raw connection to a node.
    pub fn node(&self, node: i32) -> RawClient {
        RawClient::connect(&self.address(node))
    }

    /// Where a node listens, or listened.
    pub fn address(&self, node: i32) -> String {
        let nodes = self.switchboard.nodes();
        nodes.iter().find(|it| it.id == node).expect("a node").address.to_string()
    }

    /// A raw connection to whichever node answers.
    ///
    /// # Panics
    /// When none does.
    pub fn any_node(&self) -> RawClient {
        self.clients.connect_to_any()
    }

    /// The node that coordinates a group, as the nodes that run say.
    pub fn coordinator(&self, group: &str) -> i32 {
        eventually("the group has a coordinator", || {
            let answer = self.any_node().call(4, &requests::find_coordinator(&[group]));
            let found = &answer.coordinators[0];
            (found.error_code == 0).then_some(found.node_id.0)
        })
    }

    /// Has a leader elected in a topic's only partition, by the kind of election; answers with the
    /// error code.
    pub fn elect(&self, election_type: i8, topic: &str) -> i16 {
        let request = requests::elect_leaders(election_type, topic, &[0]);
        let answer = self.any_node().call(2, &request);
        assert_eq!(answer.error_code, 0);
        answer.replica_election_results[0].partition_result[0].error_code
    }

    /// What the cluster says of a topic.
    pub fn metadata(&self, topic: &str) -> MetadataResponse {
        self.any_node().call(12, &requests::metadata(&[topic]))
    }

    /// What the cluster says of a topic's only partition.
    pub fn partition(&self, topic: &str) -> MetadataResponsePartition {
        self.metadata(topic).topics[0].partitions[0].clone()
    }

    /// Waits until a node leads a topic's only partition; −1 for none.
    pub fn wait_for_leader(&self, topic: &str, leader: i32) -> MetadataResponsePartition {
        eventually(&format!("node {leader} leads"), || {
            Some(self.partition(topic)).filter(|it| it.leader_id == leader)
        })
    }

    /// Waits until these nodes are in sync, in any order.
    pub fn wait_for_in_sync(&self, topic: &str, nodes: &[i32]) {
        eventually(&format!("in sync are {nodes:?}"), || {
            let mut in_sync: Vec<i32> =
                self.partition(topic).isr_nodes.iter().map(|it| it.0).collect();
            in_sync.sort_unstable();
            (in_sync == nodes).then_some(())
        });
    }

    /// Appends values at a node; answers with the error code and the offset.
    pub fn append(&self, node: i32, topic: &str, acks: i16, values: &[&str]) -> (i16, i64) {
        let mut request = requests::produce(topic, 0, acks, Batch::of(values).encode());
        request.timeout_ms = 2_000;
        let answer = self.node(node).call(9, &request);
        let produced = requests::produced(&answer);
        (produced.error_code, produced.base_offset)
    }

    /// The high watermark of a topic's only partition, as its leader says.
    pub fn high_watermark(&self, node: i32, topic: &str) -> i64 {
        let answer = self.node(node).call(5, &requests::list_offsets(topic, 0, -1));
        answer.topics[0].partitions[0].offset
    }
}
