//! The arguments of `cargo workshop up`.

use clap::value_parser;
use engines::Engine;

use crate::wanted::Wanted;

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
                                        and a worker of Kafka Connect as well
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

    /// Run no schema registry with the cluster.
    #[arg(long)]
    pub(crate) no_registry: bool,

    /// What runs the cluster: embedded, apache or docker [default: $WORKSHOP_ENGINE, or embedded].
    ///
    /// The data of apache and docker goes when they end.
    #[arg(long)]
    pub(crate) engine: Option<Engine>,

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
