//! Sends single requests of Kafka's protocol, at any version, for programs that need the response
//! of a node itself and not what a client makes of it.
//!
//! [`raw`] sends one request at a time, [`requests`], [`group`], and [`transactions`] build the
//! common ones, and [`batch`] builds record batches, including invalid ones. [`errors`] and
//! [`configs`] name the numbers of the protocol. This crate knows no particular cluster: it only
//! needs an address.

pub mod batch;
pub mod configs;
pub mod errors;
pub mod group;
pub mod raw;
pub mod requests;
pub mod transactions;
