//! Topic settings: the values that are accepted, and the responses of the APIs that change and show
//! them.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::incremental_alter_configs_request as incremental;
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};
use rdkafka::admin::{AlterConfig, ResourceSpecifier};
use wire_client::configs::{APPEND, BROKER, DELETE, GROUP, SET, SUBTRACT, TOPIC};
use wire_client::requests::{create_topic, text};

use crate::failure::Failure;
use crate::names::{name, name_of, names};
use crate::scenario::{Outcome, Scenario, area};
use crate::scene::Scene;

area!("configs":
    described_of_an_unknown_topic,
    described_default,
    described_own,
    described_with_synonyms,
    described_all,
    described_unknown_setting,
    described_of_a_node,
    described_of_an_unknown_node,
    described_of_a_node_that_is_no_number,
    described_of_an_unknown_kind,
    described_of_a_group,
    replaced,
    replaced_of_an_unknown_topic,
    replaced_only_validated,
    set,
    set_of_an_unknown_topic,
    set_only_validated,
    set_twice_in_one_request,
    set_one_good_one_bad,
    set_to_nothing,
    set_of_an_unknown_kind,
    set_of_a_node_what_it_lacks,
    set_by_an_unknown_operation,
    resource_named_twice,
    deleted,
    deleted_that_was_not_set,
    appended,
    appended_what_is_there,
    appended_to_what_is_no_list,
    subtracted,
    subtracted_the_last,
    topic_created_with_a_setting_twice,
    topic_created_with_nothing_as_value,
);

/// Settings and values with which a topic is created.
const VALUES: &[(&str, &str)] = &[
    ("retention.ms", "soon"),
    ("retention.ms", "-1"),
    ("retention.ms", "-2"),
    ("retention.ms", "9223372036854775808"),
    ("retention.ms", " 1000 "),
    ("retention.bytes", "-2"),
    ("segment.bytes", "1048575"),
    ("segment.bytes", "1048576"),
    ("segment.bytes", "2147483648"),
    ("segment.ms", "0"),
    ("segment.ms", "1"),
    ("segment.index.bytes", "3"),
    ("segment.jitter.ms", "-1"),
    ("cleanup.policy", "burn"),
    ("cleanup.policy", ""),
    ("cleanup.policy", "compact,delete"),
    ("cleanup.policy", "delete,delete"),
    ("cleanup.policy", "Compact"),
    ("compression.type", "zip"),
    ("compression.type", "zstd"),
    ("compression.gzip.level", "0"),
    ("compression.gzip.level", "10"),
    ("compression.lz4.level", "18"),
    ("compression.zstd.level", "23"),
    ("min.insync.replicas", "0"),
    ("min.insync.replicas", "4"),
    ("max.message.bytes", "-1"),
    ("max.message.bytes", "0"),
    ("message.timestamp.type", "Never"),
    ("message.timestamp.type", "LogAppendTime"),
    ("message.timestamp.after.max.ms", "-1"),
    ("message.timestamp.before.max.ms", "-1"),
    ("unclean.leader.election.enable", "maybe"),
    ("unclean.leader.election.enable", "TRUE"),
    ("preallocate", "1"),
    ("min.cleanable.dirty.ratio", "1.1"),
    ("min.cleanable.dirty.ratio", "0"),
    ("min.compaction.lag.ms", "-1"),
    ("max.compaction.lag.ms", "0"),
    ("delete.retention.ms", "-1"),
    ("file.delete.delay.ms", "-1"),
    ("flush.messages", "0"),
    ("flush.ms", "-1"),
    ("index.interval.bytes", "-1"),
    ("leader.replication.throttled.replicas", "1"),
    ("leader.replication.throttled.replicas", "0:1"),
    ("local.retention.ms", "-3"),
    ("local.retention.ms", "604800001"),
    ("remote.storage.enable", "true"),
    ("message.format.version", "3.0"),
    ("no.such.setting", "1"),
];

/// Returns a scenario for each of the values above.
pub(super) fn values() -> Vec<Scenario> {
    let scenario = |&(setting, value): &(&'static str, &'static str)| {
        let create = move |scene: &Scene| created_with(scene, &[(setting, value)]);
        Scenario::new(format!("configs/{setting}={}", value.replace(' ', "_")), create)
    };
    VALUES.iter().map(scenario).collect()
}

fn created_with(scene: &Scene, settings: &[(&str, &str)]) -> Outcome {
    let request = create_topic(&scene.topic_name("topic"), 1, 3, settings);
    Ok(name(scene.node()?.try_call(7, &request)?.topics[0].error_code))
}

/// Sends DescribeConfigs for one resource.
fn describe(
    scene: &Scene,
    kind: i8,
    resource: &str,
    settings: Option<&[&str]>,
) -> Result<DescribeConfigsResult, Failure> {
    let keys = settings.map(|names| names.iter().map(|it| text(it)).collect());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configuration_keys(keys);
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let mut answer = scene.node()?.try_call(4, &request)?;
    answer.results.pop().ok_or(Failure::Missing("result"))
}

fn described_error(scene: &Scene, kind: i8, resource: &str) -> Outcome {
    let described = describe(scene, kind, resource, None)?;
    Ok(format!("{}, {} settings", name(described.error_code), described.configs.len()))
}

/// Returns the value and the source of one setting of a topic.
fn value(scene: &Scene, topic: &str, setting: &str) -> Outcome {
    let described = describe(scene, TOPIC, topic, Some(&[setting]))?;
    let entry = described.configs.first().ok_or(Failure::Missing("setting"))?;
    let source = match entry.config_source {
        1 => "the topic's",
        4 => "the node's file",
        5 => "the default",
        _ => "from elsewhere",
    };
    Ok(format!("{} ({source})", entry.value.as_deref().unwrap_or("nothing")))
}

/// Returns the value of a setting of a topic once it is `expected`; another node can learn of it a
/// little later.
fn becomes(scene: &Scene, topic: &str, setting: &str, expected: &str) -> Outcome {
    scene.until("the setting has its new value", || {
        Ok(Some(value(scene, topic, setting)?).filter(|it| it.starts_with(expected)))
    })
}

fn described_of_an_unknown_topic(scene: &Scene) -> Outcome {
    described_error(scene, TOPIC, &scene.name("topic"))
}

fn described_default(scene: &Scene) -> Outcome {
    value(scene, &scene.topic(1)?, "retention.ms")
}

fn described_own(scene: &Scene) -> Outcome {
    value(scene, &scene.topic_with(1, 3, &[("retention.ms", "1000")])?, "retention.ms")
}

fn described_with_synonyms(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("cleanup.policy", "compact")])?;
    let described = describe(scene, TOPIC, &topic, Some(&["cleanup.policy"]))?;
    let entry = described.configs.first().ok_or(Failure::Missing("setting"))?;
    let of = |it: &kafka_protocol::messages::describe_configs_response::DescribeConfigsSynonym| {
        format!("{}={} ({})", it.name.as_str(), it.value.as_deref().unwrap_or("nothing"), it.source)
    };
    Ok(entry.synonyms.iter().map(of).collect::<Vec<_>>().join(", "))
}

fn described_all(scene: &Scene) -> Outcome {
    described_error(scene, TOPIC, &scene.topic(1)?)
}

fn described_unknown_setting(scene: &Scene) -> Outcome {
    let described = describe(scene, TOPIC, &scene.topic(1)?, Some(&["no.such.setting"]))?;
    Ok(format!("{}, {} settings", name(described.error_code), described.configs.len()))
}

fn described_of_a_node(scene: &Scene) -> Outcome {
    // The node that receives the request must be the one that the request names.
    let described = describe(scene, BROKER, "1", Some(&["message.max.bytes"]))?;
    let entry = described.configs.first().ok_or(Failure::Missing("setting"))?;
    let value = entry.value.as_deref().unwrap_or("nothing");
    Ok(format!("{}, {value}", name(described.error_code)))
}

fn described_of_an_unknown_node(scene: &Scene) -> Outcome {
    described_error(scene, BROKER, "999")
}

fn described_of_a_node_that_is_no_number(scene: &Scene) -> Outcome {
    described_error(scene, BROKER, "first")
}

fn described_of_an_unknown_kind(scene: &Scene) -> Outcome {
    described_error(scene, 77, "thing")
}

fn described_of_a_group(scene: &Scene) -> Outcome {
    Ok(name(describe(scene, GROUP, &scene.group(), None)?.error_code))
}

/// Sends AlterConfigs for a topic with librdkafka.
fn replace_all(scene: &Scene, topic: &str, settings: &[(&str, &str)], validate: bool) -> Outcome {
    let (admin, options) = scene.admin()?;
    let mut change = AlterConfig::new(ResourceSpecifier::Topic(topic));
    for (name, value) in settings {
        change = change.set(name, value);
    }
    let options = options.validate_only(validate);
    let results = scene.wait(admin.alter_configs([&change], &options))?;
    Ok(match &results[0] {
        Ok(_) => "ok".to_owned(),
        Err((_, code)) => name_of(*code),
    })
}

fn replaced(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("segment.ms", "5000")])?;
    let answered = replace_all(scene, &topic, &[("retention.ms", "1000")], false)?;
    let now = becomes(scene, &topic, "retention.ms", "1000")?;
    Ok(format!("{answered}: {now}, {}", value(scene, &topic, "segment.ms")?))
}

fn replaced_of_an_unknown_topic(scene: &Scene) -> Outcome {
    replace_all(scene, &scene.name("topic"), &[("retention.ms", "1000")], false)
}

fn replaced_only_validated(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let good = replace_all(scene, &topic, &[("retention.ms", "1000")], true)?;
    let bad = replace_all(scene, &topic, &[("retention.ms", "soon")], true)?;
    Ok(format!("{good}, {bad}: {}", value(scene, &topic, "retention.ms")?))
}

/// Builds IncrementalAlterConfigs for one resource, by operation, name, and value.
fn change(
    kind: i8,
    resource: &str,
    changes: &[(i8, &str, Option<&str>)],
) -> IncrementalAlterConfigsRequest {
    let config = |(operation, name, value): &(i8, &str, Option<&str>)| {
        incremental::AlterableConfig::default()
            .with_config_operation(*operation)
            .with_name(text(name))
            .with_value(value.map(text))
    };
    let resource = incremental::AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configs(changes.iter().map(config).collect());
    IncrementalAlterConfigsRequest::default().with_resources(vec![resource])
}

fn changed(scene: &Scene, request: &IncrementalAlterConfigsRequest) -> Outcome {
    let answer = scene.node()?.try_call(1, request)?;
    Ok(names(answer.responses.iter().map(|it| it.error_code)))
}

/// Returns the response to a change of one topic.
fn altered(scene: &Scene, topic: &str, changes: &[(i8, &str, Option<&str>)]) -> Outcome {
    changed(scene, &change(TOPIC, topic, changes))
}

fn set(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("segment.ms", "5000")])?;
    let answered = altered(scene, &topic, &[(SET, "retention.ms", Some("1000"))])?;
    let now = becomes(scene, &topic, "retention.ms", "1000")?;
    Ok(format!("{answered}: {now}, {}", value(scene, &topic, "segment.ms")?))
}

fn set_of_an_unknown_topic(scene: &Scene) -> Outcome {
    altered(scene, &scene.name("topic"), &[(SET, "retention.ms", Some("1000"))])
}

fn set_only_validated(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let request = change(TOPIC, &topic, &[(SET, "retention.ms", Some("1000"))]);
    let answered = changed(scene, &request.with_validate_only(true))?;
    Ok(format!("{answered}: {}", value(scene, &topic, "retention.ms")?))
}

fn set_twice_in_one_request(scene: &Scene) -> Outcome {
    let twice = [(SET, "retention.ms", Some("1")), (SET, "retention.ms", Some("2"))];
    altered(scene, &scene.topic(1)?, &twice)
}

fn set_one_good_one_bad(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let both = [(SET, "segment.ms", Some("7000")), (SET, "cleanup.policy", Some("burn"))];
    let answered = altered(scene, &topic, &both)?;
    Ok(format!("{answered}: {}", value(scene, &topic, "segment.ms")?))
}

fn set_to_nothing(scene: &Scene) -> Outcome {
    altered(scene, &scene.topic(1)?, &[(SET, "retention.ms", None)])
}

fn set_of_an_unknown_kind(scene: &Scene) -> Outcome {
    changed(scene, &change(77, "thing", &[(SET, "retention.ms", Some("1000"))]))
}

fn set_of_a_node_what_it_lacks(scene: &Scene) -> Outcome {
    changed(scene, &change(BROKER, "1", &[(SET, "node.id", Some("7"))]))
}

fn set_by_an_unknown_operation(scene: &Scene) -> Outcome {
    altered(scene, &scene.topic(1)?, &[(9, "retention.ms", Some("1000"))])
}

fn resource_named_twice(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut request = change(TOPIC, &topic, &[(SET, "retention.ms", Some("1000"))]);
    request.resources.push(request.resources[0].clone());
    changed(scene, &request)
}

fn deleted(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("retention.ms", "1000")])?;
    let answered = altered(scene, &topic, &[(DELETE, "retention.ms", None)])?;
    Ok(format!("{answered}: {}", becomes(scene, &topic, "retention.ms", "604800000")?))
}

fn deleted_that_was_not_set(scene: &Scene) -> Outcome {
    altered(scene, &scene.topic(1)?, &[(DELETE, "retention.ms", None)])
}

fn appended(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let answered = altered(scene, &topic, &[(APPEND, "cleanup.policy", Some("compact"))])?;
    Ok(format!("{answered}: {}", becomes(scene, &topic, "cleanup.policy", "delete,compact")?))
}

fn appended_what_is_there(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let answered = altered(scene, &topic, &[(APPEND, "cleanup.policy", Some("delete"))])?;
    Ok(format!("{answered}: {}", becomes(scene, &topic, "cleanup.policy", "delete (the topic's")?))
}

fn appended_to_what_is_no_list(scene: &Scene) -> Outcome {
    altered(scene, &scene.topic(1)?, &[(APPEND, "retention.ms", Some("1"))])
}

fn subtracted(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("cleanup.policy", "compact,delete")])?;
    let answered = altered(scene, &topic, &[(SUBTRACT, "cleanup.policy", Some("delete"))])?;
    let now = scene.until("one policy is left", || {
        Ok(Some(value(scene, &topic, "cleanup.policy")?).filter(|it| !it.contains(',')))
    })?;
    Ok(format!("{answered}: {now}"))
}

fn subtracted_the_last(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("cleanup.policy", "compact")])?;
    altered(scene, &topic, &[(SUBTRACT, "cleanup.policy", Some("compact"))])
}

fn topic_created_with_a_setting_twice(scene: &Scene) -> Outcome {
    created_with(scene, &[("retention.ms", "1000"), ("retention.ms", "2000")])
}

fn topic_created_with_nothing_as_value(scene: &Scene) -> Outcome {
    let mut request = create_topic(&scene.topic_name("topic"), 1, 3, &[("retention.ms", "")]);
    request.topics[0].configs[0].value = None;
    Ok(name(scene.node()?.try_call(7, &request)?.topics[0].error_code))
}
