//! Measures a Kafka cluster with one librdkafka client, and prints one table.
//!
//! The cluster is ours, in a process of its own so that its CPU time and memory are told apart from
//! the client's, or the one that `KAFKA_BOOTSTRAP_SERVERS` names. What is measured stands in one
//! file per workload; this one decides their order.

mod broker;
mod connections;
mod consume;
mod exactly_once;
mod latency;
mod process;
mod produce;
mod table;
mod topic;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use broker::Broker;
use table::Table;

/// Measure a Kafka cluster: throughput, CPU time, latency and memory.
///
/// Without KAFKA_BOOTSTRAP_SERVERS an embedded cluster is measured, in a process of its own. Client
/// and cluster share this machine's cores: compare CPU seconds per GB rather than single
/// throughputs, and figures from the same machine only.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench", after_help = EXAMPLES)]
struct Arguments {
    /// How many records are produced and consumed in each run.
    #[arg(long, value_name = "RECORDS", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1000..))]
    records: u64,

    /// The size of a record's value in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1024,
          value_parser = clap::value_parser!(u32).range(1..=900_000))]
    size: u32,

    /// How many nodes the embedded cluster has.
    #[arg(long, value_name = "NODES", default_value_t = 3,
          value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: u8,

    /// How many partitions the topic has.
    #[arg(long, value_name = "PARTITIONS", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..))]
    partitions: u16,

    /// How often records are produced and consumed; the table shows the median run.
    #[arg(long, value_name = "RUNS", default_value_t = 3,
          value_parser = clap::value_parser!(u8).range(1..))]
    runs: u8,

    /// How many single records the latency is measured with.
    #[arg(long, value_name = "RECORDS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(100..))]
    latency_records: u32,

    /// Also measure with many connections, producers and partitions.
    #[arg(long)]
    crowd: bool,

    /// Run the embedded cluster for another process of this program, until stdin ends.
    #[arg(long, hide = true)]
    serve: bool,
}

/// What a shell takes for "ended by Ctrl-C".
const INTERRUPTED: i32 = 130;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p bench                      an embedded cluster of three nodes
  cargo run --release -p bench -- --nodes 1         of one node
  cargo run --release -p bench -- --crowd           with many clients at once, too
  KAFKA_BOOTSTRAP_SERVERS=localhost:9092 cargo run --release -p bench
                                                    any other cluster

Units: MB and GB are 10^6 and 10^9 bytes of record values, MB of memory are resident.
A debug build measures the missing optimisation, so build with --release.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.serve {
        broker::serve(arguments.nodes.into()).await
    } else {
        run(arguments).await
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures on a thread of its own, so that Ctrl-C is heard meanwhile. The broker is dropped, and
/// with it its topics and its process, whichever ends first.
async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let broker = Broker::find_or_start(arguments.nodes.into()).await?;
    let measuring = {
        let broker = broker.clone();
        tokio::task::spawn_blocking(move || measure(&arguments, &broker))
    };
    let result = tokio::select! {
        result = measuring => result.context("a measurement panicked")?,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\ninterrupted, cleaning up");
            broker.interrupt();
            broker.clean_up().await;
            // What is measured may be waiting for a cluster that is gone by now.
            std::process::exit(INTERRUPTED);
        }
    };
    broker.clean_up().await;
    result
}

fn measure(arguments: &Arguments, broker: &Broker) -> anyhow::Result<()> {
    println!(
        "{}: {} records of {} bytes, {} partition(s), median of {} run(s)",
        broker.description(),
        arguments.records,
        arguments.size,
        arguments.partitions,
        arguments.runs
    );
    println!("producer: {}", produce::SETTINGS_IN_WORDS);
    println!("consumer: {}\n", consume::SETTINGS_IN_WORDS);
    let mut table = Table::new();
    broker::at_rest(broker, &mut table);
    let load = produce::Load::new(arguments.records, arguments.size);
    let mut written = Vec::new();
    let mut read = Vec::new();
    for _ in 0..arguments.runs {
        let topic = topic::create(broker, arguments.partitions.into())?;
        written.push(produce::measure(broker, &topic, load)?);
        read.push(consume::measure(broker, &topic, load)?);
        topic.delete()?;
    }
    produce::report("produce", &written, &mut table);
    produce::report("consume", &read, &mut table);
    latency::measure(broker, arguments.latency_records, &mut table)?;
    exactly_once::measure(broker, load, arguments.runs, &mut table)?;
    if arguments.crowd {
        connections::measure(broker, load, &mut table)?;
    }
    Ok(())
}
