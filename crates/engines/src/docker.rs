//! Runs the engine `docker`: Apache Kafka's official image through testcontainers, one container
//! for each node, in a network of their own.
//!
//! Clients on this machine connect to a listener that is advertised as 127.0.0.1 with a port of the
//! host; the nodes connect to each other through another listener, which is advertised under the
//! container's name. The process that holds the containers removes them when it ends or panics. If
//! it is killed (SIGKILL), they remain, with the label `org.testcontainers.managed-by`.

mod container;
mod settings;
mod state;

use std::time::{Duration, Instant};

use testcontainers::core::IntoContainerPort;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::error::ClientError;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt, TestcontainersError};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::ask::known_nodes;
use crate::cluster::{Cluster, Node, Pending};
use crate::engine::Engine;
use crate::error::Error;
use crate::options::Options;
use crate::ports;
use container::NodeContainer;
use settings::{CLIENTS, variable, variables};
use state::{Change, State};

/// The image of a node unless `WORKSHOP_KAFKA_IMAGE` names another one; its tag is the release.
const IMAGE: &str = "apache/kafka";

/// The time limit for a node to respond.
const LIMIT: Duration = Duration::from_secs(90);

/// The interval between two checks whether a node has started.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// A cluster of containers.
#[derive(Debug)]
struct Docker {
    nodes: Vec<Node>,
    bootstrap_servers: String,
    cluster_id: String,
    image: String,
    containers: Vec<NodeContainer>,
}

/// Checks that a container engine responds.
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
        let factor = options.replication_factor();
        for (variable, value) in variables(&self.nodes, &self.cluster_id, node, network, factor) {
            request = request.with_env_var(variable, value);
        }
        for (name, value) in &options.properties {
            request = request.with_env_var(variable(name), value);
        }
        request.start().await.map_err(|source| self.failed("start a node", source))
    }

    /// Waits until a node responds and knows at least `expected` nodes, itself included.
    async fn wait_until_joined(&self, of: &NodeContainer, expected: usize) -> Result<(), Error> {
        let node = of.node;
        let begin = Instant::now();
        loop {
            let asked = tokio::task::spawn_blocking(move || known_nodes(node.address)).await;
            let known = asked.ok().and_then(Result::ok).unwrap_or_default();
            if known.contains(&node.id) && known.len() >= expected {
                return Ok(());
            }
            let runs = of.container.is_running().await;
            if !runs.map_err(|e| self.failed("inspect a node", e))? {
                let said = of.last_lines().await;
                return Err(Error::DidNotStart { what: format!("node {}", node.id), said });
            }
            if begin.elapsed() > LIMIT {
                let what = format!("node {} did not find the others", node.id);
                let said = of.last_lines().await;
                return Err(Error::TimedOut { what, limit: LIMIT, said });
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Changes the state of a node, which stays the same if the change fails.
    async fn change(&self, id: i32, change: Change) -> Result<(), Error> {
        let found = self.containers.iter().find(|it| it.node.id == id);
        let node = found.ok_or(Error::NoSuchNode { id, nodes: self.nodes.len() })?;
        let mut state = node.state.lock().await;
        let next = change.of(id, *state)?;
        let done = node.apply(change).await;
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

    /// Waits until a node considers exactly these nodes alive.
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
