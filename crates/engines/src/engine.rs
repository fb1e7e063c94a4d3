//! The three engines by name, and starting a cluster on one of them.

use std::fmt;
use std::str::FromStr;

use crate::apache;
use crate::cluster::Cluster;
use crate::embedded;
use crate::error::Error;
use crate::release::Release;

/// The environment variable that chooses an engine.
const VARIABLE: &str = "WORKSHOP_ENGINE";

/// What runs a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// The cluster of `embedded-kafka`, inside this process.
    #[default]
    Embedded,
    /// Apache Kafka from its jars, each node a process of its own.
    Apache,
    /// Apache Kafka's official image, each node a container.
    Docker,
}

/// What a cluster is like, on every engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many nodes, 1 to 9. Topics that do not say otherwise are replicated on all of them, on
    /// three at most.
    pub nodes: usize,
    /// The port of each node; where it is taken or none is named, the node gets a free one.
    pub ports: Vec<u16>,
    /// Properties of the brokers by their names in `server.properties`, such as `num.partitions`. The
    /// last of a name counts, and more than what the engine chooses by itself.
    pub properties: Vec<(String, String)>,
    /// Which Apache Kafka runs on the engines `apache` and `docker`.
    pub release: Release,
    /// How long a node of the engine `apache` is meant to live.
    pub lifetime: Lifetime,
}

/// How long a Java process is meant to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// For a test or a lesson: Java compiles quickly and not for speed, so that a node starts, and
    /// works for a minute, on about half the CPU time.
    #[default]
    Short,
    /// For a measurement: Java compiles as it does by itself.
    Long,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 3,
            ports: Vec::new(),
            properties: Vec::new(),
            release: Release::default(),
            lifetime: Lifetime::default(),
        }
    }
}

impl Options {
    /// How many replicas a partition has where nobody says otherwise.
    pub(crate) fn replication_factor(&self) -> usize {
        self.nodes.min(3)
    }

    /// The ports to try first, one for each node; 0 is any.
    pub(crate) fn wanted_ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.ports.iter().copied().take(self.nodes).collect();
        ports.resize(self.nodes, 0);
        ports
    }
}

impl Engine {
    /// The engine that `WORKSHOP_ENGINE` names, the embedded one where it is not set.
    ///
    /// # Errors
    /// [`Error::UnknownEngine`] where it names something else.
    pub fn from_environment() -> Result<Self, Error> {
        match std::env::var(VARIABLE) {
            Ok(name) if !name.trim().is_empty() => name.trim().parse(),
            _ => Ok(Self::Embedded),
        }
    }

    /// Makes ready what takes long the first time: Apache Kafka's jars are copied to a cache
    /// directory, which is said on stderr.
    ///
    /// # Errors
    /// One that [is unavailable](Error::is_unavailable) where this machine lacks something.
    pub async fn prepare(self) -> Result<(), Error> {
        match self {
            Self::Embedded => Ok(()),
            Self::Apache => apache::prepare(Release::default()).await,
            Self::Docker => docker::prepare().await,
        }
    }

    /// Starts a cluster. When this returns, every node answers and knows all the others.
    ///
    /// # Errors
    /// One that [is unavailable](Error::is_unavailable) where this machine lacks something, and
    /// [`Error::DidNotStart`] with the node's last words where one does not come up.
    pub async fn start(self, options: &Options) -> Result<Box<dyn Cluster>, Error> {
        if !(1..=9).contains(&options.nodes) {
            return Err(Error::Nodes { nodes: options.nodes });
        }
        if self != Self::Embedded {
            check_properties(self, options)?;
        }
        match self {
            Self::Embedded => embedded::start(options).await,
            Self::Apache => apache::start(options).await,
            Self::Docker => docker::start(options).await,
        }
    }
}

/// What an engine decides, because the nodes would not find each other otherwise.
const OF_THE_ENGINE: &[&str] = &[
    "advertised.listeners",
    "broker.id",
    "controller.listener.names",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.dir",
    "log.dirs",
    "metadata.log.dir",
    "node.id",
    "process.roles",
];

/// Apache Kafka warns of a name that it does not know, in a log that nobody reads, and goes on. The
/// embedded cluster checks its properties itself.
fn check_properties(engine: Engine, options: &Options) -> Result<(), Error> {
    let refuse = |reason| Err(Error::Property { engine, reason });
    for (name, value) in &options.properties {
        if OF_THE_ENGINE.contains(&name.as_str()) {
            return refuse(format!("{name} is chosen by the engine"));
        }
        if name.contains(char::is_whitespace) || value.contains(['\n', '\r']) {
            return refuse(format!("{name:?} is no line of server.properties"));
        }
        if let Err(reason) = embedded_kafka::check_broker_property(name, value) {
            return refuse(reason);
        }
    }
    Ok(())
}

#[cfg(feature = "containers")]
use crate::docker;

/// What stands for the engine `docker` where it was not built.
#[cfg(not(feature = "containers"))]
mod docker {
    use super::{Cluster, Error, Options};

    pub(super) async fn prepare() -> Result<(), Error> {
        Err(Error::NotBuilt)
    }

    pub(super) async fn start(_options: &Options) -> Result<Box<dyn Cluster>, Error> {
        Err(Error::NotBuilt)
    }
}

impl FromStr for Engine {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "embedded" => Ok(Self::Embedded),
            "apache" => Ok(Self::Apache),
            "docker" => Ok(Self::Docker),
            _ => Err(Error::UnknownEngine { name: name.to_owned() }),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Embedded => "embedded",
            Self::Apache => "apache",
            Self::Docker => "docker",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_known_by_the_name_it_shows() {
        for engine in [Engine::Embedded, Engine::Apache, Engine::Docker] {
            assert_eq!(engine.to_string().parse::<Engine>().unwrap(), engine);
        }
        let error = "redpanda".parse::<Engine>().unwrap_err().to_string();
        assert!(error.contains("\"redpanda\"") && error.contains("apache"), "{error}");
    }

    #[tokio::test]
    async fn a_property_that_kafka_would_ignore_is_refused_on_every_engine() {
        let rows = [
            ("log.retension.ms", "5", "Did you mean log.retention.ms?"),
            ("log.retention.ms", "soon", "Not a number of type LONG"),
            ("colour", "red", "a broker has no setting \"colour\""),
        ];
        for engine in [Engine::Embedded, Engine::Apache, Engine::Docker] {
            for (name, value, reason) in rows {
                let properties = vec![(name.to_owned(), value.to_owned())];
                let options = Options { properties, ..Options::default() };
                let error = engine.start(&options).await.unwrap_err().to_string();
                assert!(error.contains(reason), "{engine}: {error}");
            }
        }
        let properties = vec![("node.id".to_owned(), "5".to_owned())];
        let options = Options { properties, ..Options::default() };
        let error = Engine::Apache.start(&options).await.unwrap_err().to_string();
        assert!(error.contains("node.id is chosen by the engine"), "{error}");
    }

    #[tokio::test]
    async fn a_cluster_without_nodes_is_refused_on_every_engine() {
        for engine in [Engine::Embedded, Engine::Apache, Engine::Docker] {
            let options = Options { nodes: 0, ..Options::default() };
            let error = engine.start(&options).await.unwrap_err();
            assert!(matches!(error, Error::Nodes { nodes: 0 }), "{error}");
        }
    }
}
