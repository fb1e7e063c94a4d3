//! Exercises for the chapters, and the checks that judge a program by what is on the cluster.
//!
//! An exercise is a directory `exercises/NN-slug/`: the task, a program with a gap, its solution,
//! the usual wrong answers, hints, and `check.rs`. A check never reads what a program prints. It
//! runs the program against a fresh cluster and then asks the cluster: for records, committed
//! offsets, transactions, and the requests that were made.
//!
//! From the top:
//!
//! | For | Look in |
//! |---|---|
//! | the list of exercises | catalog.rs |
//! | running the scenes of an exercise | judge.rs |
//! | what a scene can do: create topics, send records, run the program, make points | stage.rs |
//! | what a scene can ask: records, groups, transactions, requests | broker/ |
//! | running a program within limits, so that nothing of it is left | program.rs, capture.rs, sweep.rs |
//! | the cluster of one scene, and its faults | cluster.rs |
//! | what the learner reads | verdict.rs |
//! | the learner's own package, and building a program of it | project.rs, build.rs |

mod broker;
mod build;
mod capture;
mod catalog;
mod cluster;
mod exercise;
mod judge;
mod names;
mod program;
mod project;
mod seed;
mod stage;
mod sweep;
mod verdict;

pub use build::{Built, build};
pub use catalog::{all, find};
pub use cluster::Venue;
pub use exercise::{Exercise, Needs, Scene};
pub use judge::judge;
pub use program::Program;
pub use project::Project;
pub use verdict::{Point, SceneVerdict, Verdict};
