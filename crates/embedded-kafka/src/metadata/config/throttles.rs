//! The settings of a node that can be changed while it runs: how fast it may copy replicas.
//!
//! kafka-reassign-partitions sets them before it moves partitions, and removes them afterwards
//! (KIP-73). Followers copy nothing here, so they are kept and shown and slow nothing down. A node
//! has them only where somebody has set them, as in Kafka.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::{Change, Operation};
use crate::metadata::Refusal;

const NAMES: [&str; 3] = [
    "follower.replication.throttled.rate",
    "leader.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];

/// What becomes of `now` by these changes. With `replaces_all`, what they do not name goes.
///
/// # Errors
/// Kafka's, for a setting that cannot be changed while a node runs and for a value that is no number
/// of bytes per second.
pub(crate) fn changed(
    now: &BTreeMap<String, String>,
    changes: &[Change<'_>],
    replaces_all: bool,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut settings = if replaces_all { BTreeMap::new() } else { now.clone() };
    let mut fixed = Vec::new();
    for change in changes {
        let Some(operation) = change.operation else {
            let error = ResponseError::UnknownServerError;
            return Err(Refusal::new(error, error.to_string()));
        };
        match operation {
            // What nobody has set was at its default already.
            Operation::Delete => drop(settings.remove(change.name)),
            _ if !NAMES.contains(&change.name) => fixed.push(change.name),
            Operation::Set => {
                let value = change.value.unwrap_or_default();
                check(change.name, value)?;
                settings.insert(change.name.to_owned(), value.trim().to_owned());
            }
            Operation::Append | Operation::Subtract => {
                let what = if operation == Operation::Append { "APPEND" } else { "SUBTRACT" };
                return Err(Refusal::invalid_config(format!(
                    "Can't {what} to key {} because its type is not LIST.",
                    change.name
                )));
            }
        }
    }
    if fixed.is_empty() {
        return Ok(settings);
    }
    let names = fixed.join(", ");
    Err(Refusal::invalid_request(format!("Cannot update these configs dynamically: [{names}]")))
}

fn check(name: &str, value: &str) -> Result<(), Refusal> {
    let reason = match value.trim().parse::<i64>() {
        Ok(0..) => return Ok(()),
        Ok(_) => "Value must be at least 0",
        Err(_) => "Not a number of type LONG",
    };
    let message = format!("Invalid value {value} for configuration {name}: {reason}");
    Err(Refusal::invalid_request(message))
}
