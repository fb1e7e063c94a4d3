//! Settings of a container, as environment variables that the official image turns into
//! `server.properties`.

use crate::cluster::Node;

/// The port inside a container that clients on this machine connect to.
pub(super) const CLIENTS: u16 = 19092;

/// Lists the variables of one node: the official image takes each setting as `KAFKA_` and its
/// name, with `_` for each dot.
pub(super) fn variables(
    nodes: &[Node],
    cluster_id: &str,
    node: Node,
    network: &str,
    factor: usize,
) -> Vec<(&'static str, String)> {
    let Node { id, address } = node;
    let voters: Vec<String> =
        nodes.iter().map(|it| format!("{0}@{network}-{0}:9093", it.id)).collect();
    let least = if factor == 3 { 2 } else { 1 };
    let listeners =
        format!("CLIENTS://0.0.0.0:{CLIENTS},NODES://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093");
    let protocols = "CLIENTS:PLAINTEXT,NODES:PLAINTEXT,CONTROLLER:PLAINTEXT";
    vec![
        ("CLUSTER_ID", cluster_id.to_owned()),
        ("KAFKA_NODE_ID", id.to_string()),
        ("KAFKA_PROCESS_ROLES", "broker,controller".to_owned()),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", voters.join(",")),
        ("KAFKA_LISTENERS", listeners),
        ("KAFKA_ADVERTISED_LISTENERS", format!("CLIENTS://{address},NODES://{network}-{id}:9092")),
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

/// Names the variable from which the official image makes a property.
pub(super) fn variable(property: &str) -> String {
    let name = property.replace('-', "___").replace('_', "__").replace('.', "_");
    format!("KAFKA_{}", name.to_uppercase())
}
