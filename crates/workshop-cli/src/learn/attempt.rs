//! One check of one program: building, judging, the verdict, and the mark in the progress.

use std::env;
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal};
use std::time::Instant;

use exercises::{Built, Exercise, Program, SceneVerdict, Venue, Verdict, build, judge};
use helpers::config::FROM_ENVIRONMENT;
use serde_json::{Value, json};

use super::course::{Course, shown};
use super::texts;
use super::usage::Usage;

/// A program of the learner for an exercise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) course: &'a Course,
    pub(crate) exercise: &'static Exercise,
    /// The command to judge; empty for the program in the learner's package.
    pub(crate) command: &'a [OsString],
    pub(crate) venue: &'a Venue,
}

/// What a check comes to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Judged(Verdict),
    /// The program does not compile; the text is cargo's.
    NotBuilt(String),
}

/// Returns where the scenes are played, as `WORKSHOP_ENGINE` says.
///
/// # Errors
/// [`Usage`] if the environment has security settings, which neither the clusters of the scenes nor
/// the learner's program could use.
pub(crate) async fn venue() -> anyhow::Result<Venue> {
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(name) = FROM_ENVIRONMENT.iter().map(|(name, _)| *name).find(is_set) {
        let message = format!(
            "{name} is set, but the clusters of the exercises have no security: run \
             `env -u {name} cargo workshop check`"
        );
        return Err(Usage(message).into());
    }
    Venue::from_environment().await
}

impl Attempt<'_> {
    /// Makes the learner's program from the starting point if there is none yet, and says so. With
    /// a command of the learner's own there is nothing to prepare.
    pub(crate) fn prepare(&self) -> anyhow::Result<Option<String>> {
        if !self.command.is_empty() || !self.course.project().prepare(self.exercise)? {
            return Ok(None);
        }
        let program = shown(&self.course.project().program(self.exercise));
        let task = texts::task(self.course, self.exercise)?;
        Ok(Some(format!("{}\n\n{program} is new: write your program there.\n", task.trim_end())))
    }

    /// Builds the program and plays the scenes, with progress on stderr. Dropping the future ends
    /// the build or the program.
    pub(crate) async fn outcome(&self) -> anyhow::Result<Outcome> {
        let program = match self.program().await? {
            Ok(program) => program,
            Err(errors) => return Ok(Outcome::NotBuilt(errors)),
        };
        let (count, mut number) = (self.exercise.scenes.len(), 0);
        let first = self.exercise.scenes.first().map_or("", |scene| scene.name);
        eprintln!("Checking {}: {first}", self.exercise.directory_name());
        let report = |scene: &SceneVerdict| {
            number += 1;
            let end = match (&scene.skipped, scene.holds()) {
                (Some(_), _) => "skipped",
                (None, true) => "right",
                (None, false) => "wrong",
            };
            let seconds = scene.elapsed.as_secs_f64();
            eprintln!("  scene {number} of {count}, {}: {end} ({seconds:.1} s)", scene.scene);
        };
        let judged = judge(self.exercise, &program, self.venue, report).await;
        judged.map(Outcome::Judged).map_err(|error| self.explained(error))
    }

    /// Returns the program to judge, or the errors of its build.
    async fn program(&self) -> anyhow::Result<Result<Program, String>> {
        if !self.command.is_empty() {
            let (command, directory) = (self.command.to_vec(), env::current_dir()?);
            return Ok(Ok(Program { command, directory }));
        }
        let project = self.course.project();
        eprintln!("Building {}", shown(&project.program(self.exercise)));
        let begin = Instant::now();
        let built = build(project, self.exercise, std::io::stderr().is_terminal()).await?;
        tracing::debug!("the build took {:?}", begin.elapsed());
        Ok(match built {
            Built::Program(path) => {
                let directory = project.checkout().to_owned();
                Ok(Program { command: vec![path.into()], directory })
            }
            Built::Failed(errors) => Err(errors),
        })
    }

    /// A command that does not exist is a mistake in the command line.
    fn explained(&self, error: anyhow::Error) -> anyhow::Error {
        let is_missing = |error: &std::io::Error| {
            matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
        };
        let mut causes = error.chain().filter_map(|it| it.downcast_ref::<std::io::Error>());
        if !self.command.is_empty() && causes.any(is_missing) {
            return Usage(format!("{error:#}")).into();
        }
        error
    }

    /// Keeps a success. What cannot be kept is reported, since the verdict holds all the same.
    pub(crate) fn keep(&self, outcome: &Outcome) {
        if !outcome.holds() {
            return;
        }
        if let Err(error) = self.course.change(|it| it.mark_done(self.exercise.slug)) {
            eprintln!("warning: the progress is not saved: {error:#}");
        }
    }

    /// Says what the outcome is, and what to do next.
    pub(crate) fn closing(&self, outcome: &Outcome) -> anyhow::Result<String> {
        let (name, slug) = (self.exercise.directory_name(), self.exercise.slug);
        if !outcome.holds() {
            let read = shown(&self.course.directory(self.exercise).join("README.md"));
            let verdict = match outcome {
                Outcome::NotBuilt(_) => "does not compile yet",
                Outcome::Judged(_) => "is not right yet",
            };
            return Ok(format!(
                "{name} {verdict}. The task is in {read}\nFor a hint: cargo workshop hint {slug}"
            ));
        }
        let next = match self.course.next_after(self.exercise)? {
            Some(next) => self.next_step(next),
            None => "It was the last one that was open.".to_owned(),
        };
        let bar = self.course.bar()?;
        let compare = format!("To compare with another solution: cargo workshop solution {slug}");
        Ok(format!("{name} is right.   {bar}\n{compare}\n{next}"))
    }

    /// Names the command for another exercise. With a program in another language, the check would
    /// not print the task.
    fn next_step(&self, next: &Exercise) -> String {
        let check = format!("cargo workshop check {}", next.slug);
        if self.command.is_empty() {
            return format!("Next: {check}");
        }
        let task = shown(&self.course.directory(next).join("README.md"));
        format!("Next: {check} -- COMMAND   The task is in {task}")
    }
}

impl Outcome {
    /// Tells whether the program is right.
    pub(crate) fn holds(&self) -> bool {
        matches!(self, Self::Judged(verdict) if verdict.holds())
    }

    /// Formats the verdict. Cargo's errors are on stderr already.
    pub(crate) fn verdict(&self) -> String {
        match self {
            Self::Judged(verdict) => verdict.to_string(),
            Self::NotBuilt(_) => String::new(),
        }
    }

    /// Returns the verdict as an object, for other programs.
    pub(crate) fn json(&self, exercise: &Exercise) -> Value {
        let (scenes, errors) = match self {
            Self::Judged(verdict) => (json!(verdict.scenes), Value::Null),
            Self::NotBuilt(errors) => (json!([]), json!(errors)),
        };
        json!({
            "exercise": exercise.directory_name(),
            "holds": self.holds(),
            "scenes": scenes,
            "build_errors": errors,
        })
    }
}
