//! The engine `docker`: Apache Kafka's official image through testcontainers, a container for each
//! node, in a network of their own.
//!
//! Clients on this machine use a listener that is advertised as 127.0.0.1 and a port of the machine;
//! the nodes among themselves use another one, which is advertised by the container's name. What
//! holds the containers removes them when it ends or panics. A holder that is killed outright
//! (SIGKILL) leaves them behind, with the label `org.testcontainers.managed-by`.

use std::time::{Duration, Instant};

use testcontainers::bollard::query_parameters::KillContainerOptionsBuilder;
use testcontainers::core::IntoContainerPort;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::error::ClientError;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt, TestcontainersError};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::ask::known_nodes;
use crate::cluster::{Cluster, Node, Pending};
use crate::engine::{Engine, Options};
use crate::error::Error;
use crate::ports;

/// The image of a node, where `WORKSHOP_KAFKA_IMAGE` names no other; its tag is the release.
const IMAGE: &str = "apache/kafka";

/// How long a node may take to answer.
const LIMIT: Duration = Duration::from_secs(90);

/// How often a node is asked whether it is there by now.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// How long a node may take to shut down in order, in seconds.
const STOP_SECONDS: i32 = 60;

/// The port inside a container that this machine's clients reach.
const CLIENTS: u16 = 19092;

/// A cluster of containers.
#[derive(Debug)]
struct Docker {
    nodes: Vec<Node>,
    bootstrap_servers: String,
    cluster_id: String,
    image: String,
    containers: Vec<NodeContainer>,
}

/// A node with the state that it was brought to.
#[derive(Debug)]
struct NodeContainer {
    node: Node,
    container: ContainerAsync<GenericImage>,
    /// Held while it changes, so that of two changes at once the second finds what the first has left.
    state: Mutex<State>,
}

/// The states between which a node goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Paused,
    Stopped,
}

/// What a node can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Stop,
    Kill,
    Start,
    Pause,
    Resume,
}

impl Change {
    /// The state that a node is in then, if it can be done to one in the state `from`.
    fn of(self, id: i32, from: State) -> Result<State, Error> {
        match (self, from) {
            (Self::Stop, State::Running) => Ok(State::Stopped),
            (Self::Kill, State::Running | State::Paused) => Ok(State::Stopped),
            (Self::Start, State::Stopped) | (Self::Resume, State::Paused) => Ok(State::Running),
            (Self::Pause, State::Running) => Ok(State::Paused),
            _ => Err(Error::NodeState { id, state: from.name(), change: self.done() }),
        }
    }

    /// The change in an error's words.
    fn done(self) -> &'static str {
        match self {
            Self::Stop => "stopped",
            Self::Kill => "killed",
            Self::Start => "started",
            Self::Pause => "paused",
            Self::Resume => "resumed",
        }
    }

    /// The change as what failed.
    fn action(self) -> &'static str {
        match self {
            Self::Stop => "stop a node",
            Self::Kill => "kill a node",
            Self::Start => "start a node",
            Self::Pause => "pause a node",
            Self::Resume => "resume a node",
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// Makes sure that a container engine answers.
pub(crate) async fn prepare() -> Result<(), Error> {
    let missing = |reason: String| Error::NoContainers { reason };
    let client = docker_client_instance().await.map_err(|e| missing(e.to_string()))?;
    client.ping().await.map(drop).map_err(|e| missing(e.to_string()))
}

/// Starts a cluster in a network of its own.
pub(crate) async fn start(options: &Options) -> Result<Box<dyn Cluster>, Error> {
    prepare().await?;
    let named = std::env::var("WORKSHOP_KAFKA_IMAGE").ok().filter(|it| !it.is_empty());
    let image = named.unwrap_or_else(|| format!("{IMAGE}:{}", options.release));
    let id = Uuid::new_v4().simple().to_string();
    let ports = ports::choose(&options.wanted_ports()).into_iter().map(ports::local);
    let nodes: Vec<Node> = ports.zip(1..).map(|(address, id)| Node { id, address }).collect();
    let addresses: Vec<String> = nodes.iter().map(|node| node.address.to_string()).collect();
    let mut cluster = Docker {
        bootstrap_servers: addresses.join(","),
        nodes,
        // 22 characters of base64, as Kafka writes its ids.
        cluster_id: format!("{}A", &id[..21]),
        image,
        containers: Vec::with_capacity(options.nodes),
    };
    let network = format!("workshop-kafka-{}", &id[..12]);
    for node in cluster.nodes.clone() {
        let started = cluster.container(node, &network, options).await;
        let state = Mutex::new(State::Running);
        cluster.containers.push(NodeContainer { node, container: started?, state });
    }
    for node in &cluster.containers {
        cluster.wait_until_joined(node, cluster.nodes.len()).await?;
    }
    Ok(Box::new(cluster))
}

/// The variable that the official image makes a property of.
fn variable(property: &str) -> String {
    let name = property.replace('-', "___").replace('_', "__").replace('.', "_");
    format!("KAFKA_{}", name.to_uppercase())
}

impl Docker {
    async fn container(
        &self,
        node: Node,
        network: &str,
        options: &Options,
    ) -> Result<ContainerAsync<GenericImage>, Error> {
        let (name, tag) = self.image.rsplit_once(':').unwrap_or((&self.image, "latest"));
        let mut request = GenericImage::new(name, tag)
            .with_network(network)
            .with_container_name(format!("{network}-{}", node.id))
            .with_mapped_port(node.address.port(), CLIENTS.tcp());
        for (variable, value) in self.variables(node, network, options.replication_factor()) {
            request = request.with_env_var(variable, value);
        }
        for (name, value) in &options.properties {
            request = request.with_env_var(variable(name), value);
        }
        request.start().await.map_err(|source| self.failed("start a node", source))
    }

    /// The official image takes each setting as a variable: `KAFKA_`, and `_` for each dot.
    fn variables(&self, node: Node, network: &str, factor: usize) -> Vec<(&'static str, String)> {
        let Node { id, address } = node;
        let voters: Vec<String> =
            self.nodes.iter().map(|it| format!("{0}@{network}-{0}:9093", it.id)).collect();
        let least = if factor == 3 { 2 } else { 1 };
        let listeners =
            format!("CLIENTS://0.0.0.0:{CLIENTS},NODES://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093");
        let protocols = "CLIENTS:PLAINTEXT,NODES:PLAINTEXT,CONTROLLER:PLAINTEXT";
        vec![
            ("CLUSTER_ID", self.cluster_id.clone()),
            ("KAFKA_NODE_ID", id.to_string()),
            ("KAFKA_PROCESS_ROLES", "broker,controller".to_owned()),
            ("KAFKA_CONTROLLER_QUORUM_VOTERS", voters.join(",")),
            ("KAFKA_LISTENERS", listeners),
            (
                "KAFKA_ADVERTISED_LISTENERS",
                format!("CLIENTS://{address},NODES://{network}-{id}:9092"),
            ),
            ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", protocols.to_owned()),
            ("KAFKA_INTER_BROKER_LISTENER_NAME", "NODES".to_owned()),
            ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER".to_owned()),
            ("KAFKA_DEFAULT_REPLICATION_FACTOR", factor.to_string()),
            ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", factor.to_string()),
            ("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", factor.to_string()),
            ("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", least.to_string()),
            ("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR", factor.to_string()),
            ("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR", least.to_string()),
            ("KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS", "5".to_owned()),
            ("KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS", "5".to_owned()),
            ("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0".to_owned()),
        ]
    }

    /// Waits until a node answers and knows itself and at least as many nodes as `expected`.
    async fn wait_until_joined(&self, of: &NodeContainer, expected: usize) -> Result<(), Error> {
        let (node, container) = (of.node, &of.container);
        let begin = Instant::now();
        loop {
            let asked = tokio::task::spawn_blocking(move || known_nodes(node.address)).await;
            let known = asked.ok().and_then(Result::ok).unwrap_or_default();
            if known.contains(&node.id) && known.len() >= expected {
                return Ok(());
            }
            let runs = container.is_running().await;
            if !runs.map_err(|e| self.failed("inspect a node", e))? {
                let said = last_words(container).await;
                return Err(Error::DidNotStart { what: format!("node {}", node.id), said });
            }
            if begin.elapsed() > LIMIT {
                let what = format!("node {} did not find the others", node.id);
                let said = last_words(container).await;
                return Err(Error::TooSlow { what, limit: LIMIT, said });
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Brings a node to another state. It keeps the one that it had where that fails.
    async fn change(&self, id: i32, change: Change) -> Result<(), Error> {
        let found = self.containers.iter().find(|it| it.node.id == id);
        let node = found.ok_or(Error::NoSuchNode { id, nodes: self.nodes.len() })?;
        let mut state = node.state.lock().await;
        let next = change.of(id, *state)?;
        let container = &node.container;
        let done = match change {
            Change::Stop => container.stop_with_timeout(Some(STOP_SECONDS)).await,
            Change::Kill => kill(container).await,
            Change::Start => container.start().await,
            Change::Pause => container.pause().await,
            Change::Resume => container.unpause().await,
        };
        done.map_err(|e| self.failed(change.action(), e))?;
        *state = next;
        if change != Change::Start {
            return Ok(());
        }
        let joined = self.wait_until_joined(node, 1).await;
        if matches!(joined, Err(Error::DidNotStart { .. })) {
            *state = State::Stopped;
        }
        joined
    }

    fn failed(&self, action: &'static str, source: TestcontainersError) -> Error {
        let image = self.image.clone();
        match source {
            TestcontainersError::Client(ClientError::PullImage { err, .. }) => {
                Error::NoImage { image, reason: err.to_string() }
            }
            source => Error::Containers { action, image, source: Box::new(source) },
        }
    }
}

/// Ends a node at once.
async fn kill(container: &ContainerAsync<GenericImage>) -> Result<(), TestcontainersError> {
    let client = docker_client_instance().await?;
    let signal = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
    let killed = client.kill_container(container.id(), Some(signal)).await;
    killed.map_err(|e| TestcontainersError::Other(Box::new(e)))
}

/// The last lines that a node has written.
async fn last_words(container: &ContainerAsync<GenericImage>) -> String {
    let written = container.stdout_to_vec().await.unwrap_or_default();
    let written = String::from_utf8_lossy(&written).into_owned();
    let lines: Vec<&str> = written.lines().collect();
    let last = lines[lines.len().saturating_sub(12)..].iter();
    last.map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

impl Cluster for Docker {
    fn engine(&self) -> Engine {
        Engine::Docker
    }

    fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    fn stop_node(&self, id: i32) -> Pending<'_> {
        Box::pin(self.change(id, Change::Stop))
    }

    fn kill_node(&self, id: i32) -> Pending<'_> {
        Box::pin(self.change(id, Change::Kill))
    }

    fn start_node(&self, id: i32) -> Pending<'_> {
        Box::pin(self.change(id, Change::Start))
    }

    fn pause_node(&self, id: i32) -> Pending<'_> {
        Box::pin(self.change(id, Change::Pause))
    }

    fn resume_node(&self, id: i32) -> Pending<'_> {
        Box::pin(self.change(id, Change::Resume))
    }

    fn stop(mut self: Box<Self>) -> Pending<'static> {
        Box::pin(async move {
            for node in std::mem::take(&mut self.containers) {
                node.container.rm().await.map_err(|e| self.failed("remove a node", e))?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits until the node at `address` takes these nodes, and no others, for alive.
    async fn expect(cluster: &dyn Cluster, at: i32, ids: &[i32]) {
        let address = cluster.nodes()[at as usize - 1].address;
        let begin = Instant::now();
        loop {
            let asked = tokio::task::spawn_blocking(move || known_nodes(address)).await.unwrap();
            let mut known = asked.unwrap_or_default();
            known.sort_unstable();
            if known == ids {
                return;
            }
            assert!(begin.elapsed() < LIMIT, "node {at} knows {known:?}, not {ids:?}");
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    #[test]
    fn a_change_begins_only_with_the_states_that_it_can_be_done_in() {
        use Change::{Kill, Pause, Resume, Start, Stop};
        use State::{Paused, Running, Stopped};
        for (change, from, to) in [
            (Stop, Running, Stopped),
            (Kill, Running, Stopped),
            (Kill, Paused, Stopped),
            (Start, Stopped, Running),
            (Pause, Running, Paused),
            (Resume, Paused, Running),
        ] {
            assert_eq!(change.of(1, from).unwrap(), to, "{change:?} of {from:?}");
        }
        for (change, from, said) in [
            (Stop, Stopped, "node 2 is stopped, so it cannot be stopped"),
            (Stop, Paused, "node 2 is paused, so it cannot be stopped"),
            (Kill, Stopped, "node 2 is stopped, so it cannot be killed"),
            (Start, Running, "node 2 is running, so it cannot be started"),
            (Start, Paused, "node 2 is paused, so it cannot be started"),
            (Pause, Stopped, "node 2 is stopped, so it cannot be paused"),
            (Pause, Paused, "node 2 is paused, so it cannot be paused"),
            (Resume, Running, "node 2 is running, so it cannot be resumed"),
            (Resume, Stopped, "node 2 is stopped, so it cannot be resumed"),
        ] {
            assert_eq!(change.of(2, from).unwrap_err().to_string(), said);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nodes_in_containers_stop_die_pause_and_come_back() {
        let cluster = match Engine::Docker.start(&Options::default()).await {
            Err(error) if error.is_unavailable() => return println!("skipped: {error}"),
            started => started.unwrap(),
        };
        expect(&*cluster, 1, &[1, 2, 3]).await;
        cluster.stop_node(1).await.unwrap();
        expect(&*cluster, 2, &[2, 3]).await;
        let error = cluster.stop_node(1).await.unwrap_err();
        assert!(matches!(error, Error::NodeState { id: 1, state: "stopped", .. }), "{error}");
        cluster.start_node(1).await.unwrap();
        cluster.kill_node(2).await.unwrap();
        expect(&*cluster, 3, &[1, 3]).await;
        cluster.start_node(2).await.unwrap();
        cluster.pause_node(3).await.unwrap();
        expect(&*cluster, 1, &[1, 2]).await;
        cluster.resume_node(3).await.unwrap();
        expect(&*cluster, 1, &[1, 2, 3]).await;
        let error = cluster.stop_node(4).await.unwrap_err();
        assert!(matches!(error, Error::NoSuchNode { id: 4, nodes: 3 }), "{error}");
        cluster.stop().await.unwrap();
    }
}
