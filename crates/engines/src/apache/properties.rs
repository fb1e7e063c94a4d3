//! Writes the nodes' settings: Kafka's defaults, except for what a small cluster or a lesson needs.

use std::path::Path;

use uuid::Uuid;

use crate::cluster::Node;

/// The settings that the nodes of a cluster share.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The ids, and the addresses for clients.
    pub(crate) nodes: Vec<Node>,
    /// The port of each node's controller.
    pub(crate) controllers: Vec<u16>,
    /// The default replication factor of topics.
    pub(crate) replication_factor: usize,
    /// The cluster's id.
    pub(crate) cluster_id: String,
    /// Properties set by the caller, which override the ones above.
    pub(crate) properties: Vec<(String, String)>,
}

impl Plan {
    /// Returns the bootstrap servers.
    pub(crate) fn bootstrap_servers(&self) -> String {
        let addresses: Vec<String> = self.nodes.iter().map(|it| it.address.to_string()).collect();
        addresses.join(",")
    }

    /// Writes the `server.properties` of the node at `position`.
    pub(crate) fn properties(&self, position: usize, data: &Path) -> String {
        let Node { id, address } = self.nodes[position];
        let controller = self.controllers[position];
        let voters: Vec<String> = self
            .nodes
            .iter()
            .zip(&self.controllers)
            .map(|(node, port)| format!("{}@127.0.0.1:{port}", node.id))
            .collect();
        let (voters, data) = (voters.join(","), data.display());
        let factor = self.replication_factor;
        let least = if factor == 3 { 2 } else { 1 };
        let asked_for =
            self.properties.iter().map(|(name, value)| format!("{name}={}\n", escaped(value)));
        let asked_for: String = asked_for.collect();
        format!(
            "process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{address},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://{address}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
default.replication.factor={factor}
offsets.topic.replication.factor={factor}
transaction.state.log.replication.factor={factor}
transaction.state.log.min.isr={least}
share.coordinator.state.topic.replication.factor={factor}
share.coordinator.state.topic.min.isr={least}
# Internal topics of 50 partitions would take seconds to create on a laptop.
offsets.topic.num.partitions=5
transaction.state.log.num.partitions=5
# A first member need not wait three seconds for a second one, but as long as in the embedded cluster.
group.initial.rebalance.delay.ms=50
{asked_for}"
        )
    }

    /// Writes the `meta.properties` that says which node a directory belongs to.
    pub(crate) fn meta(&self, id: i32) -> String {
        let (cluster_id, directory_id) = (&self.cluster_id, new_id());
        format!("version=1\ncluster.id={cluster_id}\nnode.id={id}\ndirectory.id={directory_id}\n")
    }
}

/// Escapes a value for a Java properties file: a backslash is written twice.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\")
}

/// Creates a cluster id.
pub(crate) fn new_cluster_id() -> String {
    new_id()
}

/// Creates an id in Kafka's format: 128 bits in 22 characters of URL-safe base64. Hexadecimal
/// digits are among these characters, and the final A is two bits of value and four bits of
/// padding, all zero.
fn new_id() -> String {
    let digits = Uuid::new_v4().simple().to_string();
    format!("{}A", &digits[..21])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::local;

    fn plan(nodes: u16) -> Plan {
        let node = |id: u16| Node { id: id.into(), address: local(9091 + id) };
        Plan {
            nodes: (1..=nodes).map(node).collect(),
            controllers: (1..=nodes).map(|id| 19091 + id).collect(),
            replication_factor: nodes.min(3).into(),
            cluster_id: new_cluster_id(),
            properties: Vec::new(),
        }
    }

    #[test]
    fn requested_properties_come_last_and_win() {
        let properties = vec![("num.partitions".to_owned(), "4".to_owned())];
        let text = Plan { properties, ..plan(1) }.properties(0, Path::new("/data"));
        assert!(text.ends_with("\nnum.partitions=4\n"), "{text}");
    }

    #[test]
    fn each_node_knows_all_controllers_and_its_own_listeners() {
        let second = plan(3).properties(1, Path::new("/data"));
        let lines: Vec<&str> = second.lines().collect();
        assert!(lines.contains(&"node.id=2"));
        let voters = "1@127.0.0.1:19092,2@127.0.0.1:19093,3@127.0.0.1:19094";
        assert!(lines.contains(&format!("controller.quorum.voters={voters}").as_str()), "{second}");
        let own = "listeners=PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:19093";
        assert!(lines.contains(&own), "{second}");
    }

    #[test]
    fn a_single_node_requires_no_second_replica() {
        let only = plan(1).properties(0, Path::new("/data"));
        let asked = only.lines().filter(|it| it.contains("factor=") || it.contains("min.isr="));
        let values: Vec<&str> = asked.filter_map(|line| line.split('=').nth(1)).collect();
        assert_eq!(values, ["1"; 6], "{only}");
    }

    #[test]
    fn an_id_is_128_bits_of_base64() {
        let id = new_id();
        assert_eq!(id.len(), 22);
        assert!(id.chars().all(|it| it.is_ascii_alphanumeric()), "{id}");
        assert_ne!(id, new_id());
    }
}
