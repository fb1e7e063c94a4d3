//! The command as a learner meets it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod conformance;
mod learn;
mod learn_check;
mod learn_program;
mod learner;
mod new;
mod orders;
mod process;
mod status;
mod up;
mod wanted;
