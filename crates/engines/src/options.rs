//! Options of a cluster, the same on every engine.

use crate::release::Release;

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
