//! `cargo workshop doctor`: whether this machine is ready. The checks are in the package `doctor`,
//! which builds without a C compiler, also as `cargo doctor`.

use std::process::ExitCode;

use doctor::{Ports, examine};

/// Tell whether this machine is ready for the workshop, and what to do if not.
///
/// Takes at most five seconds. The exit code is 0 if nothing required is missing, else
/// 1. `cargo doctor` does the same before the first build, and needs only Rust.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop doctor
  cargo workshop doctor --json
  cargo workshop doctor --port 19092    for `cargo workshop up --port 19092`"
)]
pub(crate) struct Arguments {
    /// Print one object of JSON.
    #[arg(long)]
    json: bool,

    /// The port of the first node; the other two take the ports after it.
    #[arg(long, default_value_t = Ports::default().first)]
    port: u16,

    /// The port of the schema registry.
    #[arg(long, default_value_t = Ports::default().registry, value_name = "PORT")]
    registry_port: u16,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let report = examine(Ports { first: arguments.port, registry: arguments.registry_port });
    if arguments.json {
        println!("{}", report.to_json());
    } else {
        println!("{report}");
    }
    if report.is_ready() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
