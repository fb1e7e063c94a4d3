//! Runs the engine `apache`: Apache Kafka in KRaft mode from its jars. Each node is a Java process
//! that is both broker and controller, on free ports of 127.0.0.1 and with a temporary directory.

mod connect;
mod guard;
mod jars;
mod java;
mod node;
mod process;
mod properties;

pub use connect::{Connect, ConnectOptions};

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use crate::ask::known_nodes;
use crate::cluster::{Cluster, Node, Pending};
use crate::engine::Engine;
use crate::error::Error;
use crate::options::Options;
use crate::ports;
use crate::release::Release;
use guard::{Guard, temporary_directory};
use jars::Jars;
use node::NodeProcess;
use process::{LIMIT, TRY_AGAIN};
use properties::Plan;

/// The number of attempts to start if another process takes a port first.
const ATTEMPTS: usize = 3;

/// The files with the cluster's first metadata that Kafka's storage tool writes: in 4.3, and since
/// 4.4.
const CHECKPOINTS: [&str; 2] =
    ["bootstrap.checkpoint", "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"];

/// A cluster of Java processes.
#[derive(Debug)]
struct Apache {
    nodes: Vec<Node>,
    bootstrap_servers: String,
    cluster_id: String,
    // Dropped in this order: first the processes, then the directory, then the guard.
    processes: Vec<NodeProcess>,
    _directory: tempfile::TempDir,
    _guard: Arc<Guard>,
}

/// Finds Java and the jars, and downloads the jars if necessary.
pub(crate) async fn prepare(release: Release) -> Result<(), Error> {
    Jars::find(release).await.map(drop)
}

/// Starts a cluster in a temporary directory.
pub(crate) async fn start(options: &Options) -> Result<Box<dyn Cluster>, Error> {
    let jars = Jars::find(options.release).await?;
    let mut attempt = 1;
    loop {
        match Apache::start(&jars, options).await {
            Err(Error::DidNotStart { said, .. })
                if attempt < ATTEMPTS && said.contains("already in use") =>
            {
                attempt += 1;
            }
            started => return Ok(Box::new(started?)),
        }
    }
}

impl Apache {
    async fn start(jars: &Jars, options: &Options) -> Result<Self, Error> {
        let directory = temporary_directory()?;
        let guard = Arc::new(Guard::watch(directory.path())?);
        let plan = plan(options);
        let mut processes = Vec::with_capacity(options.nodes);
        for (position, node) in plan.nodes.iter().enumerate() {
            let home = directory.path().join(format!("node-{}", node.id));
            let (jars, guard) = (jars.clone(), Arc::clone(&guard));
            let process = NodeProcess::new(*node, home, jars, options.lifetime, guard);
            process.write(&plan.properties(position, process.data()))?;
            processes.push(process);
        }
        format(&plan, &processes, jars).await?;
        for process in &processes {
            process.start()?;
        }
        let cluster = Self {
            bootstrap_servers: plan.bootstrap_servers(),
            nodes: plan.nodes,
            cluster_id: plan.cluster_id,
            processes,
            _directory: directory,
            _guard: guard,
        };
        for id in 1..=options.nodes as i32 {
            cluster.wait_until_joined(id).await?;
        }
        Ok(cluster)
    }

    fn process(&self, id: i32) -> Result<&NodeProcess, Error> {
        let found = self.processes.iter().find(|process| process.node.id == id);
        found.ok_or(Error::NoSuchNode { id, nodes: self.processes.len() })
    }

    /// Waits until a node responds and knows itself and every other running node.
    async fn wait_until_joined(&self, id: i32) -> Result<(), Error> {
        let process = self.process(id)?;
        let address = process.node.address;
        let begin = Instant::now();
        loop {
            process.check_alive()?;
            let asked = tokio::task::spawn_blocking(move || known_nodes(address)).await;
            let known = asked.ok().and_then(Result::ok).unwrap_or_default();
            let running = self.processes.iter().filter(|it| it.is_running());
            if known.contains(&id) && running.map(|it| it.node.id).all(|it| known.contains(&it)) {
                return Ok(());
            }
            if begin.elapsed() > LIMIT {
                return Err(process.too_slow("did not find the others"));
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
}

/// Chooses a cluster id, ports, and settings for all nodes.
fn plan(options: &Options) -> Plan {
    let mut wanted = options.wanted_ports();
    wanted.resize(2 * options.nodes, 0);
    let ports = ports::choose(&wanted);
    let (clients, controllers) = ports.split_at(options.nodes);
    let nodes = clients.iter().zip(1..).map(|(port, id)| Node { id, address: ports::local(*port) });
    Plan {
        nodes: nodes.collect(),
        controllers: controllers.to_vec(),
        replication_factor: options.replication_factor(),
        cluster_id: properties::new_cluster_id(),
        properties: options.properties.clone(),
    }
}

/// Formats the first node's directory with Kafka's tool, and copies the result for the other nodes:
/// a Java process for each would double the time of a start.
async fn format(plan: &Plan, processes: &[NodeProcess], jars: &Jars) -> Result<(), Error> {
    let Some((first, others)) = processes.split_first() else {
        return Ok(());
    };
    first.format(&plan.cluster_id, jars).await?;
    for other in others {
        let data = other.data();
        for checkpoint in CHECKPOINTS.iter().filter(|it| first.data().join(it).exists()) {
            let (from, to) = (first.data().join(checkpoint), data.join(checkpoint));
            let parent = to.parent().unwrap_or(data);
            fs::create_dir_all(parent).map_err(|e| Error::file("create", parent, e))?;
            fs::copy(&from, &to).map_err(|e| Error::file("copy", &from, e))?;
        }
        let meta = data.join("meta.properties");
        fs::write(&meta, plan.meta(other.node.id)).map_err(|e| Error::file("write", &meta, e))?;
    }
    Ok(())
}

impl Cluster for Apache {
    fn engine(&self) -> Engine {
        Engine::Apache
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
        Box::pin(async move { self.process(id)?.stop().await })
    }

    fn kill_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move { self.process(id)?.kill() })
    }

    fn start_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move {
            self.process(id)?.start()?;
            self.wait_until_joined(id).await
        })
    }

    fn pause_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move { self.process(id)?.pause() })
    }

    fn resume_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move { self.process(id)?.resume() })
    }

    fn stop(self: Box<Self>) -> Pending<'static> {
        Box::pin(async move {
            // Stopping Java processes and removing their files blocks.
            let stopped = tokio::task::spawn_blocking(move || drop(self)).await;
            stopped.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            Ok(())
        })
    }
}
