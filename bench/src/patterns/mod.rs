//! The helpers for JSON batches and lineage against the same work written for bare rdkafka, and
//! against Python with confluent-kafka.
//!
//! Each kind of work runs in a process of its own, so that memory is measured separately, on a
//! cluster in another: `work.rs` says which kinds there are, and what each does is in helped.rs,
//! bare.rs and python/originals.py. All commit each batch, and handle none before the last one's
//! commit is answered; the helpers read it meanwhile.

mod bare;
mod clock;
mod departure;
mod helped;
mod work;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::value_parser;
use engines::Engine;

use crate::broker::Broker;
use crate::table::{Better, Table, figure, median, megabytes, side_by_side};
use crate::topic;

use work::Work;
pub(crate) use work::{Arguments as WorkArguments, run as work};

/// Measure the helpers against bare rdkafka and against Python.
///
/// Python takes part where one with confluent-kafka is named; nothing is installed for it.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A Python that has confluent-kafka.
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,

    /// How many records each run writes or reads.
    #[arg(long, value_name = "RECORDS", default_value_t = 500_000,
          value_parser = value_parser!(u64).range(1000..))]
    records: u64,

    /// How often each kind of work runs; the table shows the median run.
    #[arg(long, value_name = "RUNS", default_value_t = 3,
          value_parser = value_parser!(u8).range(1..))]
    runs: u8,
}

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p bench -- helpers
  python3 -m venv target/python && target/python/bin/pip install -r bench/python/requirements.txt
  cargo run --release -p bench -- helpers --python target/python/bin/python";

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worker<'a> {
    Helpers,
    Bare,
    Python(&'a Path),
}

impl Worker<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Helpers => "helpers",
            Self::Bare => "rdkafka",
            Self::Python(_) => "python",
        }
    }
}

/// What one process did.
#[derive(Debug, Clone, Copy)]
struct Run {
    records_per_second: f64,
    peak_megabytes: Option<f64>,
}

/// Measures everything, and prints the table.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let broker = Broker::start(Engine::Embedded, 1).await?;
    let measuring = {
        let (arguments, broker) = (arguments.clone(), broker.clone());
        tokio::task::spawn_blocking(move || measure(&arguments, &broker))
    };
    let measured = measuring.await.context("a measurement panicked")?;
    broker.clean_up().await;
    println!("{}", side_by_side(&measured?));
    println!("{} records, median of {} run(s)", arguments.records, arguments.runs);
    if arguments.python.is_none() {
        println!("Python was left out: --python names one that has confluent-kafka.");
    }
    Ok(())
}

fn measure(arguments: &Arguments, broker: &Broker) -> anyhow::Result<Vec<Table>> {
    let mut workers = vec![Worker::Helpers, Worker::Bare];
    workers.extend(arguments.python.as_deref().map(Worker::Python));
    let mut tables: Vec<Table> = workers.iter().map(|worker| Table::new(worker.name())).collect();
    let input = topic::create(broker, 1)?;
    one(broker, Worker::Helpers, Work::LineageOut, &input.name, arguments.records)?;
    for work in Work::ALL {
        let mut runs = vec![Vec::new(); workers.len()];
        // In turns, so that what disturbs the machine for a while disturbs all of them, and another
        // one begins each time: who comes after a pause pays for memory that the system took back.
        // The first turn is not counted.
        for turn in 0..=usize::from(arguments.runs) {
            for step in 0..workers.len() {
                let who = (turn + step) % workers.len();
                let output = topic::create(broker, 1)?;
                let topic = if work.reads() { &input.name } else { &output.name };
                let run = one(broker, workers[who], work, topic, arguments.records)?;
                runs[who].extend((turn > 0).then_some(run));
                output.delete()?;
            }
        }
        for (runs, table) in runs.iter().zip(&mut tables) {
            report(work, runs, table);
        }
    }
    input.delete()?;
    Ok(tables)
}

fn report(work: Work, runs: &[Run], table: &mut Table) {
    let speeds = runs.iter().map(|run| run.records_per_second).collect();
    table.line(work.title(), median(speeds), "records/s", Better::More);
    let peak = runs.iter().filter_map(|run| run.peak_megabytes).max_by(f64::total_cmp);
    table.line(&format!("{}: memory", work.title()), peak, "MB", Better::Less);
}

/// Runs one process, which prints how many seconds it took and the most KiB that it held.
fn one(
    broker: &Broker,
    worker: Worker<'_>,
    work: Work,
    topic: &str,
    records: u64,
) -> anyhow::Result<Run> {
    broker.check_interrupted()?;
    let mut command = match worker {
        Worker::Python(python) => {
            let mut command = Command::new(python);
            command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/originals.py"));
            command
        }
        Worker::Helpers | Worker::Bare => {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["work", worker.name()]);
            command
        }
    };
    let name = work.to_string();
    command.args([&name, broker.bootstrap_servers(), topic, &records.to_string()]);
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let output = output.with_context(|| format!("{command:?} cannot be started"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let told = text.trim().split_once(' ').and_then(|(seconds, kilobytes)| {
        Some((seconds.parse::<f64>().ok()?, kilobytes.parse::<u64>().ok()?))
    });
    let Some((seconds, kilobytes)) = told.filter(|_| output.status.success()) else {
        bail!("{command:?} ended with {}", output.status);
    };
    Ok(Run {
        records_per_second: figure(records) / seconds,
        peak_megabytes: (kilobytes > 0).then(|| megabytes(kilobytes * 1024)),
    })
}
