//! A Kafka-compatible cluster inside the process, for learning and for tests.
//!
//! [`Cluster`] starts one to nine nodes, each a listener on 127.0.0.1, over logs in a directory.
//! Any Kafka client can use it; it is tested with librdkafka and Apache Kafka's Java clients.
//!
//! The way of a request: `net` reads a frame, `api` names it, `wire` checks its shape, and the file
//! of its API calls a state machine (`log`, `group`, `txn`, `metadata`) and encodes the result.
//!
//! ```
//! # async fn example() -> Result<(), embedded_kafka::StartError> {
//! let cluster = embedded_kafka::Cluster::builder().nodes(3).start().await?;
//! println!("bootstrap.servers={}", cluster.bootstrap_servers());
//! cluster.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod builder;
mod cluster;
mod config;
mod control;
mod coordinators;
mod descriptors;
mod error;
mod event;
mod failover;
mod faults;
mod fetched;
mod group;
mod inspect;
mod inspected_call;
mod lock;
mod log;
mod metadata;
mod net;
mod node;
mod observe;
mod protocol_names;
mod record_batch;
mod records;
mod rejection;
mod state;
mod switchboard;
mod time;
mod timers;
mod topic_at_start;
mod txn;
mod wait;
mod wire;

pub use crate::config::properties::check_broker_property;
pub use builder::ClusterBuilder;
pub use cluster::Cluster;
pub use control::{ArrivingCall, Controller, Verdict};
pub use error::{NodeError, StartError};
pub use event::{Event, EventReceiver};
pub use inspect::Inspection;
pub use inspected_call::{CallOutcome, InspectedCall};
pub use kafka_protocol::ResponseError;
pub use kafka_protocol::messages;
pub use kafka_protocol::messages::ApiKey;
pub use metadata::Node;
pub use observe::{CommittedOffset, PartitionStanding, ReadLogError};
pub use protocol_names::{api_name, api_named, error_name, error_named, failing_api_names};
pub use record_batch::{Marker, Record, RecordBatch, UnreadableBatch};
pub use switchboard::NodeStanding;
pub use topic_at_start::TopicAtStart;
