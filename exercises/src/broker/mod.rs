//! What a scene can ask the cluster, in the words of its points.
//!
//! ```text
//! broker.records("t").await?.with_header("elevation").len()
//! broker.group("g").await?.committed()
//! broker.open_transactions().await?
//! broker.requests().of("Metadata").len()
//! ```

mod ask;
mod group;
mod records;
mod requests;
mod transactions;

pub(crate) use ask::Broker;
pub(crate) use records::{Record, Records};
