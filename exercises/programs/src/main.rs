//! Runs one program of the exercises by name, such as `03-high-airports/solution`.
//!
//! A learner's program is a binary of its own: see `exercises::Project`. This binary exists for
//! the tests, which run every starting point, every solution and every wrong answer.

// The programs are written as files of their own.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unit_arg)]

use std::process::{ExitCode, Termination};

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

fn main() -> ExitCode {
    match std::env::args().nth(1) {
        Some(name) => run(&name),
        None => {
            NAMES.iter().for_each(|name| println!("{name}"));
            ExitCode::SUCCESS
        }
    }
}

fn unknown(name: &str) -> ExitCode {
    eprintln!("there is no program {name}");
    ExitCode::from(2)
}
