//! The command `cargo workshop`: a cluster that stays while examples come and go.
//!
//! One file per subcommand. What they know of clusters and data directories is in the library
//! `workshop`, which the examples use as well.

mod checkout;
mod companions;
mod conformance;
mod doctor;
mod fault;
mod foreign;
mod interrupt;
mod learn;
mod ledger;
mod new;
mod node;
mod orders;
mod registry;
mod reset;
mod status;
mod table;
mod up;
mod wanted;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use workshop::DataDirectory;

/// Run, inspect and reset the cluster that the examples talk to.
///
/// No example needs this command: each starts an embedded cluster where none runs,
/// and what it stores is there for the next one. A cluster that stays is for working
/// in several terminals, and for other Kafka tools.
#[derive(Debug, Parser)]
#[command(verbatim_doc_comment, name = "cargo workshop", bin_name = "cargo workshop", version)]
#[command(after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Where the cluster's data is [default: $WORKSHOP_DATA, or .workshop/ in the workspace].
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::arguments::Arguments),
    Status(status::Arguments),
    Reset(reset::Arguments),
    Node(node::Arguments),
    Fault(fault::Arguments),
    Ledger(ledger::Arguments),
    Conformance(conformance::Arguments),
    New(new::Arguments),
    Doctor(doctor::Arguments),
    Learn(learn::screen::Arguments),
    Check(learn::check::Arguments),
    Hint(learn::hint::Arguments),
    Solution(learn::solution::Arguments),
    List(learn::list::Arguments),
    Skip(learn::skip::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  cargo workshop up                     three nodes on 127.0.0.1:9092, 9093 and 9094,
                                        and a schema registry on 8081
  cargo workshop up --engine apache     the same with Apache Kafka
  cargo workshop status                 nodes, topics, groups and their lag
  cargo workshop reset                  start over with an empty cluster
  cargo workshop node 2 kill            kill node 2 of the cluster that is up
  cargo workshop fault drop-response Produce
                                        lose the answer to the next Produce request
  cargo workshop ledger -- ./my-program
                                        whether its records were lost or duplicated
  cargo workshop conformance            whether it answers as Apache Kafka does
  cargo workshop new ../billing --template consumer
                                        a project of your own to start from
  cargo workshop doctor                 whether this machine is ready, and what to do if not
  cargo workshop learn                  all exercises on one screen, checked at every save
  cargo workshop check                  whether your program for the next exercise is right
  cargo workshop hint                   help with it, in three steps
  cargo workshop list                   which exercises are done

Environment:
  WORKSHOP_DATA=DIR                     another data directory, so another cluster
  WORKSHOP_ENGINE=apache                what `up` runs: embedded, apache or docker
  WORKSHOP_WIRE=1                       print each request that the cluster answers
  KAFKA_BOOTSTRAP_SERVERS=HOST:PORT     examples and status use this cluster instead
  WORKSHOP_MY=DIR                       your programs for the exercises, instead of my/
  WORKSHOP_PROGRESS=FILE                your progress, instead of my/progress
  RUST_LOG=debug                        more of the log, on stderr";

/// The exit code where this machine lacks what an engine needs, so that a script can tell it from a
/// failure; `EX_UNAVAILABLE` of sysexits.h.
const UNAVAILABLE: u8 = 69;

/// The time that threads get to end after the command has ended.
const LEFT_TO_THREADS: Duration = Duration::from_millis(500);

fn main() -> std::io::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    let code = runtime.block_on(run());
    // A check that was interrupted may leave a thread that sends records to a cluster that is gone.
    runtime.shutdown_timeout(LEFT_TO_THREADS);
    Ok(code)
}

async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // These commands cause rejections and failures on purpose, which need no warning.
    let level = match arguments.command {
        Command::Conformance(_) | Command::Check(_) | Command::Learn(_) => LevelFilter::ERROR,
        _ => LevelFilter::WARN,
    };
    let chosen = std::env::var("RUST_LOG").ok().and_then(|it| it.parse().ok());
    let filter: Targets = chosen.unwrap_or_else(|| Targets::new().with_default(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(filter);
    tracing_subscriber::registry().with(lines).init();

    let data = match arguments.data {
        Some(path) => DataDirectory::at(path),
        None => DataDirectory::from_environment(),
    };
    let done = match arguments.command {
        Command::Up(arguments) => up::run(&arguments, &data).await,
        Command::Status(arguments) => {
            status::run(&arguments, data).await.map(|()| ExitCode::SUCCESS)
        }
        Command::Reset(arguments) => reset::run(&arguments, &data),
        Command::Node(arguments) => node::run(&arguments, &data).await,
        Command::Fault(arguments) => fault::run(arguments, &data).await,
        Command::Ledger(arguments) => ledger::run(&arguments).await,
        Command::Conformance(arguments) => conformance::run(&arguments).await,
        Command::New(arguments) => new::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Doctor(arguments) => Ok(doctor::run(&arguments)),
        Command::Learn(arguments) => learn::screen::run(&arguments).await,
        Command::Check(arguments) => learn::check::run(&arguments).await,
        Command::Hint(arguments) => learn::hint::run(&arguments),
        Command::Solution(arguments) => learn::solution::run(&arguments),
        Command::List(arguments) => learn::list::run(&arguments),
        Command::Skip(arguments) => learn::skip::run(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<learn::usage::Usage>() {
                return ExitCode::from(learn::usage::CODE);
            }
            match error.downcast_ref::<engines::Error>() {
                Some(missing) if missing.is_unavailable() => ExitCode::from(UNAVAILABLE),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_contradict_neither_clap_nor_each_other() {
        Arguments::command().debug_assert();
    }
}
