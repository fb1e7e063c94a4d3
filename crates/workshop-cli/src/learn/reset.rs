//! `cargo workshop reset EXERCISE`: replaces a program with its starting point.

use std::fs;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use super::course::{Course, shown};
use super::texts::read;
use super::usage::Usage;

/// Asks, and starts an exercise over: its program and its lines in the progress.
///
/// # Errors
/// [`Usage`] if there is no exercise of this name, or no one to ask and no `--yes`.
pub(crate) fn run(name: &str, yes: bool) -> anyhow::Result<ExitCode> {
    let course = Course::from_environment()?;
    let exercise = course.chosen(Some(name))?;
    let program = course.project().program(exercise);
    let start = read(&course.directory(exercise).join("start.rs"))?;
    // A program that cannot be read has something to lose.
    let has_changed = program.exists() && !fs::read_to_string(&program).is_ok_and(|it| it == start);
    if has_changed && !yes && !confirmed(&shown(&program))? {
        println!("Nothing changed.");
        return Ok(ExitCode::SUCCESS);
    }
    course.project().prepare(exercise)?;
    course.project().reset(exercise)?;
    course.change(|it| it.forget(exercise.slug))?;
    println!("{} is the starting point again, and counts as not done.", shown(&program));
    Ok(ExitCode::SUCCESS)
}

fn confirmed(program: &str) -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let message = "there is no one to ask, because stdin is no terminal: add --yes to replace \
                       your program without";
        return Err(Usage(message.to_owned()).into());
    }
    print!("Replace what you wrote in {program} with the starting point? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
