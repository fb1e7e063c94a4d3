//! Disturbing a cluster that another process runs: its nodes go and come back, its answers fail.
//!
//! The host opens a port on 127.0.0.1 and writes it down with a random token, in a file of the data
//! directory that only its owner can read. Whoever knows the token may give one [`Order`] for each
//! connection. Both ends speak lines:
//!
//! ```text
//! → the token            a wrong one closes the connection, and nothing is said
//! ← heard
//! → an order, as JSON
//! ← an answer, as JSON
//! ```

mod client;
mod embedded;
mod endpoint;
mod protocol;

pub(crate) use embedded::EmbeddedControl;
pub(crate) use endpoint::Endpoint;
pub use protocol::{Answer, Controlled, NodeChange, NodeStatus, Obeying, Order};
