//! Runs the engine `embedded`: the cluster of `embedded-kafka`, in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use embedded_kafka::{EventReceiver, NodeError, StartError};

use crate::cluster::{Cluster, Node, Pending};
use crate::engine::Engine;
use crate::error::Error;
use crate::options::Options;
use crate::ports::is_free;

/// The time until the cluster notices a failed node: a third of Kafka's
/// `broker.session.timeout.ms`, so that a test or a lab has time between two faults, as on Apache
/// Kafka.
const FAILOVER_DELAY: Duration = Duration::from_secs(3);

/// A cluster in this process.
#[derive(Debug)]
struct Embedded {
    cluster: embedded_kafka::Cluster,
    nodes: Vec<Node>,
}

/// Starts a cluster in a temporary directory. If `WORKSHOP_WIRE` is set, it prints the cluster's
/// events.
pub(crate) async fn start(options: &Options) -> Result<Box<dyn Cluster>, Error> {
    let mut ports = options.wanted_ports();
    for port in &mut ports {
        if !is_free(SocketAddr::from((Ipv4Addr::LOCALHOST, *port))) {
            *port = 0;
        }
    }
    let cluster = loop {
        let builder = embedded_kafka::Cluster::builder()
            .nodes(options.nodes)
            .failover_delay(FAILOVER_DELAY)
            .ports(ports.iter().copied())
            .default_replication_factor(options.replication_factor() as i16);
        let properties = options.properties.iter();
        let builder = properties.fold(builder, |builder, (name, value)| builder.set(name, value));
        match builder.start().await {
            // Another process has taken the port since the check above.
            Err(StartError::PortTaken { port }) if port != 0 => {
                ports.iter_mut().filter(|it| **it == port).for_each(|it| *it = 0);
            }
            started => break started?,
        }
    };
    if std::env::var("WORKSHOP_WIRE").is_ok_and(|value| !value.is_empty() && value != "0") {
        print_events(cluster.events());
    }
    let nodes = cluster.nodes().iter().map(|it| Node { id: it.id, address: it.address }).collect();
    Ok(Box::new(Embedded { cluster, nodes }))
}

/// Prints the cluster's events on stderr until the cluster is dropped. The thread has its own
/// runtime, so that a caller that blocks in a synchronous call of librdkafka does not delay the
/// output.
fn print_events(mut events: EventReceiver) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
            return;
        };
        runtime.block_on(async {
            while let Some(event) = events.recv().await {
                eprintln!("{event}");
            }
        });
    });
}

impl Embedded {
    /// Converts an error to the one that every engine returns.
    fn converted(&self, changed: Result<(), NodeError>, change: &'static str) -> Result<(), Error> {
        changed.map_err(|error| match error {
            NodeError::NoSuchNode { node } => {
                Error::NoSuchNode { id: node, nodes: self.nodes.len() }
            }
            NodeError::WrongState { node, state } => Error::NodeState { id: node, state, change },
            other => Error::Node(other),
        })
    }
}

impl Cluster for Embedded {
    fn engine(&self) -> Engine {
        Engine::Embedded
    }

    fn bootstrap_servers(&self) -> &str {
        self.cluster.bootstrap_servers()
    }

    fn cluster_id(&self) -> &str {
        self.cluster.cluster_id()
    }

    fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    fn stop_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move { self.converted(self.cluster.stop_node(id).await, "stopped") })
    }

    fn kill_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move { self.converted(self.cluster.kill_node(id).await, "killed") })
    }

    fn start_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move { self.converted(self.cluster.start_node(id).await, "started") })
    }

    fn pause_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move { self.converted(self.cluster.pause_node(id).await, "paused") })
    }

    fn resume_node(&self, id: i32) -> Pending<'_> {
        Box::pin(async move { self.converted(self.cluster.resume_node(id).await, "resumed") })
    }

    fn stop(self: Box<Self>) -> Pending<'static> {
        Box::pin(async move {
            self.cluster.shutdown().await;
            Ok(())
        })
    }
}
