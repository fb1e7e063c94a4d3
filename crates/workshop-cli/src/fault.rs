//! `cargo workshop fault`: answers of the cluster that is up fail, get lost, or come late.

use std::process::ExitCode;

use clap::{Subcommand, value_parser};
use workshop::{DataDirectory, Order};

use crate::orders;

/// Let answers of the cluster fail, get lost or come late. Embedded cluster only.
///
/// APIs and errors have the names of Kafka's protocol, such as Produce and NOT_ENOUGH_REPLICAS.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo workshop fault fail Produce NOT_ENOUGH_REPLICAS --times 3
                                            three requests fail, and the producer tries again
  cargo workshop fault drop-response Produce
                                            written, and the producer is not told: without
                                            idempotence its next try is a duplicate
  cargo workshop fault delay 200            every request waits for 200 ms
  cargo workshop fault delay 200 --node 1   at node 1 only
  cargo workshop fault clear                no more of all this")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    fault: Fault,
}

#[derive(Debug, Subcommand)]
enum Fault {
    /// Answer the next requests of an API with an error, and do nothing else for them.
    Fail {
        /// The API, such as Produce, Fetch or OffsetCommit.
        api: String,
        /// The error, such as NOT_ENOUGH_REPLICAS.
        error: String,
        /// How many requests.
        #[arg(long, default_value_t = 1, value_parser = value_parser!(u16).range(1..))]
        times: u16,
    },
    /// Let the next requests of an API take effect, and close the connection instead of answering.
    DropResponse {
        /// The API, such as Produce.
        api: String,
        /// How many requests.
        #[arg(long, default_value_t = 1, value_parser = value_parser!(u16).range(1..))]
        times: u16,
    },
    /// Let each request wait before it is handled.
    Delay {
        /// How long in ms, up to ten minutes; 0 ends it.
        #[arg(value_parser = value_parser!(u32).range(0..=600_000))]
        milliseconds: u32,
        /// At this node only.
        #[arg(long, value_name = "ID")]
        node: Option<i32>,
    },
    /// End delays, and take back the errors and lost answers that are still to come.
    Clear,
}

pub(crate) async fn run(arguments: Arguments, data: &DataDirectory) -> anyhow::Result<ExitCode> {
    let order = match arguments.fault {
        Fault::Fail { api, error, times } => Order::Fail { api, error, times },
        Fault::DropResponse { api, times } => Order::DropResponse { api, times },
        Fault::Delay { milliseconds, node } => Order::Delay { milliseconds, node },
        Fault::Clear => Order::ClearFaults,
    };
    orders::give(&order, data).await
}
