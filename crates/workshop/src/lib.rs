//! Chooses the cluster that an example talks to.
//!
//! [`cluster()`] returns the first that it finds: the one that `KAFKA_BOOTSTRAP_SERVERS` names, one
//! that another process of the workshop runs (`cargo workshop up`, or another example), or an
//! embedded cluster of three nodes that it starts in this process. So an example holds no broker
//! logic, and the same example runs on any Kafka. [`run()`] is the frame that the examples share.
//!
//! ```no_run
//! # async fn example() -> Result<(), workshop::Error> {
//! workshop::run(async |brokers| {
//!     println!("talking to {brokers}");
//!     Ok(())
//! })
//! .await
//! # }
//! ```
//!
//! The embedded cluster keeps its data in a [`DataDirectory`], so that the next example finds what
//! this one wrote. The module `seat` decides which process may start a cluster there and which one
//! waits.
//!
//! What a client needs besides the address (topics, producers, consumers) is not here: that is what
//! the examples teach.

mod access;
mod announce;
mod ask;
mod choice;
mod cluster;
mod control;
mod data;
mod error;
mod host;
mod lock;
mod logging;
mod run;
mod running;
mod seat;
mod wire;

pub use announce::Announcement;
pub use ask::client_config;
pub use choice::{Choice, Found, cluster};
pub use cluster::{Cluster, Source};
pub use control::{Answer, Controlled, NodeChange, NodeStatus, Obeying, Order};
pub use data::DataDirectory;
pub use embedded_kafka::TopicAtStart;
pub use error::Error;
pub use host::{Host, HostOptions};
pub use logging::show_log;
pub use run::{run, run_and_clean_up, run_to_the_end};
pub use running::Running;
