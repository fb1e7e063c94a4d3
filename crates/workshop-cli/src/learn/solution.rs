//! `cargo workshop solution`: the learner's program compared with one that is right.

use std::process::ExitCode;

use exercises::Exercise;
use similar::TextDiff;

use super::course::{Course, shown};
use super::texts::read;

/// Compare your program with one that is right.
///
/// The lines that begin with - are yours, and those that begin with + are of the solution.
/// While your program is not right yet, ask twice.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop solution                 for the next exercise
  cargo workshop solution 3
  cargo workshop solution high-airports | less"
)]
pub(crate) struct Arguments {
    /// A chapter's number, an exercise's slug, or both [default: the next exercise].
    exercise: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let course = Course::from_environment()?;
    let exercise = course.chosen(arguments.exercise.as_deref())?;
    println!("{}", asked(&course, exercise)?);
    Ok(ExitCode::SUCCESS)
}

/// Returns the comparison, or at the first time of asking what else would help.
pub(crate) fn asked(course: &Course, exercise: &Exercise) -> anyhow::Result<String> {
    let progress = course.progress()?;
    let slug = exercise.slug;
    if !progress.is_done(slug) && !progress.has_asked_for_solution(slug) {
        course.change(|it| it.mark_solution(slug))?;
        let hints = match progress.hints(slug) {
            3.. => "You have seen every hint.".to_owned(),
            seen => format!(
                "You have seen {seen} of 3 hints, and `cargo workshop hint {slug}` shows the next."
            ),
        };
        let name = exercise.directory_name();
        return Ok(format!(
            "{name} is not done yet. {hints}\nTo see the solution all the same, ask again."
        ));
    }
    compared(course, exercise)
}

fn compared(course: &Course, exercise: &Exercise) -> anyhow::Result<String> {
    let directory = course.directory(exercise);
    let own = course.project().program(exercise);
    // A program in another language is compared with the starting point.
    let own = if own.exists() { own } else { directory.join("start.rs") };
    let solution = directory.join("solution.rs");
    let (old, new) = (read(&own)?, read(&solution)?);
    if old == new {
        return Ok(format!("{} is the solution, letter for letter.", shown(&own)));
    }
    let diff = TextDiff::from_lines(&old, &new);
    let (old_name, new_name) = (shown(&own), shown(&solution));
    let text = diff.unified_diff().context_radius(3).header(&old_name, &new_name).to_string();
    Ok(text.trim_end().to_owned())
}
