//! Records the responses of Apache Kafka, scenario by scenario, and compares other clusters with
//! them.
//!
//! A [`Scenario`] sends a few requests to a cluster, about topics and groups of its own, and
//! summarizes the responses in one line: names of errors, counts, and offsets, but no name that
//! varies. [`run`] runs them all. [`Recorded`] contains the responses of one release of Apache
//! Kafka, from a committed file, and [`DIFFERENCES`] lists the scenarios in which the embedded
//! cluster deliberately responds differently. [`Verdict`] is the result for one response.
//!
//! This crate starts no cluster: it only needs an address, and for some scenarios [`Nodes`], which
//! stops and starts nodes.

mod client;
mod differences;
mod failure;
mod matrix;
mod names;
mod nodes;
mod recorded;
mod run;
mod scenario;
mod scenarios;
mod scene;
mod settings;
mod verdict;

pub use differences::{DIFFERENCES, Difference};
pub use failure::Failure;
pub use matrix::{Column, Matrix, Totals};
pub use nodes::{Changed, NodeChange, Nodes};
pub use recorded::{Recorded, is_complete};
pub use run::{TIMED_OUT, run};
pub use scenario::{Outcome, Scenario};
pub use scenarios::suite;
pub use scene::Scene;
pub use settings::{client_config, consumer_config, producer_config};
pub use verdict::Verdict;
