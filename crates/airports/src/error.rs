//! What can go wrong with the airports and their topic.

use std::path::PathBuf;

/// Every way in which the topic of airports cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file of airports cannot be read.
    #[error(
        "the airports cannot be read from {}: {source}. The file is data/airports.json of the \
         workshop; read() takes another path",
        path.display()
    )]
    File {
        /// Where the file was looked for.
        path: PathBuf,
        /// Why it cannot be read or decoded.
        source: std::io::Error,
    },

    /// Not every airport was delivered to the topic.
    #[error(
        "not every record for topic {topic} arrived in time: {summary}. Does every partition have \
         a leader? 02_topic_metadata shows it"
    )]
    NotDelivered {
        /// The topic of the records.
        topic: &'static str,
        /// How many were delivered, failed, and are still queued.
        summary: helpers::Summary,
    },

    /// Anything else that a helper reports.
    #[error(transparent)]
    Helper(#[from] helpers::Error),
}
