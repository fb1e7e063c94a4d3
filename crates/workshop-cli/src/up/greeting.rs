//! What `up` prints once its cluster runs: where the nodes are, and what to do with them.

use std::net::SocketAddr;

use workshop::{Choice, DataDirectory};

use crate::companions::Companions;

/// How many nodes, in words.
pub(crate) fn count(nodes: usize) -> String {
    if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") }
}

/// Prints where the nodes are.
pub(crate) fn describe(addresses: &[SocketAddr], wanted: &[u16]) {
    for (index, address) in addresses.iter().enumerate() {
        let replaced = match wanted.get(index) {
            Some(port) if *port != address.port() => format!("  (port {port} is taken)"),
            _ => String::new(),
        };
        println!("  node {}  {address}{replaced}", index + 1);
    }
}

/// What a learner says in another terminal, so that examples find the cluster.
fn how_to_find(data: &DataDirectory) -> String {
    if *data == DataDirectory::standard() {
        return "Examples in other terminals find it by themselves:".to_owned();
    }
    let path = data.path().display().to_string().replace('\'', r"'\''");
    format!(
        "Examples in other terminals find it where they know its data directory:\n  \
         export WORKSHOP_DATA='{path}'"
    )
}

/// Prints what can be done with the cluster.
pub(crate) fn greet(
    addresses: &[SocketAddr],
    servers: &str,
    companions: &Companions,
    choice: &Choice,
    data: &DataDirectory,
) {
    let of_registry = companions
        .registry_url()
        .map(|url| format!("\n  export SCHEMA_REGISTRY_URL={url}"))
        .unwrap_or_default();
    let first = addresses.first().map(ToString::to_string).unwrap_or_default();
    println!(
        "
{}
  cargo run --example 03_producer

Other programs take its address:
  export KAFKA_BOOTSTRAP_SERVERS={servers}{of_registry}
  kafka-topics --bootstrap-server {first} --list

Ctrl-C ends it.",
        how_to_find(data)
    );
    if let Some(servers) = &choice.bootstrap_servers {
        println!(
            "\nKAFKA_BOOTSTRAP_SERVERS is {servers} in this shell: examples that see it go there, \
             not here."
        );
    }
}
