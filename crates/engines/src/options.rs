//! Options of a cluster, the same on every engine.

use crate::release::Release;

/// Options of a cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// The number of nodes, 1 to 9. The default replication factor is this number, but at most
    /// three.
    pub nodes: usize,
    /// The port of each node; a node gets a free one if its port is taken or missing here.
    pub ports: Vec<u16>,
    /// Broker properties by their names in `server.properties`, such as `num.partitions`. The last
    /// one of a name wins, and overrides the engine's own choice.
    pub properties: Vec<(String, String)>,
    /// The release of Apache Kafka for the engines `apache` and `docker`.
    pub release: Release,
    /// The expected lifetime of a node on the engine `apache`.
    pub lifetime: Lifetime,
}

/// The expected lifetime of a Java process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// For a test or a lesson: Java compiles fast instead of producing fast code, so that a node
    /// starts, and works for a minute, with about half the CPU time.
    #[default]
    Short,
    /// For a measurement: Java compiles with its defaults.
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
    /// Returns the default replication factor of topics.
    pub(crate) fn replication_factor(&self) -> usize {
        self.nodes.min(3)
    }

    /// Returns the port to try first for each node; 0 means any.
    pub(crate) fn wanted_ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.ports.iter().copied().take(self.nodes).collect();
        ports.resize(self.nodes, 0);
        ports
    }
}
