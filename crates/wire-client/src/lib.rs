//! Single requests of Kafka's protocol, at any version, for programs that ask what a node
//! responds and not what a client makes of it.
//!
//! [`raw`] sends one request at a time, [`requests`], [`group`] and [`transactions`] build the
//! common ones, and [`batch`] builds record batches, wrong ones too. [`errors`] and [`configs`]
//! name the numbers of the protocol. No cluster is known here: an address is enough.

pub mod batch;
pub mod configs;
pub mod errors;
pub mod group;
pub mod raw;
pub mod requests;
pub mod transactions;
