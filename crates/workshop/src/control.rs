//! Injects failures into a cluster that another process runs: nodes stop and start, responses fail.
//!
//! The host opens a port on 127.0.0.1 and writes it with a random token to a file of the data
//! directory that only its owner can read. A program that knows the token may give one [`Order`]
//! per connection. Both ends send lines:
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
