//! `cargo workshop node 2 kill`: nodes of the cluster that is up go and come back.

use std::process::ExitCode;

use clap::ValueEnum;
use workshop::{DataDirectory, NodeChange, Order};

use crate::orders;

/// Stop, kill, start or pause a node of the cluster that runs on the data directory.
///
/// The cluster is one of `cargo workshop up`, or of an example that runs now.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo workshop node 2 kill                what only node 2 had is lost, others lead soon
  cargo workshop node 2 start               it comes back and catches up
  cargo workshop node 3 stop                it hands over first, and nothing is lost
  cargo workshop node 3 pause-replication   it falls behind, and leaves the in-sync replicas
  cargo workshop status                     how the nodes are now")]
pub(crate) struct Arguments {
    /// The id of the node, as `cargo workshop status` shows it.
    id: i32,

    /// What becomes of it.
    #[arg(value_enum)]
    change: Change,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Change {
    /// Shut it down in order (controlled shutdown).
    Stop,
    /// End it at once, as a loss of power does.
    Kill,
    /// Start it again after `stop` or `kill`.
    Start,
    /// Halt it as a long garbage collection does: its sockets stay open, and it answers nobody.
    Pause,
    /// Let it go on after `pause`.
    Resume,
    /// Let it fetch nothing from the leaders that it follows (embedded cluster only).
    PauseReplication,
    /// Let it fetch again (embedded cluster only).
    ResumeReplication,
}

pub(crate) async fn run(arguments: &Arguments, data: &DataDirectory) -> anyhow::Result<ExitCode> {
    let change = match arguments.change {
        Change::Stop => NodeChange::Stop,
        Change::Kill => NodeChange::Kill,
        Change::Start => NodeChange::Start,
        Change::Pause => NodeChange::Pause,
        Change::Resume => NodeChange::Resume,
        Change::PauseReplication => NodeChange::PauseReplication,
        Change::ResumeReplication => NodeChange::ResumeReplication,
    };
    orders::give(&Order::Node { id: arguments.id, change }, data).await
}
