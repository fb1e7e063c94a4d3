//! Measures Kafka clusters with librdkafka as the client, and prints one table.
//!
//! A cluster is one of an engine, in processes of its own so that its CPU time and memory are
//! measured apart from the client's, or the one that `KAFKA_BOOTSTRAP_SERVERS` names. What is
//! measured stands in one file per workload; this one decides their order. What the helpers cost is
//! measured in patterns/.

mod admin;
mod broker;
mod compressed;
mod connections;
mod consume;
mod exactly_once;
mod group;
mod latency;
mod patterns;
mod process;
mod produce;
mod table;
mod topic;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use engines::Engine;

use broker::Broker;
use produce::Load;
use table::{Better, Table, median, side_by_side};

/// Measure Kafka clusters: throughput, CPU time, latency and memory.
///
/// The embedded cluster is measured, and with --engine another one after it; or, where
/// KAFKA_BOOTSTRAP_SERVERS is set, the cluster that it names. Client and cluster share this
/// machine's cores: compare CPU seconds per GB rather than single throughputs, and figures from the
/// same machine only.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench", after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// What to measure in addition to the embedded cluster: apache or docker.
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,

    /// How many records are produced and consumed in each run.
    #[arg(long, value_name = "RECORDS", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1000..))]
    records: u64,

    /// How many nodes a cluster has.
    #[arg(long, value_name = "NODES", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: u8,

    /// How many partitions the topic has.
    #[arg(long, value_name = "PARTITIONS", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..))]
    partitions: u16,

    /// How often records are produced, consumed and copied, a group forms and topics are created;
    /// the table shows the median. All else is measured once.
    #[arg(long, value_name = "RUNS", default_value_t = 3,
          value_parser = clap::value_parser!(u8).range(1..))]
    runs: u8,

    /// How many single records the latency is measured with, 1,000 in each second.
    #[arg(long, value_name = "RECORDS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(100..))]
    latency_records: u32,

    /// Run a cluster for another process of this program, until stdin ends.
    #[arg(long, hide = true)]
    serve: Option<Engine>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    Helpers(patterns::Arguments),
    /// Do one kind of work for another process of this program.
    #[command(hide = true)]
    Work(patterns::WorkArguments),
}

/// What a shell takes for "ended by Ctrl-C".
const INTERRUPTED: i32 = 130;

/// The size of a large record's value in bytes; small ones have [`SMALL`].
const SIZE: u32 = 1024;

const SMALL: u32 = 100;

/// How many topics are created in one request.
const TOPICS: usize = 1_000;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p bench                      the embedded cluster of one node
  cargo run --release -p bench -- --engine apache   and Apache Kafka as well
  cargo run --release -p bench -- --nodes 3         clusters of three nodes
  cargo run --release -p bench -- helpers           the helpers against bare rdkafka and Python
  KAFKA_BOOTSTRAP_SERVERS=localhost:9092 cargo run --release -p bench
                                                    any other cluster

Units: MB and GB are 10^6 and 10^9 bytes of record values, MB of memory are resident.
A debug build measures the missing optimization, so build with --release.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (&arguments.command, arguments.serve) {
        (Some(Command::Helpers(arguments)), _) => patterns::run(arguments).await,
        (Some(Command::Work(arguments)), _) => patterns::work(arguments.clone()).await,
        (None, Some(engine)) => broker::serve(engine, arguments.nodes.into()).await,
        (None, None) => run(&arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures one cluster after the other, and prints their table.
async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    eprintln!("producer: {}", produce::SETTINGS_IN_WORDS);
    eprintln!("consumer: {}\n", consume::SETTINGS_IN_WORDS);
    let mut tables = Vec::new();
    match std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
        Ok(named) if !named.is_empty() => tables.push(alone(arguments, Broker::at(named)).await?),
        _ => {
            let engines = std::iter::once(Engine::Embedded).chain(arguments.engine);
            for engine in engines {
                let broker = Broker::start(engine, arguments.nodes.into()).await?;
                tables.push(alone(arguments, broker).await?);
            }
        }
    }
    eprintln!();
    println!("{}", side_by_side(&tables));
    println!(
        "{} node(s), {} partition(s); {} records produced and consumed, median of {} run(s); start, \
         rest, latency ({} records) and idle connections measured once",
        arguments.nodes,
        arguments.partitions,
        arguments.records,
        arguments.runs,
        arguments.latency_records
    );
    Ok(())
}

/// Measures on a thread of its own, so that Ctrl-C is heard meanwhile. The broker is dropped, and
/// with it its topics and its process, whichever ends first.
async fn alone(arguments: &Arguments, broker: Broker) -> anyhow::Result<Table> {
    let measuring = {
        let (arguments, broker) = (arguments.clone(), broker.clone());
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

fn measure(arguments: &Arguments, broker: &Broker) -> anyhow::Result<Table> {
    let mut table = Table::new(&broker.name());
    broker::at_rest(broker, &mut table);
    let large = Load::new(arguments.records, SIZE);
    throughput(arguments, broker, large, &mut table)?;
    for size in [SIZE, SMALL] {
        let load = Load::new(arguments.records, size);
        compressed::measure(broker, load, arguments.runs, &mut table)?;
    }
    latency::measure(broker, arguments.latency_records, "latency at 1,000 records/s", &mut table)?;
    group::measure(broker, arguments.runs, &mut table)?;
    let created = (0..arguments.runs)
        .map(|_| Ok(topic::create_many(broker, TOPICS)?.as_secs_f64() * 1e3))
        .collect::<anyhow::Result<Vec<f64>>>()?;
    table.line("1,000 topics created", median(created), "ms", Better::Less);
    exactly_once::measure(broker, large, arguments.runs, &mut table)?;
    connections::measure(broker, large, arguments.latency_records, &mut table)?;
    Ok(table)
}

/// Produces and consumes, large records and small ones.
fn throughput(
    arguments: &Arguments,
    broker: &Broker,
    large: Load,
    table: &mut Table,
) -> anyhow::Result<()> {
    let (mut written, mut read, mut small) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..arguments.runs {
        let topic = topic::create(broker, arguments.partitions.into())?;
        written.push(produce::measure(broker, &topic, large)?);
        read.push(consume::measure(broker, &topic, large)?);
        topic.delete()?;
        let topic = topic::create(broker, arguments.partitions.into())?;
        small.push(produce::measure(broker, &topic, Load::new(arguments.records, SMALL))?);
        topic.delete()?;
    }
    produce::report("produce 1 KiB", &written, table);
    produce::report("produce 100 B", &small, table);
    produce::report("consume 1 KiB", &read, table);
    Ok(())
}
