//! The settings of subscriptions to clients' metrics (KIP-714). No client pushes metrics to this
//! cluster: the cluster keeps and shows the settings, as tools expect.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::apache::{self, Of};
use super::{Change, Operation, kinds};
use crate::rejection::Rejection;

/// The time between two pushes of a client, in ms.
const INTERVALS: std::ops::RangeInclusive<i64> = 100..=3_600_000;

/// The properties by which a subscription selects clients.
const SELECTORS: [&str; 7] = [
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
    "client_group_id",
];

/// Returns a subscription's settings after these changes. With `replaces_all`, settings that the
/// changes do not name are removed.
///
/// # Errors
/// Kafka's, for a subscription without a name, an unknown setting and a rejected value.
pub(crate) fn changed(
    subscription: &str,
    now: &BTreeMap<String, String>,
    changes: &[Change<'_>],
    replaces_all: bool,
) -> Result<BTreeMap<String, String>, Rejection> {
    let mut own = if replaces_all { BTreeMap::new() } else { now.clone() };
    for change in changes {
        let verb = match change.operation {
            None => {
                let error = ResponseError::UnknownServerError;
                return Err(Rejection::new(error, error.to_string()));
            }
            Some(Operation::Delete) => {
                own.remove(change.name);
                continue;
            }
            Some(Operation::Set) => {
                let value = change.value.unwrap_or_default();
                own.insert(change.name.to_owned(), value.to_owned());
                continue;
            }
            Some(Operation::Append) => "APPEND",
            Some(Operation::Subtract) => "SUBTRACT",
        };
        let message = format!("Can't {verb} to key {} because its type is not LIST.", change.name);
        return Err(Rejection::invalid_config(message));
    }
    check(subscription, &mut own)?;
    Ok(own)
}

/// Normalizes the values, as Kafka shows them.
fn check(subscription: &str, own: &mut BTreeMap<String, String>) -> Result<(), Rejection> {
    if subscription.is_empty() {
        return Err(Rejection::invalid_request("Subscription name can't be empty"));
    }
    for (name, value) in own {
        let Some(definition) = apache::definition(Of::ClientMetrics, name) else {
            let message = format!("Unknown client metrics configuration: {name}");
            return Err(Rejection::invalid_request(message));
        };
        *value = definition.kind.normalize(name, value).map_err(Rejection::invalid_config)?;
        if name == "interval.ms" && !value.parse().is_ok_and(|ms| INTERVALS.contains(&ms)) {
            return Err(Rejection::invalid_request(format!(
                "Invalid value {value} for {name}, interval must be between 100 and 3600000 \
                 (1 hour)"
            )));
        }
        if name == "match" {
            for pattern in kinds::elements(value) {
                let selector = pattern.split_once('=').map(|(selector, _)| selector.trim());
                if !selector.is_some_and(|it| SELECTORS.contains(&it)) {
                    let message = format!("Illegal client matching pattern: {pattern}");
                    return Err(Rejection::invalid_config(message));
                }
            }
        }
    }
    Ok(())
}
