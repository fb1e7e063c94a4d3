//! The environment of a scenario: a cluster, unique names, and waiting.
//!
//! Names have a random part, and everything that is created here is deleted with the scene, so that
//! many scenarios can share one cluster at the same time.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteTopicsRequest, InitProducerIdRequest};
use tokio::runtime::Handle;
use uuid::Uuid;
use wire_client::raw::RawClient;
use wire_client::requests::{self, group_id, topic_name};

use crate::failure::Failure;
use crate::names::name;
use crate::nodes::{NodeChange, Nodes};

/// The time limit for a condition.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause before a condition is checked again.
const TURN: Duration = Duration::from_millis(10);

/// The cluster and the names of one scenario.
#[derive(Debug)]
pub struct Scene {
    servers: String,
    nodes: Option<Arc<dyn Nodes>>,
    id: String,
    handle: Handle,
    topics: RefCell<Vec<String>>,
    groups: RefCell<Vec<String>>,
}

impl Scene {
    /// Creates a scene on the cluster at `bootstrap_servers`. `nodes` stops and starts its nodes,
    /// and `handle` drives the client's futures.
    pub(crate) fn new(
        bootstrap_servers: &str,
        nodes: Option<Arc<dyn Nodes>>,
        handle: Handle,
    ) -> Self {
        let id = Uuid::new_v4().simple().to_string();
        let (topics, groups) = Default::default();
        Self { servers: bootstrap_servers.to_owned(), nodes, id, handle, topics, groups }
    }

    /// Returns the bootstrap servers of the cluster.
    pub(crate) fn bootstrap_servers(&self) -> &str {
        &self.servers
    }

    /// Stops or starts a node.
    pub(crate) fn change_node(&self, node: i32, change: NodeChange) -> Result<(), Failure> {
        let nodes = self.nodes.as_ref().ok_or(Failure::Missing("control of the nodes"))?;
        self.wait(nodes.change(node, change)).map_err(|reason| Failure::Node { node, reason })
    }

    /// Waits for a result of librdkafka.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle.block_on(future)
    }

    /// Returns a name that only this scenario uses; the same one for the same `what`.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("conformance-{}-{what}", self.id)
    }

    /// Returns the name of a topic that does not exist yet. If it is created, the scene deletes it.
    pub(crate) fn topic_name(&self, what: &str) -> String {
        let name = self.name(what);
        self.delete_later(&name);
        name
    }

    /// Deletes the topic of this name with the scene.
    pub(crate) fn delete_later(&self, topic: &str) {
        self.topics.borrow_mut().push(topic.to_owned());
    }

    /// Returns the name of a group. If it gets members or offsets, the scene deletes it.
    pub(crate) fn group(&self) -> String {
        let name = self.name("group");
        self.groups.borrow_mut().push(name.clone());
        name
    }

    /// Creates a topic with three replicas, and waits until its leaders respond.
    pub(crate) fn topic(&self, partitions: i32) -> Result<String, Failure> {
        self.topic_with(partitions, 3, &[])
    }

    /// Creates a topic with its own settings, and waits until its leaders respond.
    pub(crate) fn topic_with(
        &self,
        partitions: i32,
        replicas: i16,
        settings: &[(&str, &str)],
    ) -> Result<String, Failure> {
        let number = self.topics.borrow().len();
        let topic = self.topic_name(&format!("topic-{number}"));
        let request = requests::create_topic(&topic, partitions, replicas, settings);
        let answer = self.node()?.try_call(7, &request)?;
        match answer.topics[0].error_code {
            0 => self.wait_for_leaders(&topic, partitions).map(|()| topic),
            code => Err(Failure::Step { step: "creating a topic", error: name(code) }),
        }
    }

    /// Waits until every node knows every partition and every leader serves its own.
    pub(crate) fn wait_for_leaders(&self, topic: &str, partitions: i32) -> Result<(), Failure> {
        for address in self.addresses() {
            let mut node = RawClient::try_connect(address)?;
            self.until("every node knows the topic's leaders", || {
                let answer = node.try_call(12, &requests::metadata(&[topic]))?;
                let known = &answer.topics[0].partitions;
                let led = known.iter().filter(|it| it.error_code == 0 && it.leader_id.0 >= 0);
                Ok((led.count() == partitions as usize).then_some(()))
            })?;
        }
        for partition in 0..partitions {
            let mut leader = self.leader(topic, partition)?;
            self.until("the leader serves its partition", || {
                let answer = leader.try_call(5, &requests::list_offsets(topic, partition, -1))?;
                Ok((answer.topics[0].partitions[0].error_code == 0).then_some(()))
            })?;
        }
        Ok(())
    }

    /// Repeats `check` until it returns a result.
    pub(crate) fn until<T>(
        &self,
        condition: &'static str,
        mut check: impl FnMut() -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(answer) = check()? {
                return Ok(answer);
            }
            std::thread::sleep(TURN);
        }
        Err(Failure::TimedOut { condition, limit: PATIENCE })
    }

    fn addresses(&self) -> impl Iterator<Item = &str> {
        self.servers.split(',')
    }

    /// Connects to any node.
    pub(crate) fn node(&self) -> Result<RawClient, Failure> {
        let first = self.addresses().next().ok_or(Failure::Missing("address"))?;
        Ok(RawClient::try_connect(first)?)
    }

    /// Connects to the leader of a partition.
    pub(crate) fn leader(&self, topic: &str, partition: i32) -> Result<RawClient, Failure> {
        self.node_that(topic, partition, true)
    }

    /// Connects to a node that does not lead the partition.
    pub(crate) fn follower(&self, topic: &str, partition: i32) -> Result<RawClient, Failure> {
        self.node_that(topic, partition, false)
    }

    fn node_that(&self, topic: &str, partition: i32, leads: bool) -> Result<RawClient, Failure> {
        let metadata = self.node()?.try_call(12, &requests::metadata(&[topic]))?;
        let partitions = &metadata.topics[0].partitions;
        let found = partitions.iter().find(|it| it.partition_index == partition);
        let leader = found.ok_or(Failure::Missing("partition"))?.leader_id;
        let node = metadata.brokers.iter().find(|it| (it.node_id == leader) == leads);
        connect(node.ok_or(Failure::Missing("such node"))?)
    }

    /// Connects to the coordinator of a group, once it has loaded its groups.
    pub(crate) fn coordinator(&self, group: &str) -> Result<RawClient, Failure> {
        let mut coordinator = RawClient::try_connect(&self.coordinator_address(0, group)?)?;
        self.until("the coordinator has loaded its groups", || {
            let answer = coordinator.try_call(5, &requests::describe_group(group))?;
            Ok((answer.groups[0].error_code == 0).then_some(()))
        })?;
        Ok(coordinator)
    }

    /// Returns the address of the coordinator of a group (key type 0) or of a transactional id (1).
    pub(crate) fn coordinator_address(&self, key_type: i8, key: &str) -> Result<String, Failure> {
        let mut node = self.node()?;
        let request = requests::find_coordinator(&[key]).with_key_type(key_type);
        self.until("there is a coordinator", || {
            let found = node.try_call(4, &request)?.coordinators.remove(0);
            Ok((found.error_code == 0).then(|| format!("{}:{}", found.host.as_str(), found.port)))
        })
    }

    /// Waits until every node can allocate producer ids, which it requests from the controller.
    pub(crate) fn wait_for_producer_ids(&self) -> Result<(), Failure> {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(i32::MAX);
        for address in self.addresses() {
            let mut node = RawClient::try_connect(address)?;
            self.until("the node has producer ids", || {
                Ok((node.try_call(4, &request)?.error_code == 0).then_some(()))
            })?;
        }
        Ok(())
    }

    /// Connects to a node that is not at this address.
    pub(crate) fn elsewhere(&self, address: &str) -> Result<RawClient, Failure> {
        let other = self.addresses().find(|it| *it != address);
        Ok(RawClient::try_connect(other.ok_or(Failure::Missing("second node"))?)?)
    }
}

fn connect(node: &MetadataResponseBroker) -> Result<RawClient, Failure> {
    Ok(RawClient::try_connect(&format!("{}:{}", node.host.as_str(), node.port))?)
}

impl Drop for Scene {
    /// Deletes what the scenario has created. Failures are ignored, because the outcome is known
    /// already.
    fn drop(&mut self) {
        let Ok(mut node) = self.node() else {
            return;
        };
        let names: Vec<_> = self.topics.take().iter().map(|it| topic_name(it)).collect();
        if !names.is_empty() {
            let request = DeleteTopicsRequest::default().with_topic_names(names);
            let _ = node.try_call(5, &request.with_timeout_ms(5_000));
        }
        for group in self.groups.take() {
            let Ok(answer) = node.try_call(4, &requests::find_coordinator(&[&group])) else {
                continue;
            };
            let found = &answer.coordinators[0];
            let address = format!("{}:{}", found.host.as_str(), found.port);
            if let Ok(mut coordinator) = RawClient::try_connect(&address) {
                let request = DeleteGroupsRequest::default();
                let _ = coordinator.try_call(2, &request.with_groups_names(vec![group_id(&group)]));
            }
        }
    }
}
