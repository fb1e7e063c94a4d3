//! `cargo workshop node 2 kill`: nodes of the cluster that is up go and come back.

use std::process::ExitCode;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
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

    /// What happens to it.
    #[arg(value_parser = change())]
    change: NodeChange,
}

/// The changes with their help, by the names that [`NodeChange`] has in an order.
const CHANGES: [(NodeChange, &str); 7] = [
    (NodeChange::Stop, "Shut it down in order (controlled shutdown)"),
    (NodeChange::Kill, "End it at once, as a loss of power does"),
    (NodeChange::Start, "Start it again after `stop` or `kill`"),
    (
        NodeChange::Pause,
        "Halt it as a long garbage collection does: its sockets stay open, and it responds to no \
         request",
    ),
    (NodeChange::Resume, "Let it continue after `pause`"),
    (
        NodeChange::PauseReplication,
        "Let it fetch nothing from the leaders that it follows (embedded cluster only)",
    ),
    (NodeChange::ResumeReplication, "Let it fetch again (embedded cluster only)"),
];

/// Reads a change by its name.
fn change() -> impl TypedValueParser<Value = NodeChange> {
    let value = |(change, help): &(NodeChange, &'static str)| {
        PossibleValue::new(change.to_string()).help(*help)
    };
    PossibleValuesParser::new(CHANGES.iter().map(value)).map(|name| {
        let named = CHANGES.into_iter().find(|(change, _)| change.to_string() == name);
        named.expect("clap lets only these names pass").0
    })
}

pub(crate) async fn run(arguments: &Arguments, data: &DataDirectory) -> anyhow::Result<ExitCode> {
    let order = Order::Node { id: arguments.id, change: arguments.change };
    orders::give(&order, data).await
}
