//! Requests over a socket that no well-behaved client sends: they contradict themselves, name
//! things twice, or ask for far too much. The responses are those of Apache Kafka 4.3.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod control;
mod inspect;
mod metadata;
mod races;
mod records;
mod topics;
mod versions;
