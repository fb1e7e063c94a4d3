//! Where the learner is: the package with the programs, the file of the progress, and the exercise
//! that is next.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

use exercises::{Exercise, Project, all, find};

use super::progress::Progress;
use super::usage::Usage;
use crate::checkout;

/// The directory of the learner's programs, if it is not `my/` in the checkout.
const PROGRAMS: &str = "WORKSHOP_MY";

/// The file of the progress, if it is not `progress` next to the programs.
const PROGRESS: &str = "WORKSHOP_PROGRESS";

/// The learner's place in the workshop.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    project: Project,
    progress: PathBuf,
}

impl Course {
    /// Finds the learner's programs and progress as the environment says.
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        let checkout = checkout::root()?;
        let named = |variable| match env::var_os(variable).filter(|it| !it.is_empty()) {
            Some(path) => std::path::absolute(path).map(Some),
            None => Ok(None),
        };
        let project = match named(PROGRAMS)? {
            Some(directory) => Project::at(checkout, directory),
            None => Project::of(checkout),
        };
        let progress = named(PROGRESS)?.unwrap_or_else(|| project.directory().join("progress"));
        Ok(Self { project, progress })
    }

    pub(crate) fn project(&self) -> &Project {
        &self.project
    }

    /// Returns the directory of an exercise in the checkout.
    pub(crate) fn directory(&self, exercise: &Exercise) -> PathBuf {
        exercise.directory(self.project.checkout())
    }

    /// Reads the progress, and reports lines that cannot be read.
    pub(crate) fn progress(&self) -> anyhow::Result<Progress> {
        let progress = Progress::read(&self.progress)?;
        for (number, line) in progress.damaged() {
            let file = shown(&self.progress);
            eprintln!("{file}, line {number} is damaged, and stays as it is: {line}");
        }
        Ok(progress)
    }

    /// Changes the progress. Another terminal's change in the same moment is not lost.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Progress)) -> anyhow::Result<()> {
        let lock = self.progress.parent().and_then(|directory| File::open(directory).ok());
        if let Some(directory) = &lock {
            // Without locks, as on some network drives, two changes at once are the learner's risk.
            let _ = directory.lock();
        }
        let mut progress = Progress::read(&self.progress)?;
        change(&mut progress);
        progress.write(&self.progress)
    }

    /// Returns the file of the progress, for messages.
    pub(crate) fn progress_file(&self) -> String {
        shown(&self.progress)
    }

    /// Returns the first exercise that is neither done nor skipped.
    pub(crate) fn next(&self) -> anyhow::Result<Option<&'static Exercise>> {
        let progress = self.progress()?;
        Ok(all().iter().find(|it| is_open(&progress, it)))
    }

    /// Returns the exercise that is neither done nor skipped and follows another one. After the
    /// last exercise comes the first.
    pub(crate) fn next_after(
        &self,
        exercise: &Exercise,
    ) -> anyhow::Result<Option<&'static Exercise>> {
        let progress = self.progress()?;
        let place = all().iter().position(|it| it.slug == exercise.slug).unwrap_or(0);
        let (before, after) = all().split_at(place + 1);
        let mut others = after.iter().chain(&before[..place]);
        Ok(others.find(|it| is_open(&progress, it)))
    }

    /// Returns the exercise with this name, or the next one. Of several exercises of a chapter it
    /// is the first that is not done.
    ///
    /// # Errors
    /// [`Usage`] if no exercise has the name, or none is left.
    pub(crate) fn chosen(&self, name: Option<&str>) -> anyhow::Result<&'static Exercise> {
        let Some(name) = name else {
            let none = "every exercise is done or skipped: name one, as in `cargo workshop list`";
            return self.next()?.ok_or_else(|| Usage(none.to_owned()).into());
        };
        let found = find(name);
        let progress = self.progress()?;
        let open = found.iter().find(|it| !progress.is_done(it.slug)).or(found.first());
        let Some(exercise) = open else {
            let unknown = "name a chapter with exercises, such as 3, or a slug, such as";
            let example = all().first().map_or("", |it| it.slug);
            let message = format!(
                "there is no exercise {name}: {unknown} {example}. `cargo workshop list` has all"
            );
            return Err(Usage(message).into());
        };
        if found.len() > 1 {
            let others = found.iter().filter(|it| it.slug != exercise.slug).map(|it| it.slug);
            let others: Vec<&str> = others.collect();
            eprintln!(
                "Chapter {:02} has {} exercises. This is {}; {} {}",
                exercise.chapter,
                found.len(),
                exercise.slug,
                if others.len() == 1 { "the other is" } else { "the others are" },
                others.join(", ")
            );
        }
        Ok(exercise)
    }

    /// Formats how far the learner is: `[####------] 2 of 5 exercises done`.
    pub(crate) fn bar(&self) -> anyhow::Result<String> {
        const WIDTH: usize = 20;
        let progress = Progress::read(&self.progress)?;
        let done = all().iter().filter(|it| progress.is_done(it.slug)).count();
        let filled = done * WIDTH / all().len().max(1);
        let (filled, empty) = ("#".repeat(filled), "-".repeat(WIDTH - filled));
        Ok(format!("[{filled}{empty}] {done} of {} exercises done", all().len()))
    }
}

fn is_open(progress: &Progress, exercise: &Exercise) -> bool {
    !progress.is_done(exercise.slug) && !progress.is_skipped(exercise.slug)
}

/// Formats a path from the current directory on, if it is below.
pub(crate) fn shown(path: &Path) -> String {
    let current = env::current_dir().and_then(|it| it.canonicalize()).unwrap_or_default();
    path.strip_prefix(current).unwrap_or(path).display().to_string()
}
