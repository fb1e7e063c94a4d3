//! `cargo workshop up`: a cluster and its schema registry in the foreground, until Ctrl-C.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::value_parser;
use engines::Engine;
use workshop::{Choice, DataDirectory, Host, HostOptions};

use crate::foreign;
use crate::interrupt::Interrupt;
use crate::wanted::Wanted;
use crate::with::{self, Beside};

/// Run a cluster and a schema registry in this terminal until Ctrl-C.
///
/// Examples in other terminals find it by themselves, or by WORKSHOP_DATA where --data
/// names another directory. What it stores stays for the next run, and `cargo workshop
/// reset` removes it.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop up
  cargo workshop up --nodes 1 --port 19092
  cargo workshop up --data /tmp/lab     a second cluster; its examples need WORKSHOP_DATA=/tmp/lab
  cargo workshop up --registry-port 18081
  cargo workshop up --partitions 4 --topic orders:6 --set log.retention.ms=60000
                                        topics of four partitions, one of six, kept for a minute
  WORKSHOP_WIRE=1 cargo workshop up     print each request that it answers
  cargo workshop up --engine apache     Apache Kafka; needs Java 17 and, once, Maven
  cargo workshop up --engine apache --connect
                                        and a worker of Kafka Connect beside it
  cargo workshop up --port 0 -- cargo run --example 03_producer
                                        a cluster for one command"
)]
pub(crate) struct Arguments {
    /// How many nodes the cluster has, 1 to 9.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u16).range(1..=9))]
    pub(crate) nodes: u16,

    /// The port of the first node; the others take the ports after it.
    ///
    /// A port that is taken is replaced by a free one; 0 means free ones for all.
    #[arg(long, default_value_t = 9092)]
    pub(crate) port: u16,

    /// The port of the schema registry; a free one where it is taken, or 0.
    #[arg(long, default_value_t = 8081, value_name = "PORT")]
    pub(crate) registry_port: u16,

    /// Run no schema registry beside the cluster.
    #[arg(long)]
    pub(crate) no_registry: bool,

    /// What runs the cluster: embedded, apache or docker [default: $WORKSHOP_ENGINE, or embedded].
    ///
    /// The data of apache and docker goes when they end.
    #[arg(long)]
    engine: Option<Engine>,

    #[command(flatten)]
    pub(crate) wanted: Wanted,

    /// Also run a worker of Kafka Connect, on port 8083 if it is free. From the jars of Apache
    /// Kafka, so it needs Java, whatever runs the cluster.
    #[arg(long)]
    pub(crate) connect: bool,

    /// A command to run with KAFKA_BOOTSTRAP_SERVERS set to the cluster, which ends with it.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments, data: &DataDirectory) -> anyhow::Result<ExitCode> {
    let engine = arguments.engine.map_or_else(Engine::from_environment, Ok)?;
    let mut interrupted = Interrupt::listen()?;
    let choice = Choice::from_environment()?;
    let ports = wanted_ports(arguments)?;
    arguments.wanted.check(arguments.nodes)?;
    if engine != Engine::Embedded {
        return foreign::run(arguments, engine, data, &ports, &mut interrupted).await;
    }
    let options = HostOptions {
        nodes: arguments.nodes.into(),
        ports: ports.clone(),
        wire: choice.wire,
        properties: arguments.wanted.properties(),
        topics: arguments.wanted.topics().to_vec(),
        ..HostOptions::default()
    };
    let host = Host::start(data, &options).await?;
    let running = host.running();
    let servers = running.bootstrap_servers();
    let beside = Beside::start(arguments, &servers).await?;
    println!("Cluster of {}, data in {}", count(running.addresses.len()), data.shown());
    describe(&running.addresses, &ports);
    arguments.wanted.describe();
    beside.describe();
    greet(&running.addresses, &servers, &beside, &choice, data);
    let code = with::until_the_end(arguments, &servers, &beside, &mut interrupted).await?;
    if host.has_guests()? {
        println!("\nA program still uses this cluster and loses it now.");
    }
    println!("\nShutting down. What the cluster stored stays in {}", data.shown());
    beside.stop().await;
    host.shutdown().await?;
    Ok(code)
}

fn wanted_ports(arguments: &Arguments) -> anyhow::Result<Vec<u16>> {
    if arguments.port == 0 {
        return Ok(Vec::new());
    }
    (0..arguments.nodes)
        .map(|node| arguments.port.checked_add(node))
        .collect::<Option<Vec<u16>>>()
        .with_context(|| {
            format!(
                "there are no {} ports from {} on: choose a lower --port",
                arguments.nodes, arguments.port
            )
        })
}

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
        "Examples in other terminals find it where they are told of its data:\n  \
         export WORKSHOP_DATA='{path}'"
    )
}

/// Prints what can be done with the cluster.
pub(crate) fn greet(
    addresses: &[SocketAddr],
    servers: &str,
    beside: &Beside,
    choice: &Choice,
    data: &DataDirectory,
) {
    let of_registry = beside
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
