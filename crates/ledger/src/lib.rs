//! A ledger of what programs do with an embedded cluster: per topic, the records that were sent,
//! acknowledged, on the cluster, read, lost, duplicated and out of order.
//!
//! It watches the requests at the nodes, whatever client or language sends them, and compares them
//! with the logs in the end. Records are the same if their key, value and headers are, within a
//! partition; a record that was sent again because its batch had failed is one record.
//!
//! ```
//! use embedded_kafka::Cluster;
//! use ledger::Ledger;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let cluster = Cluster::builder().nodes(3).start().await?;
//! let ledger = Ledger::watch(&cluster);
//! // Run the program under test here.
//! ledger.settle(&cluster).await;
//! let sheet = ledger.sheet(&cluster).await?;
//! println!("{sheet}");
//! assert_eq!(sheet.total.lost, 0);
//! # Ok(())
//! # }
//! ```

mod account;
mod books;
mod committed;
mod content;
mod explain;
mod logged;
mod notes;
mod sends;
mod sheet;
mod spans;
mod table;
mod watch;

pub use sheet::{GroupSheet, Numbers, PartitionSheet, Sheet, TopicSheet};
pub use watch::{Ledger, MOST_RECORDS};
