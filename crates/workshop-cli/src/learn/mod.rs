//! The exercises: a learner writes a program, and a cluster judges it.
//!
//! One file per subcommand. Below them:
//!
//! | For | Look in |
//! |---|---|
//! | one check: building, judging, the verdict, the mark in the progress | attempt.rs |
//! | where the learner's programs and the progress are, and which exercise is next | course.rs |
//! | the file of the progress | progress.rs |
//! | saves of a program | watched.rs |
//! | signals that end a check | ending.rs |
//! | keys of the screen | keys.rs |
//! | texts of an exercise: its task and its hints | texts.rs |
//! | a mistake in the command line | usage.rs |

mod attempt;
pub(crate) mod check;
mod course;
mod ending;
pub(crate) mod hint;
mod keys;
pub(crate) mod list;
mod parts;
mod progress;
pub(crate) mod reset;
pub(crate) mod screen;
pub(crate) mod skip;
pub(crate) mod solution;
mod texts;
pub(crate) mod usage;
mod watched;
