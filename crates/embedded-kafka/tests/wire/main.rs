//! What a client may send that no well-behaved client sends, over a socket: requests that
//! contradict themselves, name things twice, or ask for far too much. The answers are those of
//! Apache Kafka 4.3.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod metadata;
mod races;
mod records;
mod topics;
mod versions;
