//! Kafka's requirements for a broker's settings beyond their types, in its order and with its
//! messages: how they agree with each other, and by how much a running broker changes its threads.

use super::kinds::elements;
use super::layers::Layers;

/// Pools of threads, which grow and shrink by half at most.
const THREADS: [&str; 9] = [
    "num.io.threads",
    "num.network.threads",
    "num.replica.fetchers",
    "num.recovery.threads.per.data.dir",
    "background.threads",
    "remote.log.reader.threads",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size",
];

/// Checks a broker's settings after a change against those before.
///
/// # Errors
/// Kafka's message.
pub(super) fn check(before: &Layers, after: &Layers) -> Result<(), String> {
    check_logs(after)?;
    check_connections(after)?;
    check_groups(after)?;
    check_listeners(before, after)?;
    check_running(before, after).map_err(|reason| {
        format!(
            "Invalid value org.apache.kafka.common.config.ConfigException: {reason} for \
             configuration Invalid dynamic configuration"
        )
    })
}

fn require(is_met: bool, requirement: impl FnOnce() -> String) -> Result<(), String> {
    if is_met { Ok(()) } else { Err(format!("requirement failed: {}", requirement())) }
}

fn check_logs(after: &Layers) -> Result<(), String> {
    let number = |name| after.number(name).unwrap_or(i64::MAX);
    for (name, least) in [("log.roll.ms", 1), ("log.roll.jitter.ms", 0)] {
        require(number(name) >= least, || {
            format!("{name} must be greater than or equal to {least}")
        })?;
    }
    require(number("log.retention.ms") != 0, || {
        "log.retention.ms must be unlimited (-1) or, greater than or equal to 1".to_owned()
    })?;
    let cordoned = after.effective("cordoned.log.dirs").unwrap_or_default();
    let directories = after.effective("log.dirs").unwrap_or_default();
    let known = elements(&directories);
    let missing: Vec<&str> =
        elements(&cordoned).into_iter().filter(|it| *it != "*" && !known.contains(it)).collect();
    require(missing.is_empty(), || {
        let missing = missing.join(", ");
        format!(
            "All entries in cordoned.log.dirs must be present in log.dirs or log.dir. \
             Missing entries : {missing}"
        )
    })?;
    let threads = number("log.cleaner.threads");
    if threads == 0 {
        return Err("/ by zero".to_owned());
    }
    require(number("log.cleaner.dedupe.buffer.size") / threads > 1 << 20, || {
        "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.".to_owned()
    })
}

fn check_connections(after: &Layers) -> Result<(), String> {
    let name = "max.connections.per.ip.overrides";
    let overrides = after.effective(name).unwrap_or_default();
    for entry in elements(&overrides) {
        let Some((host, count)) = entry.rsplit_once(':') else {
            let length = entry.encode_utf16().count();
            return Err(cannot_parse(name, length));
        };
        if count.trim().parse::<i32>().is_err() {
            return Err(format!("For input string: \"{}\"", count.trim()));
        }
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]%".contains(&byte);
        if !host.bytes().all(is_host) {
            return Err(format!("{name} contains invalid addresses : {host}"));
        }
    }
    let is_zero = after.number("max.connections.per.ip") == Some(0);
    require(!is_zero || !overrides.is_empty(), || {
        format!("max.connections.per.ip can be set to zero only if {name} property is set.")
    })
}

/// Returns Java's message for a text without the colon that it looks for.
fn cannot_parse(name: &str, length: usize) -> String {
    format!("Error parsing configuration property '{name}': begin 0, end -1, length {length}")
}

fn check_groups(after: &Layers) -> Result<(), String> {
    for kind in ["consumer", "share", "streams"] {
        let name = format!("group.{kind}.assignment.interval.ms");
        let (least, most) = (
            format!("group.{kind}.min.assignment.interval.ms"),
            format!("group.{kind}.max.assignment.interval.ms"),
        );
        let value = after.number(&name);
        if value < after.number(&least) {
            return Err(format!("{name} must be greater than or equal to {least}"));
        }
        if value > after.number(&most) {
            return Err(format!("{name} must be less than or equal to {most}"));
        }
    }
    Ok(())
}

/// Rejects a change of the listeners: a cluster keeps those that it was started with.
fn check_listeners(before: &Layers, after: &Layers) -> Result<(), String> {
    for name in ["listeners", "listener.security.protocol.map"] {
        let (old, new) = (before.effective(name), after.effective(name));
        if old == new {
            continue;
        }
        let new = new.unwrap_or_default();
        for entry in elements(&new) {
            if name != "listeners" && !entry.contains(':') {
                return Err(cannot_parse(name, entry.encode_utf16().count()));
            }
            if name == "listeners" && !entry.contains("://") {
                let all = elements(&new).join(", ");
                return Err(format!(
                    "Error creating broker listeners from '[{all}]': Unable to parse {entry} to a \
                     broker endpoint"
                ));
            }
        }
        return Err(format!(
            "{name} cannot be changed while this cluster runs: it listens where it was started"
        ));
    }
    Ok(())
}

/// Checks the requirements of the parts of a running broker, each for its own settings.
fn check_running(before: &Layers, after: &Layers) -> Result<(), String> {
    for name in ["max.connections", "max.connection.creation.rate"] {
        let of_a_listener = format!("listener.name.plaintext.{name}");
        for name in [name, &of_a_listener] {
            let given = after.synonyms(name).into_iter().next();
            if given.is_some_and(|it| it.value.trim() == "0") {
                return Err(format!(
                    "Invalid {} 0",
                    name.trim_start_matches("listener.name.plaintext.")
                ));
            }
        }
    }
    check_threads(before, after)?;
    check_remote(after)?;
    if before.effective("metric.reporters") != after.effective("metric.reporters")
        && after.effective("metric.reporters").is_some_and(|it| !it.is_empty())
    {
        return Err("Validation of dynamic config update of Set(metric.reporters) failed with \
                    class class kafka.server.DynamicMetricsReporters"
            .to_owned());
    }
    Ok(())
}

fn check_threads(before: &Layers, after: &Layers) -> Result<(), String> {
    let changed = |name| match (before.number(name), after.number(name)) {
        (Some(old), Some(new)) if old != new => Some((old, new)),
        _ => None,
    };
    if let Some((old, new)) = changed("log.cleaner.threads") {
        if new < old / 2 {
            return Err(format!(
                "Log cleaner threads cannot be reduced to less than half the current value {old}"
            ));
        }
        if new > old * 2 {
            return Err(format!(
                "Log cleaner threads cannot be increased to more than double the current value \
                 {old}"
            ));
        }
    }
    for name in THREADS {
        let Some((old, new)) = changed(name) else { continue };
        let limit = match new {
            new if new < old / 2 => "at least half",
            new if new > old * 2 => "not be greater than double",
            _ => continue,
        };
        let limit = if limit.starts_with("not") { limit } else { "be at least half" };
        return Err(format!(
            "Dynamic thread count update validation failed for {name}={new}, value should {limit} \
             the current value {old}"
        ));
    }
    Ok(())
}

/// Checks the settings of tiered storage, although this cluster does not have it.
fn check_remote(after: &Layers) -> Result<(), String> {
    for unit in ["ms", "bytes"] {
        let (whole, local) =
            (format!("log.retention.{unit}"), format!("log.local.retention.{unit}"));
        let lag = format!("log.remote.copy.lag.{unit}");
        let number = |name: &str| after.number(name).unwrap_or(-1);
        let (all, kept, copied) = (number(&whole), number(&local), number(&lag));
        if all != -1 && kept != -2 {
            if kept == -1 {
                return Err(format!(
                    "Invalid value -1 for configuration {local}: Value must not be -1 as {whole} \
                     value is set as {all}."
                ));
            }
            if kept > all {
                return Err(format!(
                    "Invalid value {kept} for configuration {local}: Value must not be more than \
                     {whole} property value: {all}"
                ));
            }
        }
        let effective = if kept == -2 { all } else { kept };
        if effective >= 0 && copied > effective {
            return Err(format!(
                "Invalid value {copied} for configuration {lag}: Value must not exceed {local} \
                 (effective value: {effective})"
            ));
        }
    }
    Ok(())
}
