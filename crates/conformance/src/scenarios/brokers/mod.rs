//! Changes settings of running brokers (KIP-226): which changes are accepted, the messages of
//! rejections, and the result in DescribeConfigs.

mod described;
mod values;

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    AlterConfigsRequest, IncrementalAlterConfigsRequest, alter_configs_request as replace,
    incremental_alter_configs_request as incremental,
};
use wire_client::configs::{APPEND, BROKER, CLIENT_METRICS, DELETE, SET};
use wire_client::requests::text;

use self::described::{describe, entry};
use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, Scenario, area};
use crate::scene::Scene;

area!("brokers":
    fixed,
    several_fixed,
    fixed_before_bad,
    fixed_before_what_one_broker_has,
    bad_before_what_one_broker_has,
    two_bad,
    two_that_contradict_each_other,
    kept_by_the_cluster,
    replaced_without_what_the_cluster_keeps,
    replaced,
    replaced_by_what_is_fixed,
    unknown,
    of_a_listener,
    listeners,
    twice_in_one_request,
    to_nothing,
    by_an_unknown_operation,
    of_another_broker,
    of_a_broker_that_is_no_number,
    set_and_deleted,
    unknown_set_and_deleted,
    subscription_to_metrics,
);

/// Returns a scenario for each setting that can be changed.
pub(super) fn values() -> Vec<Scenario> {
    values::scenarios()
}

/// Returns a scenario for each kind of resource.
pub(super) fn described() -> Vec<Scenario> {
    described::scenarios()
}

/// The operation, name, and value of a change.
type Change<'a> = (i8, &'a str, Option<&'a str>);

/// Sends IncrementalAlterConfigs for one resource, and returns the error's name and message.
fn change(
    scene: &Scene,
    kind: i8,
    resource: &str,
    changes: &[Change<'_>],
    validate_only: bool,
) -> Outcome {
    let config = |(operation, name, value): &Change<'_>| {
        incremental::AlterableConfig::default()
            .with_config_operation(*operation)
            .with_name(text(name))
            .with_value(value.map(text))
    };
    let resource = incremental::AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configs(changes.iter().map(config).collect());
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![resource])
        .with_validate_only(validate_only);
    let mut answer = scene.node()?.try_call(1, &request)?;
    let result = answer.responses.pop().ok_or(Failure::Missing("response"))?;
    Ok(shown(result.error_code, result.error_message.as_deref()))
}

fn shown(code: i16, message: Option<&str>) -> String {
    match message {
        Some(message) if !message.is_empty() => format!("{} ({message})", name(code)),
        _ => name(code),
    }
}

/// Asks whether brokers would accept changes.
fn ask(scene: &Scene, broker: &str, changes: &[Change<'_>]) -> Outcome {
    change(scene, BROKER, broker, changes, true)
}

/// Returns both responses: for one broker, and for all.
fn both(scene: &Scene, changes: &[Change<'_>]) -> Outcome {
    Ok(format!("{}; for all: {}", ask(scene, "1", changes)?, ask(scene, "", changes)?))
}

/// Sends AlterConfigs for brokers, only to validate.
fn replace(scene: &Scene, broker: &str, settings: &[(&str, &str)]) -> Outcome {
    let config = |(name, value): &(&str, &str)| {
        replace::AlterableConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    let resource = replace::AlterConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(text(broker))
        .with_configs(settings.iter().map(config).collect());
    let request =
        AlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(true);
    let mut answer = scene.node()?.try_call(2, &request)?;
    let result = answer.responses.pop().ok_or(Failure::Missing("response"))?;
    Ok(shown(result.error_code, result.error_message.as_deref()))
}

/// Sets every setting that is read at startup to its current value.
fn fixed(scene: &Scene) -> Outcome {
    let (_, configs) = describe(scene, BROKER, "1", None, false)?;
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    for config in configs.iter().filter(|it| it.read_only) {
        let value = config.value.as_deref().unwrap_or("1");
        let answer = both(scene, &[(SET, &config.name, Some(value))])?;
        *answers.entry(answer.replace(&*config.name, "@")).or_default() += 1;
    }
    let answers = answers.iter().map(|(answer, times)| format!("{times} x {answer}"));
    Ok(answers.collect::<Vec<_>>().join(", "))
}

fn several_fixed(scene: &Scene) -> Outcome {
    let names = ["num.partitions", "node.id", "log.dirs", "auto.create.topics.enable"];
    both(scene, &names.map(|name| (SET, name, Some("2"))))
}

fn fixed_before_bad(scene: &Scene) -> Outcome {
    let bad = (SET, "log.segment.bytes", Some("x"));
    both(scene, &[bad, (SET, "num.partitions", Some("2"))])
}

fn fixed_before_what_one_broker_has(scene: &Scene) -> Outcome {
    let listeners = (SET, "listeners", Some("x"));
    both(scene, &[listeners, (SET, "num.partitions", Some("2"))])
}

fn bad_before_what_one_broker_has(scene: &Scene) -> Outcome {
    let bad = (SET, "log.segment.bytes", Some("x"));
    both(scene, &[(SET, "sasl.enabled.mechanisms", Some("PLAIN")), bad])
}

fn two_bad(scene: &Scene) -> Outcome {
    both(scene, &[(SET, "log.retention.ms", Some("0")), (SET, "log.roll.ms", Some("0"))])
}

fn two_that_contradict_each_other(scene: &Scene) -> Outcome {
    let pairs = [
        ("log.retention.ms", "1000", "log.local.retention.ms", "2000"),
        ("log.retention.bytes", "100", "log.local.retention.bytes", "-1"),
        ("log.local.retention.bytes", "100", "log.remote.copy.lag.bytes", "200"),
        ("log.cleaner.min.compaction.lag.ms", "10", "log.cleaner.max.compaction.lag.ms", "5"),
        ("max.connections.per.ip", "0", "max.connections.per.ip.overrides", "127.0.0.1:5"),
        ("num.io.threads", "90", "max.connections", "0"),
    ];
    let mut answers = Vec::new();
    for (one, its, other, others) in pairs {
        answers.push(ask(scene, "1", &[(SET, one, Some(its)), (SET, other, Some(others))])?);
    }
    Ok(answers.join("; "))
}

fn kept_by_the_cluster(scene: &Scene) -> Outcome {
    let name = "min.insync.replicas";
    let set = both(scene, &[(SET, name, Some("2"))])?;
    Ok(format!("{set}; deleted: {}", both(scene, &[(DELETE, name, None)])?))
}

fn replaced_without_what_the_cluster_keeps(scene: &Scene) -> Outcome {
    replace(scene, "", &[("log.cleaner.threads", "2")])
}

fn replaced(scene: &Scene) -> Outcome {
    let one = replace(scene, "1", &[("log.cleaner.threads", "2"), ("no.such.setting", "x")])?;
    let nothing = replace(scene, "1", &[])?;
    let bad = replace(scene, "1", &[("log.cleaner.threads", "x")])?;
    Ok(format!("{one}, {nothing}, {bad}"))
}

fn replaced_by_what_is_fixed(scene: &Scene) -> Outcome {
    replace(scene, "1", &[("num.partitions", "2")])
}

fn unknown(scene: &Scene) -> Outcome {
    let mut answers = Vec::new();
    for (operation, value) in
        [(SET, Some("5")), (SET, Some("")), (DELETE, None), (APPEND, Some("x"))]
    {
        answers.push(both(scene, &[(operation, "no.such.setting", value)])?);
    }
    answers.push(both(scene, &[(SET, "retention.ms", Some("5"))])?);
    Ok(answers.join(", "))
}

fn of_a_listener(scene: &Scene) -> Outcome {
    let settings = [
        ("max.connections", "5"),
        ("max.connections", "0"),
        ("max.connections", "x"),
        ("ssl.keystore.type", "JKS"),
        ("sasl.enabled.mechanisms", "PLAIN"),
        ("num.partitions", "9"),
        ("log.retention.ms", "x"),
        ("nope", "x"),
    ];
    let mut answers = Vec::new();
    for (setting, value) in settings {
        let name = format!("listener.name.plaintext.{setting}");
        answers.push(format!("{setting}={value}: {}", both(scene, &[(SET, &name, Some(value))])?));
    }
    Ok(answers.join(", "))
}

fn listeners(scene: &Scene) -> Outcome {
    let (_, configs) = describe(scene, BROKER, "1", Some(&["listeners"]), false)?;
    let now = configs.first().and_then(|it| it.value.as_deref()).unwrap_or_default();
    let same = ask(scene, "1", &[(SET, "listeners", Some(now))])?;
    let none = both(scene, &[(SET, "listeners", Some("x"))])?;
    let no_map = both(scene, &[(SET, "listener.security.protocol.map", Some("x"))])?;
    Ok(format!("{same}; {none}; {no_map}"))
}

fn twice_in_one_request(scene: &Scene) -> Outcome {
    let name = "log.segment.bytes";
    both(scene, &[(SET, name, Some("2000000")), (SET, name, Some("3000000"))])
}

fn to_nothing(scene: &Scene) -> Outcome {
    both(scene, &[(SET, "log.segment.bytes", None), (APPEND, "log.cleanup.policy", None)])
}

fn by_an_unknown_operation(scene: &Scene) -> Outcome {
    both(scene, &[(9, "log.segment.bytes", Some("2000000"))])
}

fn of_another_broker(scene: &Scene) -> Outcome {
    ask(scene, "2", &[(SET, "log.segment.bytes", Some("2000000"))])
}

fn of_a_broker_that_is_no_number(scene: &Scene) -> Outcome {
    ask(scene, "first", &[(SET, "log.segment.bytes", Some("2000000"))])
}

/// Returns the entry of one setting of broker 1, once it exists or no longer exists.
fn becomes(scene: &Scene, setting: &str, is_there: bool) -> Outcome {
    use kafka_protocol::messages::DescribeConfigsRequest;
    use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
    scene.until("the broker has learned of it", || {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(BROKER)
            .with_resource_name(text("1"))
            .with_configuration_keys(Some(vec![text(setting)]));
        let request = DescribeConfigsRequest::default()
            .with_resources(vec![resource])
            .with_include_synonyms(true)
            .with_include_documentation(true);
        let mut answer = scene.node()?.try_call(4, &request)?;
        let result = answer.results.pop().ok_or(Failure::Missing("result"))?;
        let entries: Vec<String> = result.configs.iter().map(entry).collect();
        Ok((entries.is_empty() != is_there).then(|| entries.join("; ")))
    })
}

fn set_and_deleted(scene: &Scene) -> Outcome {
    let name = "replica.alter.log.dirs.io.max.bytes.per.second";
    let set = change(scene, BROKER, "1", &[(SET, name, Some(" 5000000 "))], false)?;
    let is_set = becomes(scene, name, true)?;
    let deleted = change(scene, BROKER, "1", &[(DELETE, name, None)], false)?;
    Ok(format!("{set}: {is_set}, {deleted}: {}", becomes(scene, name, false)?))
}

fn unknown_set_and_deleted(scene: &Scene) -> Outcome {
    let name = scene.name("setting");
    let set = change(scene, BROKER, "1", &[(SET, &name, Some("5"))], false)?;
    let is_set = becomes(scene, &name, true)?;
    let deleted = change(scene, BROKER, "1", &[(DELETE, &name, None)], false)?;
    let gone = becomes(scene, &name, false)?;
    Ok(format!("{set}: {}, {deleted}: {gone}", is_set.replace(&name, "@")))
}

fn subscription_to_metrics(scene: &Scene) -> Outcome {
    let name = scene.name("metrics");
    let rows: [&[Change<'_>]; 8] = [
        &[(SET, "interval.ms", Some("99"))],
        &[(SET, "interval.ms", Some("x"))],
        &[(SET, "match", Some("nope"))],
        &[(SET, "nope", Some("x"))],
        &[(APPEND, "metrics", Some("x"))],
        &[(SET, "match", Some("client_id=x")), (SET, "metrics", Some("org.apache.,*"))],
        &[(SET, "interval.ms", Some("100"))],
        &[(DELETE, "interval.ms", None)],
    ];
    let mut answers = Vec::new();
    for changes in rows {
        answers.push(change(scene, CLIENT_METRICS, &name, changes, true)?);
    }
    answers.push(change(scene, CLIENT_METRICS, "", &[(SET, "interval.ms", Some("100"))], true)?);
    Ok(answers.join("; "))
}
