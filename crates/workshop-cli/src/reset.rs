//! `cargo workshop reset`: start over with an empty cluster, or with an exercise.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::bail;
use workshop::DataDirectory;

use crate::learn;
use crate::table::bytes;

/// Remove all topics, records and groups that the cluster stored.
///
/// Asks before it does. Refuses while a cluster runs on the data directory, and
/// touches no directory that the workshop did not write. Your programs for the exercises
/// and your progress stay.
///
/// With the name of an exercise, the command replaces your program for it with the starting
/// point instead, and the exercise counts as not done. The cluster stays as it is.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop reset
  cargo workshop reset --yes            for scripts
  cargo workshop reset --data /tmp/lab  the cluster that was started with --data /tmp/lab
  cargo workshop reset high-airports    your program for this exercise"
)]
pub(crate) struct Arguments {
    /// The exercise to start over, as a chapter's number, a slug, or both [default: the cluster].
    exercise: Option<String>,

    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

pub(crate) fn run(arguments: &Arguments, data: &DataDirectory) -> anyhow::Result<ExitCode> {
    if let Some(exercise) = &arguments.exercise {
        return learn::reset::run(exercise, arguments.yes);
    }
    let Some(size) = data.check_reset()? else {
        println!("{} holds nothing to remove.", data.shown());
        return Ok(ExitCode::SUCCESS);
    };
    if !arguments.yes && !confirmed(data, size)? {
        println!("Nothing removed.");
        return Ok(ExitCode::SUCCESS);
    }
    let removed = data.reset()?;
    println!("Removed what the cluster stored in {} ({}).", data.shown(), bytes(removed));
    Ok(ExitCode::SUCCESS)
}

fn confirmed(data: &DataDirectory, size: u64) -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("there is no one to ask, because stdin is no terminal: add --yes to reset without");
    }
    print!("Remove all topics, records and groups in {} ({})? [y/N] ", data.shown(), bytes(size));
    std::io::stdout().flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
