//! `cargo workshop learn`: the whole way on one screen.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use exercises::{Exercise, Venue};

use super::attempt::{Attempt, venue};
use super::course::{Course, shown};
use super::ending::Ending;
use super::keys::{Key, Keys, SHOWN};
use super::watched::Watched;
use super::{hint, list, solution, texts};

/// Go through all exercises on one screen: your program is checked at every save.
///
/// The keys are a letter and Enter: r runs the check again, h shows a hint, s compares with
/// the solution, n goes to the next exercise, l lists all of them, and q quits. Keys can come
/// from a pipe: each is then handled after the check before it.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop learn
  echo l | cargo workshop learn           check the next exercise, and list all

Environment:
  WORKSHOP_MY=DIR                         your programs, instead of my/ in the workspace
  WORKSHOP_PROGRESS=FILE                  your progress, instead of the file progress there"
)]
pub(crate) struct Arguments {}

pub(crate) async fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    let mut ending = Ending::listen()?;
    let course = Course::from_environment()?;
    tokio::select! {
        done = learn(&course) => done?,
        // What runs ends with the future that held it.
        () = ending.wished() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// What comes after a key or a check.
#[derive(Debug, Clone, Copy)]
enum Then {
    Wait,
    Check,
    GoTo(&'static Exercise),
    Quit,
}

async fn learn(course: &Course) -> anyhow::Result<()> {
    let Some(mut exercise) = course.next()? else {
        println!("{}", list::text(course)?);
        println!("No exercise is open.");
        return Ok(());
    };
    let venue = venue().await?;
    let mut keys = Keys::of_stdin();
    loop {
        match work_on(course, exercise, &venue, &mut keys).await? {
            Some(next) => exercise = next,
            None => return Ok(()),
        }
    }
}

/// Works on one exercise, and returns the next one, or nothing at the end.
async fn work_on(
    course: &Course,
    exercise: &'static Exercise,
    venue: &Venue,
    keys: &mut Keys,
) -> anyhow::Result<Option<&'static Exercise>> {
    let attempt = Attempt { course, exercise, command: &[], venue };
    attempt.prepare()?;
    clear()?;
    println!("{}\n{}", header(course, exercise)?, texts::task(course, exercise)?);
    let mut watched = Watched::of(vec![course.project().program(exercise)]);
    let mut then = Then::Check;
    loop {
        then = match then {
            Then::Check => checked(&attempt, &mut watched, keys).await?,
            Then::Wait => tokio::select! {
                () = watched.saved() => again(course, exercise)?,
                key = keys.next() => pressed(course, exercise, key)?,
            },
            Then::GoTo(next) => return Ok(Some(next)),
            Then::Quit => return Ok(None),
        };
    }
}

/// Checks the program once, and shows the verdict. A save starts the check again, and so does the
/// key r.
async fn checked(
    attempt: &Attempt<'_>,
    watched: &mut Watched,
    keys: &mut Keys,
) -> anyhow::Result<Then> {
    let (course, exercise) = (attempt.course, attempt.exercise);
    let mut judged = std::pin::pin!(attempt.outcome());
    loop {
        let are_typed = keys.are_typed();
        tokio::select! {
            outcome = &mut judged => {
                let outcome = outcome?;
                attempt.keep(&outcome);
                println!("\n{}\n{}\n\n{SHOWN}", outcome.verdict(), attempt.closing(&outcome)?);
                return Ok(Then::Wait);
            }
            () = watched.saved() => return again(course, exercise),
            key = keys.next(), if are_typed => match pressed(course, exercise, key)? {
                // The check continues.
                Then::Wait => {}
                other => return Ok(other),
            },
        }
    }
}

fn again(course: &Course, exercise: &Exercise) -> anyhow::Result<Then> {
    clear()?;
    println!("{}", header(course, exercise)?);
    Ok(Then::Check)
}

fn pressed(course: &Course, exercise: &'static Exercise, key: Key) -> anyhow::Result<Then> {
    match key {
        Key::Run => return again(course, exercise),
        Key::Quit => return Ok(Then::Quit),
        Key::Next => match course.next_after(exercise)? {
            Some(next) => return Ok(Then::GoTo(next)),
            None => println!("No other exercise is open."),
        },
        Key::Hint => println!("\n{}", hint::next(course, exercise)?),
        Key::Solution => println!("\n{}", solution::asked(course, exercise)?),
        Key::List => println!("\n{}", list::text(course)?),
        Key::Unknown => {}
    }
    println!("\n{SHOWN}");
    Ok(Then::Wait)
}

/// The first lines of the screen: how far the learner is, and where to write.
fn header(course: &Course, exercise: &Exercise) -> anyhow::Result<String> {
    let task = shown(&course.directory(exercise).join("README.md"));
    let program = shown(&course.project().program(exercise));
    let (name, bar) = (exercise.directory_name(), course.bar()?);
    Ok(format!("{name}   {bar}\nTask      {task}\nProgram   {program}, checked at every save\n"))
}

/// Clears the terminal. Over a pipe, a line separates the screens.
fn clear() -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    let is_plain = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if stdout.is_terminal() && !is_plain {
        write!(stdout, "\x1b[2J\x1b[H")?;
    } else {
        writeln!(stdout, "{}", "-".repeat(72))?;
    }
    Ok(stdout.flush()?)
}
