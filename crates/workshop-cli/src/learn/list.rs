//! `cargo workshop list`: which exercises are done, next and skipped.

use std::fmt::Write;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use exercises::Exercise;

use super::course::Course;
use super::parts::parts;
use super::progress::Progress;

/// List the exercises of each part: done, next, skipped.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop list
  WORKSHOP_PROGRESS=../kafka/progress cargo workshop list"
)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    let text = text(&Course::from_environment()?)?;
    match writeln!(std::io::stdout(), "{text}") {
        // `| head` has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the list.
pub(crate) fn text(course: &Course) -> anyhow::Result<String> {
    let progress = course.progress()?;
    let next = course.next()?.map(|it| it.slug);
    let parts = parts(course)?;
    let names = parts.iter().flat_map(|part| &part.exercises).map(|it| it.directory_name().len());
    let width = names.max().unwrap_or(0);
    let mut text = String::new();
    for part in &parts {
        writeln!(text, "{}", part.title)?;
        for exercise in &part.exercises {
            let (mark, name) = (mark(&progress, exercise, next), exercise.directory_name());
            writeln!(text, "  {mark:<7}  {name:<width$}  {}", exercise.title)?;
        }
        writeln!(text)?;
    }
    write!(text, "{}   kept in {}", course.bar()?, course.progress_file())?;
    Ok(text)
}

fn mark(progress: &Progress, exercise: &Exercise, next: Option<&str>) -> &'static str {
    let slug = exercise.slug;
    match () {
        () if progress.is_done(slug) => "done",
        () if progress.is_skipped(slug) => "skipped",
        () if next == Some(slug) => "next",
        () => "",
    }
}
