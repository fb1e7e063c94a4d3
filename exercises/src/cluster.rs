//! The cluster of a scene, and the nodes of it that stop.
//!
//! On the embedded engine each scene has a cluster of its own, which starts in milliseconds. Apache
//! Kafka takes seconds, so scenes share one there, one after the other, and every scene uses names
//! that no other has.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engines::Engine;

/// The time until the embedded cluster notices a killed node. Kafka's default is 9 s.
const FAILOVER_DELAY: Duration = Duration::from_millis(300);

/// The time between two runs of the log cleaner. Kafka's default is 15 s.
const CLEANER_BACKOFF: Duration = Duration::from_millis(200);

/// Where scenes are played.
#[derive(Debug, Clone)]
pub enum Venue {
    /// Each on an embedded cluster of its own.
    Embedded,
    /// One after the other on a cluster that stays.
    Shared(Arc<Box<dyn engines::Cluster>>),
}

impl Venue {
    /// Returns the venue on the engine that `WORKSHOP_ENGINE` names, and starts the cluster of a
    /// shared one.
    ///
    /// # Errors
    /// The variable names no engine, or the engine's cluster does not start.
    pub async fn from_environment() -> anyhow::Result<Self> {
        let engine = Engine::from_environment()?;
        if engine == Engine::Embedded {
            return Ok(Self::Embedded);
        }
        let backoff = CLEANER_BACKOFF.as_millis().to_string();
        let properties = vec![("log.cleaner.backoff.ms".to_owned(), backoff)];
        let options = engines::Options { properties, ..engines::Options::default() };
        let cluster = engine.start(&options).await?;
        Ok(Self::Shared(Arc::new(cluster)))
    }
}

/// The cluster of one scene: three nodes.
#[derive(Debug, Clone)]
pub(crate) enum SceneCluster {
    Embedded(Arc<embedded_kafka::Cluster>),
    Shared(Arc<Box<dyn engines::Cluster>>),
}

impl SceneCluster {
    pub(crate) async fn at(venue: &Venue) -> anyhow::Result<Self> {
        let cluster = match venue {
            Venue::Shared(cluster) => return Ok(Self::Shared(Arc::clone(cluster))),
            Venue::Embedded => embedded_kafka::Cluster::builder()
                .nodes(3)
                .default_replication_factor(3)
                .failover_delay(FAILOVER_DELAY)
                .log_cleaner_backoff(CLEANER_BACKOFF)
                .start()
                .await
                .context("starting the cluster of the scene")?,
        };
        Ok(Self::Embedded(Arc::new(cluster)))
    }

    pub(crate) fn bootstrap_servers(&self) -> &str {
        match self {
            Self::Embedded(cluster) => cluster.bootstrap_servers(),
            Self::Shared(cluster) => cluster.bootstrap_servers(),
        }
    }

    /// Returns the embedded cluster with its switchboard, if this is one.
    pub(crate) fn switchboard(&self) -> Option<&embedded_kafka::Cluster> {
        match self {
            Self::Embedded(cluster) => Some(cluster),
            Self::Shared(_) => None,
        }
    }

    /// Kills a node, as a power failure does.
    pub(crate) async fn kill_node(&self, id: i32) -> anyhow::Result<()> {
        match self {
            Self::Embedded(cluster) => Ok(cluster.kill_node(id).await?),
            Self::Shared(cluster) => Ok(cluster.kill_node(id).await?),
        }
    }

    /// Starts a node again.
    pub(crate) async fn start_node(&self, id: i32) -> anyhow::Result<()> {
        match self {
            Self::Embedded(cluster) => Ok(cluster.start_node(id).await?),
            Self::Shared(cluster) => Ok(cluster.start_node(id).await?),
        }
    }
}
