//! Messages that carry the history of what they were made from.
//!
//! The history says which service made a message, when, and from which records of which topics,
//! back to the first. A [`Producer`] writes the envelope, a [`Consumer`] reads it in batches, and a
//! [`Processor`] does both and carries the lineage along.
//!
//! ```json
//! {"item": …, "hist": {"svc": "boards", "dt": "2026-11-21T12:00:00.123456+00:00",
//!                      "refs": [{"topic": "delays", "partition": 0, "offset": 7, "key": "WS042",
//!                                "hist": {"svc": "delays", "dt": …, "refs": […]}}]}}
//! ```
//!
//! | For | Look in |
//! |---|---|
//! | the types, and how they are printed | history.rs, format.rs |
//! | the envelope on the wire | envelope.rs |
//! | the latency of each stage | latency.rs |
//! | write, read, and both | producer.rs, consumer.rs, processor.rs |
//! | time and count of each batch | metrics.rs |

mod batch;
mod build;
mod consumer;
mod context;
mod envelope;
mod error;
mod format;
mod history;
mod latency;
mod metrics;
mod processor;
mod producer;

pub use build::ConsumerBuilder;
pub use consumer::Consumer;
pub use envelope::{DEEPEST, pack_kafka_payload, unpack_kafka_payload};
pub use error::Error;
pub use format::{format_batch_ref, format_kafka_ref, lineage_tree};
pub use history::{History, Message, Ref};
pub use latency::{StageLatency, calc_ref_latencies};
pub use metrics::BatchMetrics;
pub use processor::Processor;
pub use producer::{Produced, Producer, ProducerBuilder};
