//! Changes of a broker's settings while it runs (KIP-226), for one broker or for all: the settings
//! that can be changed, their accepted values, and Kafka's messages for the others.
//!
//! Other modules apply the settings. Many that Kafka changes at run time have no counterpart in
//! this cluster: it accepts, keeps and shows them, as tools expect.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;

use super::apache::{self, Of, Update};
use super::kinds::{Kind, elements};
use super::layers::{Given, Layers, broker_definition, listener_setting};
use super::{Change, Operation, requirements};
use crate::rejection::Rejection;

const MIN_IN_SYNC: &str = "min.insync.replicas";

/// The target of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    OneBroker,
    AllBrokers,
}

/// Returns the settings `now` after these changes. With `replaces_all`, settings that the changes
/// do not name are removed. `layers` has the values of the broker that handles the request.
///
/// # Errors
/// `INVALID_REQUEST` for a setting that cannot be changed while a broker runs and for a rejected
/// value; `INVALID_CONFIG` for an operation that the setting does not support, and for
/// `min.insync.replicas` if eligible leader replicas fix its value (KIP-966).
pub(crate) fn changed(
    now: &Given,
    changes: &[Change<'_>],
    replaces_all: bool,
    level: Level,
    layers: &Layers,
) -> Result<Given, Rejection> {
    let mut after = if replaces_all { Given::new() } else { now.clone() };
    for change in changes {
        apply(&mut after, change)?;
    }
    check(&after, level, layers)?;
    check_min_in_sync(now, &after, changes, level)?;
    Ok(after)
}

fn apply(settings: &mut Given, change: &Change<'_>) -> Result<(), Rejection> {
    let Some(operation) = change.operation else {
        let error = ResponseError::UnknownServerError;
        return Err(Rejection::new(error, error.to_string()));
    };
    let given = change.value.unwrap_or_default();
    let value = match operation {
        Operation::Delete => {
            settings.remove(change.name);
            return Ok(());
        }
        Operation::Set => given.to_owned(),
        Operation::Append | Operation::Subtract => {
            edited_list(settings, change.name, operation, given)?
        }
    };
    settings.insert(change.name.to_owned(), value);
    Ok(())
}

/// Returns the initial elements of a list: those set at the same level, or Kafka's default.
fn edited_list(
    settings: &Given,
    name: &str,
    operation: Operation,
    given: &str,
) -> Result<String, Rejection> {
    // The throttles of replication exist only once they are set.
    let definition = apache::definition(Of::Broker, name)
        .filter(|it| it.doc.is_some())
        .ok_or_else(|| Rejection::invalid_config(format!("Unknown config name: {name}")))?;
    if !definition.kind.is_list() {
        let verb = if operation == Operation::Append { "append" } else { "subtract" };
        return Err(Rejection::invalid_config(format!(
            "Config value {verb} is not allowed for config key: {name}"
        )));
    }
    let now = settings.get(name).or(definition.default.as_ref());
    let mut list = elements(now.map_or("", String::as_str));
    let given: Vec<&str> = given.split(',').map(str::trim).collect();
    if operation == Operation::Append {
        let added: Vec<&str> = given.into_iter().filter(|it| !list.contains(it)).collect();
        list.extend(added);
    } else {
        list.retain(|it| !given.contains(it));
    }
    Ok(list.join(","))
}

/// Returns the first error in Kafka's order: read-only settings, settings of a listener, values,
/// and settings of a single broker.
fn check(settings: &Given, level: Level, layers: &Layers) -> Result<(), Rejection> {
    let named = |is_rejected: &dyn Fn(&str) -> bool| {
        let names = settings.keys().map(String::as_str).filter(|name| is_rejected(name));
        as_a_java_set(names.collect())
    };
    let update = |name: &str| apache::definition(Of::Broker, name).map(|it| it.update);
    let fixed = named(&|name| update(name) == Some(Update::ReadOnly));
    reject(&fixed, "Cannot update these configs dynamically")?;
    let bare = named(&|name| listener_setting(name).is_none() && is_of_a_listener(name));
    reject(
        &bare,
        "These security configs can be dynamically updated only per-listener using the listener \
         prefix",
    )?;
    for (name, value) in settings {
        check_type(name, value)?;
    }
    if level == Level::AllBrokers {
        let of_one =
            named(&|name| listener_override(name) || update(name) == Some(Update::PerBroker));
        reject(
            &of_one,
            "Cannot update these configs at default cluster level, broker id must be specified",
        )?;
    }
    let mut after = layers.clone();
    match level {
        Level::OneBroker => after.own = settings.clone(),
        Level::AllBrokers => after.of_all = settings.clone(),
    }
    requirements::check(layers, &after).map_err(Rejection::invalid_request)
}

/// Returns whether a setting belongs to one broker. Security settings with a listener's prefix do;
/// quotas of connections need not.
fn listener_override(name: &str) -> bool {
    listener_setting(name).is_some_and(|base| !base.starts_with("max.connection"))
}

/// Returns whether a setting is one of the TLS settings that Kafka changes for one listener at a
/// time.
fn is_of_a_listener(name: &str) -> bool {
    ["ssl.keystore.", "ssl.truststore."].iter().any(|prefix| name.starts_with(prefix))
        || name == "ssl.key.password"
}

fn reject(names: &[&str], why: &str) -> Result<(), Rejection> {
    if names.is_empty() {
        return Ok(());
    }
    Err(Rejection::invalid_request(format!("{why}: [{}]", names.join(", "))))
}

/// Checks a value against its definition. A setting that is not Kafka's may belong to a plugin, and
/// is accepted as it is.
fn check_type(name: &str, value: &str) -> Result<(), Rejection> {
    let Some(definition) = broker_definition(name) else { return Ok(()) };
    let base = &definition.name;
    let kind = definition.kind;
    if kind == Kind::Class && definition.default.as_deref() == Some(value) {
        return Ok(());
    }
    if kind.is_list() && base != "config.providers" {
        let list = elements(value);
        let distinct: BTreeSet<&str> = list.iter().copied().collect();
        if distinct.len() < list.len() && !list.contains(&"") {
            let message = format!("Configuration '{base}' values must not be duplicated.");
            return Err(Rejection::invalid_request(message));
        }
    }
    kind.normalize(base, value).map(drop).map_err(Rejection::invalid_request)
}

/// Rejects a change in a cluster with eligible leader replicas, which has one number for all
/// brokers, always.
fn check_min_in_sync(
    now: &Given,
    after: &Given,
    changes: &[Change<'_>],
    level: Level,
) -> Result<(), Rejection> {
    let is_named = changes.iter().any(|change| change.name == MIN_IN_SYNC);
    let is_removed = now.contains_key(MIN_IN_SYNC) && !after.contains_key(MIN_IN_SYNC);
    match level {
        Level::OneBroker if is_named => Err(Rejection::invalid_config(
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
        )),
        Level::AllBrokers if is_removed => Err(Rejection::invalid_config(
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
        )),
        _ => Ok(()),
    }
}

/// Returns the names in the order of Java's HashSet of this size: that of Kafka's messages.
fn as_a_java_set(names: Vec<&str>) -> Vec<&str> {
    let mut buckets = 16;
    while names.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    let bucket = |name: &str| {
        let hash = name
            .encode_utf16()
            .fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
        (hash ^ (hash >> 16)) as usize & (buckets - 1)
    };
    let mut ordered: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for name in names {
        ordered.entry(bucket(name)).or_default().push(name);
    }
    ordered.into_values().flatten().collect()
}
