//! A partition on nodes that a scenario stops, and its state as node 3 describes it.

use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition as Partition;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{
    BrokerId, DescribeTopicPartitionsRequest, IncrementalAlterConfigsRequest,
};
use wire_client::batch::Batch;
use wire_client::configs::TOPIC;
use wire_client::raw::RawClient;
use wire_client::requests::{
    create_topic, elect_leaders, fetch, list_offsets, metadata, produce, produced, text, topic_name,
};

use crate::failure::Failure;
use crate::names::name;
use crate::nodes::NodeChange;
use crate::scenario::Outcome;
use crate::scene::Scene;

/// The node that no scenario stops.
const WITNESS: i32 = 3;

/// The nodes that scenarios stop.
const STOPPED: [i32; 2] = [1, 2];

/// The kind of election that may lose records.
const UNCLEAN: i8 = 1;

/// A topic of one partition. All nodes run again when it is dropped.
pub(super) struct Cast<'a> {
    scene: &'a Scene,
    topic: String,
}

impl<'a> Cast<'a> {
    /// Creates the topic on these nodes, and waits until all of them are in sync.
    pub(super) fn new(scene: &'a Scene, nodes: &[i32], min_in_sync: &str) -> Result<Self, Failure> {
        let cast = Self { scene, topic: scene.topic_name("eligible") };
        scene.until("all nodes are listed", || {
            let listed = scene.node()?.try_call(12, &metadata(&[]))?.brokers.len();
            Ok((listed == STOPPED.len() + 1).then_some(()))
        })?;
        let mut request =
            create_topic(&cast.topic, -1, -1, &[("min.insync.replicas", min_in_sync)]);
        let assigned = nodes.iter().copied().map(BrokerId).collect();
        request.topics[0].assignments =
            vec![CreatableReplicaAssignment::default().with_broker_ids(assigned)];
        let created = cast.witness()?.try_call(7, &request)?;
        match created.topics[0].error_code {
            0 => scene.wait_for_leaders(&cast.topic, 1)?,
            code => return Err(Failure::Step { step: "creating a topic", error: name(code) }),
        }
        cast.in_sync(nodes.len()).map(|_| cast)
    }

    pub(super) fn change(&self, node: i32, change: NodeChange) -> Result<(), Failure> {
        self.scene.change_node(node, change)
    }

    /// Waits until this many replicas are in sync, and returns the state.
    pub(super) fn in_sync(&self, count: usize) -> Outcome {
        self.until("so many replicas are in sync", |it| {
            it.isr_nodes.len() == count && (it.leader_id.0 > 0) == (count > 0)
        })
    }

    /// Waits until the partition has no leader and exactly these nodes are down, and returns the
    /// state.
    pub(super) fn offline(&self, down: &[i32]) -> Outcome {
        self.until("it has no leader", |it| {
            it.leader_id == -1 && sorted(&it.offline_replicas) == down
        })
    }

    /// Waits for a condition, and returns the state.
    pub(super) fn until(
        &self,
        condition: &'static str,
        is_met: impl Fn(&Partition) -> bool,
    ) -> Outcome {
        let request = DescribeTopicPartitionsRequest::default()
            .with_topics(vec![TopicRequest::default().with_name(topic_name(&self.topic))])
            .with_response_partition_limit(1);
        let mut witness = self.witness()?;
        self.scene.until(condition, || {
            let mut response = witness.try_call(0, &request)?;
            let partition = response.topics.pop().and_then(|mut topic| topic.partitions.pop());
            Ok(partition.filter(&is_met).as_ref().map(shown))
        })
    }

    /// Sends a record to the leader, and returns the result.
    pub(super) fn append(&self, acks: i16) -> Outcome {
        let request = produce(&self.topic, 0, acks, Batch::of(&["record"]).encode());
        let response = self.leader()?.try_call(9, &request)?;
        Ok(name(produced(&response).error_code))
    }

    /// Waits until a follower has learned the high watermark, with the response to its next fetch.
    pub(super) fn wait_for_high_watermark(&self, node: i32, offset: i64) -> Result<(), Failure> {
        let mut follower = self.node(node)?;
        self.scene.until("the follower knows the high watermark", || {
            let response = follower.try_call(12, &fetch(&self.topic, 0, 0))?;
            let known = response.responses[0].partitions[0].high_watermark;
            Ok((known == offset).then_some(()))
        })
    }

    /// Returns the end of the log at the leader.
    pub(super) fn end(&self) -> Outcome {
        let mut leader = self.leader()?;
        let end = self.scene.until("the leader knows the end", || {
            let answer = leader.try_call(7, &list_offsets(&self.topic, 0, -1))?;
            let partition = &answer.topics[0].partitions[0];
            Ok((partition.error_code == 0).then_some(partition.offset))
        })?;
        Ok(format!("end {end}"))
    }

    /// Changes a setting of the topic.
    pub(super) fn set(&self, setting: &str, value: &str) -> Result<(), Failure> {
        let config =
            AlterableConfig::default().with_name(text(setting)).with_value(Some(text(value)));
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text(&self.topic))
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        match self.witness()?.try_call(1, &request)?.responses[0].error_code {
            0 => Ok(()),
            code => Err(Failure::Step { step: "changing a setting", error: name(code) }),
        }
    }

    /// Requests an unclean election, and returns the result.
    pub(super) fn elect_uncleanly(&self) -> Outcome {
        let request = elect_leaders(UNCLEAN, &self.topic, &[0]).with_timeout_ms(30_000);
        let response = self.witness()?.try_call(2, &request)?;
        let result = response.replica_election_results.first();
        let result = result.and_then(|topic| topic.partition_result.first());
        Ok(name(result.ok_or(Failure::Missing("result"))?.error_code))
    }

    fn witness(&self) -> Result<RawClient, Failure> {
        self.node(WITNESS)
    }

    fn leader(&self) -> Result<RawClient, Failure> {
        let topic = self.topic.as_str();
        let leader = self.scene.until("the partition has a leader", || {
            let response = self.witness()?.try_call(12, &metadata(&[topic]))?;
            let leader = response.topics[0].partitions.first().map(|it| it.leader_id.0);
            Ok(leader.filter(|leader| *leader > 0))
        })?;
        self.node(leader)
    }

    /// Connects to a node. The addresses are in the order of the ids, from 1.
    fn node(&self, node: i32) -> Result<RawClient, Failure> {
        let servers = self.scene.bootstrap_servers();
        let address = servers.split(',').nth(node as usize - 1).ok_or(Failure::Missing("node"))?;
        Ok(RawClient::try_connect(address)?)
    }
}

impl Drop for Cast<'_> {
    fn drop(&mut self) {
        for node in STOPPED {
            // A node that runs rejects it.
            let _ = self.scene.change_node(node, NodeChange::Start);
        }
    }
}

/// Returns the eligible leader replicas, in the order of the response.
pub(super) fn eligible(partition: &Partition) -> Vec<i32> {
    let eligible = partition.eligible_leader_replicas.iter().flatten();
    eligible.map(|node| node.0).collect()
}

fn shown(partition: &Partition) -> String {
    let leader = match partition.leader_id.0 {
        -1 => "no leader".to_owned(),
        leader => format!("leader {leader}"),
    };
    let last_known: Vec<i32> =
        partition.last_known_elr.iter().flatten().map(|node| node.0).collect();
    format!(
        "{leader}, in sync {:?}, eligible {:?}, last known {last_known:?}",
        sorted(&partition.isr_nodes),
        eligible(partition),
    )
}

fn sorted(nodes: &[BrokerId]) -> Vec<i32> {
    let mut nodes: Vec<i32> = nodes.iter().map(|node| node.0).collect();
    nodes.sort_unstable();
    nodes
}
