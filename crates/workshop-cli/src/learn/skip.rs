//! `cargo workshop skip`: continues without an exercise.

use std::process::ExitCode;

use super::course::Course;

/// Go on without an exercise. It stays in the list, and a check makes it done.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop skip                     the next exercise
  cargo workshop skip 3
  cargo workshop skip high-airports"
)]
pub(crate) struct Arguments {
    /// A chapter's number, an exercise's slug, or both [default: the next exercise].
    exercise: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let course = Course::from_environment()?;
    let exercise = course.chosen(arguments.exercise.as_deref())?;
    let name = exercise.directory_name();
    if course.progress()?.is_done(exercise.slug) {
        println!("{name} is done already.");
        return Ok(ExitCode::SUCCESS);
    }
    course.change(|it| it.mark_skipped(exercise.slug))?;
    println!("{name} is skipped.");
    match course.next()? {
        Some(next) => println!("Next: cargo workshop check {}", next.slug),
        None => println!("No other exercise is open."),
    }
    Ok(ExitCode::SUCCESS)
}
