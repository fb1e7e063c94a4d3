//! What Apache Kafka answers, scenario by scenario, and whether another cluster answers the same.
//!
//! A [`Scenario`] asks a cluster something small, with topics and groups of its own, and puts the
//! answer into one line: names of errors, counts, offsets, and no name that varies. [`run`] asks
//! them all. [`Recorded`] is what a release of Apache Kafka answered, a file that is committed, and
//! [`DIFFERENCES`] lists where the embedded cluster answers otherwise by design. [`Verdict`] is
//! what follows for one answer.
//!
//! Nothing here starts a cluster: an address is enough.

mod client;
mod differences;
mod failure;
mod matrix;
mod names;
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
pub use recorded::{Recorded, is_answer};
pub use run::{TIMED_OUT, run};
pub use scenario::{Outcome, Scenario};
pub use scenarios::suite;
pub use scene::Scene;
pub use settings::{client_config, consumer_config, producer_config};
pub use verdict::Verdict;
