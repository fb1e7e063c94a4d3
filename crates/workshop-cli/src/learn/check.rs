//! `cargo workshop check`: judges the learner's program.

use std::cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use exercises::all;

use super::attempt::{Attempt, Outcome, venue};
use super::course::{Course, shown};
use super::ending::Ending;
use super::usage::Usage;
use super::watched::Watched;

/// Run your program for an exercise on a fresh cluster, and say what it did there.
///
/// The first check of an exercise writes my/NN_slug.rs, with a gap for you to fill. The
/// verdict says for each point what was asked for, what the cluster has, and why it
/// matters. The exit code is 0 if your program is right, 1 if it is wrong or does not
/// compile, and 2 if the command line is wrong.
///
/// A command after -- is judged instead, in any language. Its environment names the
/// cluster in KAFKA_BOOTSTRAP_SERVERS, and topics and groups as the task says.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop check                    the next exercise that is neither done nor skipped
  cargo workshop check 3                  the first exercise of chapter 03 that is not done
  cargo workshop check high-airports
  cargo workshop check 3 --watch          again at every save
  cargo workshop check 3 -- python my.py  a program in another language
  cargo workshop check 3 --json           the verdict for other programs

Environment:
  WORKSHOP_MY=DIR                         your programs, instead of my/ in the workspace
  WORKSHOP_PROGRESS=FILE                  your progress, instead of the file progress there
  WORKSHOP_ENGINE=apache                  judge on Apache Kafka"
)]
pub(crate) struct Arguments {
    /// A chapter's number, an exercise's slug, or both: 3, high-airports, 03-high-airports
    /// [default: the next exercise].
    exercise: Option<String>,

    /// Check again whenever you save the program, until Ctrl-C.
    #[arg(long, short)]
    watch: bool,

    /// Print the verdict as one JSON object: exercise, holds, and scenes with their points.
    #[arg(long)]
    json: bool,

    /// The command to judge, instead of your program in Rust.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// The exit code of a program that Ctrl-C has ended: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut ending = Ending::listen()?;
    let course = Course::from_environment()?;
    if arguments.exercise.is_none() && course.next()?.is_none() {
        return all_done(&course, arguments.json);
    }
    let exercise = course.chosen(arguments.exercise.as_deref())?;
    // The last verdict is what a watch comes to.
    let last = Cell::new(None);
    let checked = async {
        let venue = venue().await?;
        let command = &arguments.command;
        let attempt = Attempt { course: &course, exercise, command, venue: &venue };
        begin(&attempt, arguments)?;
        if arguments.watch {
            watch(&attempt, arguments.json, &last).await
        } else {
            check(&attempt, arguments.json, &last).await
        }
    };
    tokio::select! {
        checked = checked => checked?,
        // What runs ends with the future that held it.
        () = ending.wished() => {
            eprintln!("\nInterrupted.");
            if !arguments.watch {
                return Ok(ExitCode::from(INTERRUPTED));
            }
        }
    }
    Ok(if last.get() == Some(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says which exercise it is, and writes its starting point at the first check.
fn begin(attempt: &Attempt<'_>, arguments: &Arguments) -> anyhow::Result<()> {
    let new = attempt.prepare()?;
    if arguments.json {
        return Ok(());
    }
    if arguments.exercise.is_none() {
        println!("{}   {}", attempt.exercise.directory_name(), attempt.course.bar()?);
    }
    new.iter().for_each(|task| println!("\n{task}"));
    Ok(())
}

async fn check(attempt: &Attempt<'_>, json: bool, last: &Cell<Option<bool>>) -> anyhow::Result<()> {
    let outcome = attempt.outcome().await?;
    last.set(Some(outcome.holds()));
    attempt.keep(&outcome);
    show(attempt, &outcome, json)
}

fn show(attempt: &Attempt<'_>, outcome: &Outcome, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", outcome.json(attempt.exercise));
    } else {
        println!("\n{}\n{}", outcome.verdict(), attempt.closing(outcome)?);
    }
    Ok(())
}

/// Checks at every save. A save in the middle of a check starts it again.
async fn watch(attempt: &Attempt<'_>, json: bool, last: &Cell<Option<bool>>) -> anyhow::Result<()> {
    let files = files(attempt)?;
    let names: Vec<String> = files.iter().map(|file| shown(file)).collect();
    let mut watched = Watched::of(files);
    loop {
        tokio::select! {
            checked = check(attempt, json, last) => {
                checked?;
                eprintln!("\nWaiting until you save {}. Ctrl-C ends.", names.join(", "));
                watched.saved().await;
            }
            () = watched.saved() => {}
        }
    }
}

/// Returns the files to watch: the program, or the files that the command names.
fn files(attempt: &Attempt<'_>) -> anyhow::Result<Vec<PathBuf>> {
    if attempt.command.is_empty() {
        return Ok(vec![attempt.course.project().program(attempt.exercise)]);
    }
    let arguments = attempt.command.iter().map(PathBuf::from);
    let files: Vec<PathBuf> = arguments.filter(|path| path.is_file()).collect();
    if files.is_empty() {
        let message =
            "--watch needs a file to watch: name it in the command, as in `-- python my.py`";
        return Err(Usage(message.to_owned()).into());
    }
    Ok(files)
}

fn all_done(course: &Course, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        println!("{}", serde_json::json!({"exercise": null, "holds": true, "scenes": []}));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", course.bar()?);
    let progress = course.progress()?;
    let skipped = all().iter().filter(|it| progress.is_skipped(it.slug)).map(|it| it.slug);
    let skipped: Vec<&str> = skipped.collect();
    match skipped[..] {
        [] => println!("Every exercise is done. To check one again, name it."),
        _ => println!("You have skipped {}. To check one, name it.", skipped.join(", ")),
    }
    Ok(ExitCode::SUCCESS)
}
