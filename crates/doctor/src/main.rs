//! The command `cargo doctor`: the same as `cargo workshop doctor`, built in seconds.

use std::process::ExitCode;

use doctor::{Ports, examine};

const HELP: &str = "\
Tell whether this machine is ready for the workshop, and what to do if not

Usage: cargo doctor [--json]

The exit code is 0 if nothing required is missing, else 1.
`cargo workshop doctor` does the same, and also takes ports.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let report = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let report = examine(Ports::default());
            println!("{report}");
            report
        }
        ["--json"] => {
            let report = examine(Ports::default());
            println!("{}", report.to_json());
            report
        }
        ["--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    if report.is_ready() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
