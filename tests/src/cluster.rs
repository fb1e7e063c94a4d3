//! The cluster that a test runs against, and the clients and topics that it asks for.
//!
//! `KAFKA_BOOTSTRAP_SERVERS` names a cluster that runs already, `WORKSHOP_ENGINE` an engine. Apache
//! Kafka takes seconds to start, so all tests of a process share one.
//!
//! Names carry a random suffix, and what was named here is deleted when the test ends, so that many
//! tests share one Apache Kafka. An embedded cluster ends with its test, topics and all.

use std::sync::Mutex;

use engines::{Cluster, Engine, Options};
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteTopicsRequest, GroupId, TopicName};
use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::FutureProducer;

use crate::eventually;
use crate::raw::RawClient;
use crate::requests;

/// The setting that names a cluster to test instead of the embedded one.
const BOOTSTRAP_SERVERS: &str = "KAFKA_BOOTSTRAP_SERVERS";

/// A cluster of three nodes, known by its bootstrap servers alone.
#[derive(Debug)]
pub struct TestCluster {
    bootstrap_servers: String,
    /// Runs as long as the test, and stops with it.
    embedded: Option<embedded_kafka::Cluster>,
    topics: Mutex<Vec<String>>,
    groups: Mutex<Vec<String>>,
}

impl TestCluster {
    /// The cluster that `KAFKA_BOOTSTRAP_SERVERS` names; otherwise one on the engine that
    /// `WORKSHOP_ENGINE` names, an embedded one for this test alone where nothing is named.
    ///
    /// # Panics
    /// When the cluster does not start.
    pub async fn start() -> TestCluster {
        TestCluster::start_with_nodes(3).await
    }

    /// As [`start`](Self::start), with so many nodes where the cluster is an embedded one.
    ///
    /// # Panics
    /// When the cluster does not start.
    pub async fn start_with_nodes(nodes: u8) -> TestCluster {
        if let Some(named) = std::env::var(BOOTSTRAP_SERVERS).ok().filter(|it| !it.is_empty()) {
            return TestCluster::at(&named);
        }
        match Engine::from_environment().expect("WORKSHOP_ENGINE names an engine") {
            Engine::Embedded => {
                let embedded = start_embedded(nodes).await;
                let mut cluster = TestCluster::at(embedded.bootstrap_servers());
                cluster.embedded = Some(embedded);
                cluster
            }
            Engine::Apache => TestCluster::at(shared_apache().await.bootstrap_servers()),
            // A process's end removes no containers, so another process has to hold them.
            Engine::Docker => panic!(
                "run the tests inside a cluster: cargo run -p workshop-cli --features containers -- \
                 up --engine docker --port 0 -- cargo test -p workshop-tests"
            ),
        }
    }

    /// A cluster that someone else started and stops.
    pub fn at(bootstrap_servers: &str) -> TestCluster {
        let (topics, groups) = Default::default();
        TestCluster { bootstrap_servers: bootstrap_servers.into(), embedded: None, topics, groups }
    }

    /// Whether the cluster is the embedded one, of this test alone.
    ///
    /// Almost no test asks: one does that would harm a cluster that others use too.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// The addresses of all nodes, separated by commas.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// The address of each node.
    pub fn addresses(&self) -> Vec<String> {
        self.bootstrap_servers.split(',').map(str::to_owned).collect()
    }

    /// A topic name that no one else uses; the topic is deleted when the test ends.
    pub fn topic_name(&self) -> String {
        let name = format!("test-{}", uuid::Uuid::new_v4().simple());
        self.topics.lock().expect("no test panics while it holds the lock").push(name.clone());
        name
    }

    /// A group name that no one else uses; the group is deleted when the test ends.
    pub fn group_name(&self) -> String {
        let name = format!("test-{}", uuid::Uuid::new_v4().simple());
        self.groups.lock().expect("no test panics while it holds the lock").push(name.clone());
        name
    }

    /// Creates a topic with three replicas; returns once every partition's leader answers.
    pub fn create_topic(&self, partitions: i32) -> String {
        self.create_topic_with(partitions, 3, &[])
    }

    /// Creates a topic with settings of its own; returns once every partition's leader answers.
    pub fn create_topic_with(
        &self,
        partitions: i32,
        replication_factor: i16,
        configs: &[(&str, &str)],
    ) -> String {
        let topic = self.topic_name();
        let request = requests::create_topic(&topic, partitions, replication_factor, configs);
        let response = self.connect().call(7, &request);
        let created = &response.topics[0];
        assert_eq!(created.error_code, 0, "creating {topic}: {:?}", created.error_message);
        self.wait_for_leaders(&topic, partitions);
        topic
    }

    /// Waits until every node knows every partition of `topic` and every leader serves its own.
    pub fn wait_for_leaders(&self, topic: &str, partitions: i32) {
        for address in self.addresses() {
            let mut client = RawClient::connect(&address);
            eventually("every node knows the topic's leaders", || {
                let answer = client.call(12, &requests::metadata(&[topic]));
                let known = &answer.topics[0].partitions;
                let led = known.iter().filter(|it| it.error_code == 0 && it.leader_id.0 >= 0);
                (led.count() == partitions as usize).then_some(())
            });
        }
        for partition in 0..partitions {
            let mut leader = self.connect_to_leader(topic, partition);
            eventually("the leader serves its partition", || {
                let answer = leader.call(5, &requests::list_offsets(topic, partition, -1));
                (answer.topics[0].partitions[0].error_code == 0).then_some(())
            });
        }
    }

    /// A raw connection to the first node.
    pub fn connect(&self) -> RawClient {
        RawClient::connect(&self.addresses()[0])
    }

    /// A raw connection to whichever node answers. That someone took the connection does not count:
    /// where a test starts a child process, that one holds all sockets for a moment.
    ///
    /// # Panics
    /// When none does.
    pub fn connect_to_any(&self) -> RawClient {
        let asked = requests::metadata(&[]);
        eventually("a node answers", || {
            self.addresses().iter().find_map(|address| {
                let mut client = RawClient::try_connect(address).ok()?;
                client.try_call(12, &asked).ok()?;
                Some(client)
            })
        })
    }

    /// A raw connection to the node that leads a partition.
    pub fn connect_to_leader(&self, topic: &str, partition: i32) -> RawClient {
        let (leader, _) = self.leader_and_others(topic, partition);
        RawClient::connect(&leader)
    }

    /// A raw connection to a node that does not lead the partition.
    pub fn connect_to_follower(&self, topic: &str, partition: i32) -> RawClient {
        let (_, others) = self.leader_and_others(topic, partition);
        RawClient::connect(&others[0])
    }

    fn leader_and_others(&self, topic: &str, partition: i32) -> (String, Vec<String>) {
        let metadata = self.connect().call(12, &requests::metadata(&[topic]));
        let partitions = &metadata.topics[0].partitions;
        let found = partitions.iter().find(|it| it.partition_index == partition);
        let leader = found.expect("the topic has this partition").leader_id;
        let address = |it: &kafka_protocol::messages::metadata_response::MetadataResponseBroker| {
            format!("{}:{}", it.host.as_str(), it.port)
        };
        let (leaders, others): (Vec<_>, Vec<_>) =
            metadata.brokers.iter().partition(|it| it.node_id == leader);
        let leader = leaders.first().expect("the leader is among the nodes");
        (address(leader), others.into_iter().map(address).collect())
    }

    /// A raw connection to the node that coordinates a group.
    pub fn connect_to_coordinator(&self, group: &str) -> RawClient {
        let mut client = self.connect();
        let address = eventually("the group has a coordinator", || {
            let answer = client.call(4, &requests::find_coordinator(&[group]));
            let found = &answer.coordinators[0];
            (found.error_code == 0).then(|| format!("{}:{}", found.host.as_str(), found.port))
        });
        let mut client = RawClient::connect(&address);
        eventually("the coordinator has loaded its groups", || {
            let answer = client.call(5, &requests::describe_group(group));
            (answer.groups[0].error_code == 0).then_some(())
        });
        client
    }

    /// Settings for a librdkafka client of this cluster.
    pub fn client_config(&self, settings: &[(&str, &str)]) -> ClientConfig {
        conformance::client_config(&self.bootstrap_servers, settings)
    }

    /// librdkafka's admin client.
    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client_config(&[]).create().expect("the settings are valid")
    }

    /// Creates a librdkafka producer that sends at once, unless `settings` say otherwise.
    pub fn producer(&self, settings: &[(&str, &str)]) -> FutureProducer {
        let config = conformance::producer_config(&self.bootstrap_servers, settings);
        config.create().expect("the settings are valid")
    }

    /// Creates a librdkafka consumer that reads from the beginning, and stores and commits offsets
    /// explicitly.
    pub fn consumer(&self, group: &str, settings: &[(&str, &str)]) -> BaseConsumer {
        self.consumer_config(group, settings).create().expect("the settings are valid")
    }

    /// The settings of [`TestCluster::consumer`], for a consumer with a context of its own.
    pub fn consumer_config(&self, group: &str, settings: &[(&str, &str)]) -> ClientConfig {
        conformance::consumer_config(&self.bootstrap_servers, group, settings)
    }
}

impl Drop for TestCluster {
    /// Deletes what the test created. A failure is left alone: it may be what the test tests.
    fn drop(&mut self) {
        let topics = std::mem::take(self.topics.get_mut().unwrap_or_else(|it| it.into_inner()));
        let groups = std::mem::take(self.groups.get_mut().unwrap_or_else(|it| it.into_inner()));
        let Ok(mut client) = RawClient::try_connect(&self.addresses()[0]) else {
            return;
        };
        if !topics.is_empty() {
            let names = topics.into_iter().map(|it| TopicName(it.into())).collect();
            let request = DeleteTopicsRequest::default().with_topic_names(names);
            let _ = client.try_call(5, &request.with_timeout_ms(5_000));
        }
        for group in groups {
            let Ok(answer) = client.try_call(4, &requests::find_coordinator(&[&group])) else {
                continue;
            };
            let found = &answer.coordinators[0];
            let address = format!("{}:{}", found.host.as_str(), found.port);
            let Ok(mut coordinator) = RawClient::try_connect(&address) else {
                continue;
            };
            let names = vec![GroupId(group.into())];
            let request = DeleteGroupsRequest::default().with_groups_names(names);
            let _ = coordinator.try_call(2, &request);
        }
    }
}

/// Starts an embedded cluster of three nodes for one test.
async fn start_embedded(nodes: u8) -> embedded_kafka::Cluster {
    let builder = embedded_kafka::Cluster::builder();
    let builder = builder.nodes(nodes.into()).default_replication_factor(nodes.into());
    // A test that compacts need not wait as long as Kafka's cleaner does.
    let builder = builder.log_cleaner_backoff(std::time::Duration::from_millis(200));
    builder.start().await.expect("an embedded cluster starts on free ports")
}

/// Apache Kafka for all tests of this process. It ends with the process, because it watches over
/// its holder.
async fn shared_apache() -> &'static dyn Cluster {
    static SHARED: tokio::sync::OnceCell<Box<dyn Cluster>> = tokio::sync::OnceCell::const_new();
    let start = async || {
        let started = Engine::Apache.start(&Options::default()).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    };
    SHARED.get_or_init(start).await.as_ref()
}
