//! Runs the same cluster on three engines, so that a test or a lab does not depend on one of them.
//!
//! | `WORKSHOP_ENGINE` | What runs | Needs |
//! |---|---|---|
//! | `embedded` (default) | the cluster of `embedded-kafka`, inside this process | nothing |
//! | `apache` | Apache Kafka (KRaft), from its jars | Java 17 and, the first time, Maven |
//! | `docker` | Apache Kafka's official image | a container engine, and the feature `containers` |
//!
//! ```no_run
//! # async fn run() -> Result<(), engines::Error> {
//! let engine = engines::Engine::from_environment()?;
//! let cluster = engine.start(&engines::Options::default()).await?;
//! println!("talking to {}", cluster.bootstrap_servers());
//! cluster.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything that an engine starts ends when the cluster is dropped, and also when the process
//! that holds it panics, is interrupted, or is killed. Client settings other than the address are
//! not part of this crate.

mod apache;
mod ask;
mod choice;
mod cluster;
#[cfg(feature = "containers")]
mod docker;
mod embedded;
mod engine;
mod error;
mod last_lines;
mod options;
mod ports;
mod release;
mod start;

pub use apache::{Connect, ConnectOptions};
pub use cluster::{Cluster, Node, Pending};
pub use engine::Engine;
pub use error::Error;
pub use options::{Lifetime, Options};
pub use ports::free_ports;
pub use release::Release;
