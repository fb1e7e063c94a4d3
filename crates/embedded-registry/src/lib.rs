//! A Confluent-compatible schema registry in this process.
//!
//! It implements the REST API of Confluent's registry for Avro, JSON Schema, and Protobuf, so
//! existing clients work unchanged. Its state is the topic `_schemas` of its cluster, in the format
//! of Confluent's registry: it survives a restart, and you can read it like any other topic.
//!
//! ```no_run
//! # async fn run() -> Result<(), embedded_registry::Error> {
//! let registry = embedded_registry::Registry::builder("127.0.0.1:9092").port(8081).start().await?;
//! println!("try: curl {}/subjects", registry.url());
//! registry.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! Contexts, rules and metadata of data contracts, exporters, and TLS are not supported.

mod allocated_ids;
mod announcement;
mod api;
mod auth;
mod candidate;
mod choice;
mod error;
mod incarnation;
mod lenient;
mod log;
mod model;
mod operation;
mod percent;
mod quiet;
mod reader;
mod record;
mod registry;
mod schema;
mod store;
mod topic;
mod turn;
mod writer;

pub use auth::Credentials;
pub use choice::{Chosen, Source, for_cluster};
pub use error::Error;
pub use registry::{Builder, Registry};
