//! `cargo workshop hint`: three steps, each of which says more.

use std::process::ExitCode;

use exercises::Exercise;

use super::course::Course;
use super::texts;

/// Show the next hint for an exercise.
///
/// There are three, and each says more than the one before: where to look, what to use,
/// and nearly the code. When the exercise is done, all three are shown.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop hint                     for the next exercise
  cargo workshop hint 3
  cargo workshop hint high-airports"
)]
pub(crate) struct Arguments {
    /// A chapter's number, an exercise's slug, or both [default: the next exercise].
    exercise: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let course = Course::from_environment()?;
    let exercise = course.chosen(arguments.exercise.as_deref())?;
    println!("{}", next(&course, exercise)?);
    Ok(ExitCode::SUCCESS)
}

/// Returns the next hint, and remembers that the learner has it. Those that were shown before are
/// shown again after the last one, and after a success.
pub(crate) fn next(course: &Course, exercise: &Exercise) -> anyhow::Result<String> {
    let hints = texts::hints(course, exercise)?;
    let progress = course.progress()?;
    let seen = progress.hints(exercise.slug);
    let shown = |number: usize| {
        let name = exercise.directory_name();
        format!("Hint {} of {} for {name}\n\n{}\n", number + 1, hints.len(), hints[number])
    };
    if progress.is_done(exercise.slug) || seen >= hints.len() {
        let all: Vec<String> = (0..hints.len()).map(shown).collect();
        return Ok(all.join("\n"));
    }
    course.change(|it| it.mark_hint(exercise.slug, seen + 1))?;
    Ok(shown(seen))
}
