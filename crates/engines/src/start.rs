//! Starts a cluster on an engine.

use crate::apache;
use crate::cluster::Cluster;
#[cfg(feature = "containers")]
use crate::docker;
use crate::embedded;
use crate::engine::Engine;
use crate::error::Error;
use crate::options::Options;
use crate::release::Release;

impl Engine {
    /// Prepares the engine, which can take a while the first time: it downloads Apache Kafka's jars
    /// to a cache directory and says so on stderr.
    ///
    /// # Errors
    /// An error that [is unavailable](Error::is_unavailable) if this machine lacks a requirement.
    pub async fn prepare(self) -> Result<(), Error> {
        match self {
            Self::Embedded => Ok(()),
            Self::Apache => apache::prepare(Release::default()).await,
            Self::Docker => docker::prepare().await,
        }
    }

    /// Starts a cluster. When this returns, every node responds and knows all the others.
    ///
    /// # Errors
    /// An error that [is unavailable](Error::is_unavailable) if this machine lacks a requirement,
    /// and [`Error::DidNotStart`] with the end of the node's log if a node does not start.
    pub async fn start(self, options: &Options) -> Result<Box<dyn Cluster>, Error> {
        if !(1..=9).contains(&options.nodes) {
            return Err(Error::NodeCount { nodes: options.nodes });
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

/// The properties that the engine sets itself, because the nodes need them to find each other.
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

/// Rejects unknown and invalid properties: Apache Kafka only logs a warning for an unknown property
/// and ignores it.
fn check_properties(engine: Engine, options: &Options) -> Result<(), Error> {
    let reject = |reason| Err(Error::Property { engine, reason });
    for (name, value) in &options.properties {
        if OF_THE_ENGINE.contains(&name.as_str()) {
            return reject(format!("{name} is set by the engine"));
        }
        if name.contains(char::is_whitespace) || value.contains(['\n', '\r']) {
            return reject(format!("{name:?} is not valid in server.properties"));
        }
        if let Err(reason) = embedded_kafka::check_broker_property(name, value) {
            return reject(reason);
        }
    }
    Ok(())
}

/// The engine `docker` in a build without the feature `containers`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_property_that_kafka_would_ignore_is_rejected_on_every_engine() {
        let rows = [
            ("log.retension.ms", "5", "Did you mean log.retention.ms?"),
            ("log.retention.ms", "soon", "Not a number of type LONG"),
            ("color", "red", "a broker has no setting \"color\""),
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
        assert!(error.contains("node.id is set by the engine"), "{error}");
    }

    #[tokio::test]
    async fn a_cluster_without_nodes_is_rejected_on_every_engine() {
        for engine in [Engine::Embedded, Engine::Apache, Engine::Docker] {
            let options = Options { nodes: 0, ..Options::default() };
            let error = engine.start(&options).await.unwrap_err();
            assert!(matches!(error, Error::NodeCount { nodes: 0 }), "{error}");
        }
    }
}
