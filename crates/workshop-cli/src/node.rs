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

/// The names of the changes, as an order spells them, with their help.
const CHANGES: [(&str, NodeChange, &str); 7] = [
    ("stop", NodeChange::Stop, "Shut it down in order (controlled shutdown)"),
    ("kill", NodeChange::Kill, "End it at once, as a loss of power does"),
    ("start", NodeChange::Start, "Start it again after `stop` or `kill`"),
    (
        "pause",
        NodeChange::Pause,
        "Halt it as a long garbage collection does: its sockets stay open, and it responds to no \
         request",
    ),
    ("resume", NodeChange::Resume, "Let it continue after `pause`"),
    (
        "pause-replication",
        NodeChange::PauseReplication,
        "Let it fetch nothing from the leaders that it follows (embedded cluster only)",
    ),
    (
        "resume-replication",
        NodeChange::ResumeReplication,
        "Let it fetch again (embedded cluster only)",
    ),
];

/// Reads a change by its name.
fn change() -> impl TypedValueParser<Value = NodeChange> {
    let values = CHANGES.map(|(name, _, help)| PossibleValue::new(name).help(help));
    PossibleValuesParser::new(values).map(|name| {
        let named = CHANGES.into_iter().find(|it| it.0 == name);
        named.expect("clap lets only these names pass").1
    })
}

pub(crate) async fn run(arguments: &Arguments, data: &DataDirectory) -> anyhow::Result<ExitCode> {
    let order = Order::Node { id: arguments.id, change: arguments.change };
    orders::give(&order, data).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_and_its_order_give_a_change_the_same_name() {
        for (name, change, _) in CHANGES {
            assert_eq!(name, change.to_string());
        }
    }
}
