//! The complete response to DescribeConfigs for each kind of resource: every entry with its value,
//! type, source, synonyms, flags, and documentation.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::{DescribeConfigsRequest, ListConfigResourcesRequest};
use wire_client::requests::text;

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;
use wire_client::configs::{BROKER, CLIENT_METRICS, DELETE, GROUP, SET, TOPIC};

area!("described":
    a_topic,
    a_broker,
    all_brokers,
    a_group,
    a_group_of_its_own,
    client_metrics,
    client_metrics_without_a_name,
    client_metrics_of_its_own,
    a_topic_with_a_setting_of_its_own,
    a_broker_without_documentation,
    what_can_be_changed,
);

/// Settings whose values are not compared, because they depend on where a cluster runs, or engines
/// and tests choose them for a laptop.
const CHOSEN: &[&str] = &[
    "advertised.listeners",
    "auto.create.topics.enable",
    "broker.id",
    "broker.session.timeout.ms",
    "consumer.assignment.interval.ms",
    "consumer.heartbeat.interval.ms",
    "controller.listener.names",
    "controller.quorum.voters",
    "default.replication.factor",
    "group.consumer.assignment.interval.ms",
    "group.consumer.heartbeat.interval.ms",
    "group.consumer.min.heartbeat.interval.ms",
    "group.consumer.min.session.timeout.ms",
    "group.initial.rebalance.delay.ms",
    "listener.security.protocol.map",
    "listeners",
    "log.cleaner.backoff.ms",
    "log.dirs",
    "log.retention.check.interval.ms",
    "node.id",
    "offsets.topic.num.partitions",
    "offsets.topic.replication.factor",
    "process.roles",
    "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.replication.factor",
    "transaction.state.log.min.isr",
    "transaction.state.log.num.partitions",
    "transaction.state.log.replication.factor",
];

/// Settings that other scenarios change at the same time.
const CHANGING: &[&str] = &[
    "follower.replication.throttled.rate",
    "leader.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];

pub(super) fn describe(
    scene: &Scene,
    kind: i8,
    resource: &str,
    keys: Option<&[&str]>,
    with_documentation: bool,
) -> Result<(i16, Vec<DescribeConfigsResourceResult>), Failure> {
    let keys = keys.map(|keys| keys.iter().map(|key| text(key)).collect());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configuration_keys(keys);
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true)
        .with_include_documentation(with_documentation);
    let mut answer = scene.node()?.try_call(4, &request)?;
    let result = answer.results.pop().ok_or(Failure::Missing("result"))?;
    let mut configs = result.configs;
    configs.retain(|it| !CHANGING.contains(&&*it.name) && !it.name.starts_with("conformance-"));
    configs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((result.error_code, configs))
}

fn whole(scene: &Scene, kind: i8, resource: &str) -> Outcome {
    let (error, configs) = describe(scene, kind, resource, None, true)?;
    let entries = configs.iter().map(entry).collect::<Vec<_>>();
    Ok(format!("{}, {} settings: {}", name(error), entries.len(), entries.join("; ")))
}

/// Formats an entry: `name=value type source flags [synonyms] documentation`, the last one as its
/// length and a checksum.
pub(super) fn entry(entry: &DescribeConfigsResourceResult) -> String {
    let shown = |value: Option<&str>| value.unwrap_or("null").to_owned();
    let mut text = format!("{}=", &*entry.name);
    let mut synonyms = String::new();
    if CHOSEN.contains(&&*entry.name) {
        text += "*";
    } else {
        text += &format!("{} <{}>", shown(entry.value.as_deref()), entry.config_source);
        let all = entry.synonyms.iter().map(|it| {
            let name = if it.name == entry.name { "" } else { &*it.name };
            format!("{name}={}<{}>", shown(it.value.as_deref()), it.source)
        });
        synonyms = all.collect::<Vec<_>>().join(",");
    }
    text += &format!(" {}", entry.config_type);
    for (is_set, flag) in [(entry.is_sensitive, " secret"), (entry.read_only, " fixed")] {
        text += if is_set { flag } else { "" };
    }
    if !synonyms.is_empty() {
        text += &format!(" [{synonyms}]");
    }
    if let Some(documentation) = entry.documentation.as_deref() {
        text += &format!(" #{}.{:08x}", documentation.len(), sum(documentation));
    }
    text
}

/// Returns the FNV-1a hash, which is enough to notice a different text.
fn sum(text: &str) -> u32 {
    let step = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(16_777_619);
    text.bytes().fold(2_166_136_261, step)
}

fn a_topic(scene: &Scene) -> Outcome {
    whole(scene, TOPIC, &scene.topic(1)?)
}

fn a_broker(scene: &Scene) -> Outcome {
    whole(scene, BROKER, "1")
}

fn all_brokers(scene: &Scene) -> Outcome {
    whole(scene, BROKER, "")
}

fn a_group(scene: &Scene) -> Outcome {
    whole(scene, GROUP, &scene.group())
}

fn a_group_of_its_own(scene: &Scene) -> Outcome {
    let group = scene.group();
    let changes = [
        (SET, "consumer.session.timeout.ms", Some("50000")),
        (SET, "share.isolation.level", Some("read_committed")),
        (SET, "streams.num.standby.replicas", Some(" 1 ")),
    ];
    let answered = super::change(scene, GROUP, &group, &changes, false)?;
    let keys = changes.map(|(_, name, _)| name);
    let shown = scene.until("the group has its own settings", || {
        let (_, configs) = describe(scene, GROUP, &group, Some(&keys), false)?;
        let own = configs.iter().filter(|it| it.config_source == 8).count();
        Ok((own == keys.len()).then(|| configs.iter().map(entry).collect::<Vec<_>>().join("; ")))
    })?;
    Ok(format!("{answered}: {shown}"))
}

fn client_metrics(scene: &Scene) -> Outcome {
    whole(scene, CLIENT_METRICS, &scene.name("metrics"))
}

fn client_metrics_without_a_name(scene: &Scene) -> Outcome {
    whole(scene, CLIENT_METRICS, "")
}

fn client_metrics_of_its_own(scene: &Scene) -> Outcome {
    let name = scene.name("metrics");
    let own = [
        (SET, "interval.ms", Some(" 1000 ")),
        (SET, "match", Some("client_id=a.*, client_software_name=x")),
        (SET, "metrics", Some("org.apache.")),
    ];
    let set = super::change(scene, CLIENT_METRICS, &name, &own, false)?;
    let shown = scene.until("the subscription is there", || {
        let (_, configs) = describe(scene, CLIENT_METRICS, &name, None, false)?;
        let is_there = configs.iter().all(|it| it.config_source == 7);
        Ok(is_there.then(|| configs.iter().map(entry).collect::<Vec<_>>().join("; ")))
    })?;
    let is_listed = |expected: bool| {
        scene.until("the subscription is listed, or not any more", || {
            let request =
                ListConfigResourcesRequest::default().with_resource_types(vec![CLIENT_METRICS]);
            let answer = scene.node()?.try_call(1, &request)?;
            let listed = answer.config_resources.iter().any(|it| *it.resource_name == *name);
            Ok((listed == expected).then_some(()))
        })
    };
    is_listed(true)?;
    let gone = own.map(|(_, name, _)| (DELETE, name, None));
    let deleted = super::change(scene, CLIENT_METRICS, &name, &gone, false)?;
    is_listed(false)?;
    Ok(format!("{set}: {shown}, {deleted}: gone"))
}

fn a_topic_with_a_setting_of_its_own(scene: &Scene) -> Outcome {
    let own = [("min.insync.replicas", "2"), ("retention.ms", "5"), ("cleanup.policy", "compact")];
    let topic = scene.topic_with(1, 3, &own)?;
    let keys = own.map(|(name, _)| name);
    let (error, configs) = describe(scene, TOPIC, &topic, Some(&keys), false)?;
    let entries = configs.iter().map(entry).collect::<Vec<_>>();
    Ok(format!("{}: {}", name(error), entries.join("; ")))
}

fn a_broker_without_documentation(scene: &Scene) -> Outcome {
    let keys = ["message.max.bytes", "min.insync.replicas", "log.retention.hours", "nope"];
    let (error, configs) = describe(scene, BROKER, "1", Some(&keys), false)?;
    let entries = configs.iter().map(entry).collect::<Vec<_>>();
    Ok(format!("{}: {}", name(error), entries.join("; ")))
}

fn what_can_be_changed(scene: &Scene) -> Outcome {
    let (_, configs) = describe(scene, BROKER, "1", None, false)?;
    let changeable = configs.iter().filter(|it| !it.read_only);
    Ok(changeable.map(|it| it.name.to_string()).collect::<Vec<_>>().join(" "))
}
