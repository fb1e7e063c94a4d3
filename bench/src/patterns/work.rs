//! The kinds of work, and the process that does one of them.

use std::fmt;

use clap::ValueEnum;

use super::{bare, helped};
use crate::process::Process;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Send objects as JSON, keyed by their id.
    JsonOut,
    /// Send objects in envelopes of lineage, 10,000 in a call.
    LineageOut,
    /// Read envelopes in batches of 100, and commit each.
    LineageIn,
}

impl Work {
    pub(crate) const ALL: [Self; 3] = [Self::JsonOut, Self::LineageOut, Self::LineageIn];

    /// Its lines in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::JsonOut => "JSON out",
            Self::LineageOut => "envelopes out",
            Self::LineageIn => "envelopes in, a commit per 100",
        }
    }

    /// Whether it needs a topic with records.
    pub(crate) fn reads(self) -> bool {
        self == Self::LineageIn
    }
}

impl fmt::Display for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::JsonOut => "json-out",
            Self::LineageOut => "lineage-out",
            Self::LineageIn => "lineage-in",
        })
    }
}

/// With what the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// The crate `helpers`.
    Helpers,
    /// rdkafka and serde_json.
    Rdkafka,
}

/// One kind of work, in this process.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    with: With,
    work: Work,
    servers: String,
    topic: String,
    records: u64,
}

/// Does the work, and prints the seconds that it took and the most KiB of memory, 0 where that is
/// not known. Building the client does not count.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { with, work, servers, topic, records } = arguments;
    let elapsed = match (with, work) {
        (With::Helpers, Work::JsonOut) => helped::json_out(&servers, &topic, records).await?,
        (With::Helpers, Work::LineageOut) => helped::lineage_out(&servers, &topic, records).await?,
        (With::Helpers, Work::LineageIn) => helped::lineage_in(&servers, &topic, records).await?,
        (With::Rdkafka, work) => {
            let work = move || match work {
                Work::JsonOut => bare::json_out(&servers, &topic, records),
                Work::LineageOut => bare::lineage_out(&servers, &topic, records),
                Work::LineageIn => bare::lineage_in(&servers, &topic, records),
            };
            tokio::task::spawn_blocking(work).await??
        }
    };
    let peak = Process::new(std::process::id()).peak_memory().unwrap_or(0) / 1024;
    println!("{} {peak}", elapsed.as_secs_f64());
    Ok(())
}
