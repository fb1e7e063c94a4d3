//! DescribeConfigs (key 32, versions 1–4): the settings of topics and nodes, each with its source
//! and the places where it could have come from (KIP-226), its type and documentation (KIP-569).

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use super::config_resources::{BROKER, BROKER_LOGGER, ConfigStore, GROUP, TOPIC, node_id};
use crate::metadata::config::groups::{GROUP_SETTINGS, GroupSetting};
use crate::metadata::config::{NodeSetting, TOPIC_SETTINGS, TopicConfig, TopicSetting};
use crate::metadata::{Refusal, names};

/// The type of a whole number of 64 bits (KIP-569).
const LONG: i8 = 5;

/// Set for the topic itself.
const DYNAMIC_TOPIC_CONFIG: i8 = 1;
/// Set for one node while it ran.
const DYNAMIC_BROKER_CONFIG: i8 = 2;
/// Set for all nodes while they ran.
const DYNAMIC_DEFAULT_BROKER_CONFIG: i8 = 3;
/// Set where the node was started.
const STATIC_BROKER_CONFIG: i8 = 4;
/// Set by nobody.
const DEFAULT_CONFIG: i8 = 5;
/// Set for the consumer group itself.
const DYNAMIC_GROUP_CONFIG: i8 = 8;

/// Answers a DescribeConfigs request.
pub(crate) fn handle(
    request: DescribeConfigsRequest,
    _version: i16,
    context: &Context,
) -> DescribeConfigsResponse {
    answer(&request, context.node, &*context.state)
}

fn answer(
    request: &DescribeConfigsRequest,
    node: i32,
    store: &impl ConfigStore,
) -> DescribeConfigsResponse {
    let one = |resource: &DescribeConfigsResource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match describe(resource, node, store) {
            // Kafka's message is empty here, not null.
            Ok(rows) => result
                .with_error_message(Some(StrBytes::default()))
                .with_configs(chosen(rows, resource, request)),
            Err(error) => result
                .with_error_code(error.code.code())
                .with_error_message(Some(StrBytes::from_string(error.message))),
        }
    };
    DescribeConfigsResponse::default().with_results(request.resources.iter().map(one).collect())
}

/// The settings that the request asks for, with as much of each as it asks for.
fn chosen(
    mut rows: Vec<DescribeConfigsResourceResult>,
    resource: &DescribeConfigsResource,
    request: &DescribeConfigsRequest,
) -> Vec<DescribeConfigsResourceResult> {
    // No names at all ask for every setting, as null does.
    if let Some(keys) = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty()) {
        rows.retain(|row| keys.contains(&row.name));
    }
    for row in &mut rows {
        if !request.include_synonyms {
            row.synonyms.clear();
        }
        if !request.include_documentation {
            row.documentation = None;
        }
    }
    rows
}

fn describe(
    resource: &DescribeConfigsResource,
    node: i32,
    store: &impl ConfigStore,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    let name = &*resource.resource_name;
    match resource.resource_type {
        TOPIC => describe_topic(name, store),
        BROKER if name.is_empty() => Ok(override_rows("", store)),
        BROKER => {
            let id = node_id(name, "Broker id")?;
            if id != node {
                return Err(Refusal::invalid_request(format!(
                    "Unexpected broker id, expected {node} or empty string, but received {id}"
                )));
            }
            let mut rows: Vec<_> = store.node_settings(node).table().iter().map(node_row).collect();
            rows.extend(override_rows(name, store));
            Ok(rows)
        }
        GROUP if name.is_empty() => Err(Refusal::invalid_request("Group name must not be empty")),
        GROUP => {
            let own = store.group_overrides(name);
            Ok(GROUP_SETTINGS.iter().map(|setting| group_row(setting, &own)).collect())
        }
        BROKER_LOGGER if name.is_empty() => {
            Err(Refusal::invalid_request("Broker id must not be empty"))
        }
        BROKER_LOGGER => {
            let id = node_id(name, "Broker id")?;
            if id != node {
                let message = format!("Unexpected broker id, expected {node} but received {id}");
                return Err(Refusal::invalid_request(message));
            }
            Ok(Vec::new())
        }
        _ => Err(Refusal::invalid_request(
            "This most likely occurs because of a request being malformed by the client library \
             or the message was sent to an incompatible broker. \
             See the broker logs for more details.",
        )),
    }
}

fn describe_topic(
    name: &str,
    store: &impl ConfigStore,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    names::validate(name)
        .map_err(|message| Refusal { code: ResponseError::InvalidTopicException, message })?;
    let config = store.topic_config(name).ok_or_else(|| Refusal {
        code: ResponseError::UnknownTopicOrPartition,
        message: String::new(),
    })?;
    Ok(describe_settings(&config))
}

/// Every setting of a topic, with its value and where that comes from.
pub(super) fn describe_settings(config: &TopicConfig) -> Vec<DescribeConfigsResourceResult> {
    TOPIC_SETTINGS.iter().map(|setting| topic_row(setting, config)).collect()
}

fn topic_row(setting: &TopicSetting, config: &TopicConfig) -> DescribeConfigsResourceResult {
    let set = config.overrides().get(setting.name);
    let mut synonyms = Vec::new();
    if let Some(value) = set {
        synonyms.push(synonym(setting.name, value, DYNAMIC_TOPIC_CONFIG));
    }
    if let Some(name) = setting.node_setting {
        synonyms.push(synonym(name, setting.default, DEFAULT_CONFIG));
    }
    let effect = if setting.effective { "" } else { " Without effect in this cluster." };
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(setting.name))
        .with_value(Some(StrBytes::from_string(config.value_of(setting).to_owned())))
        .with_config_source(if set.is_some() { DYNAMIC_TOPIC_CONFIG } else { DEFAULT_CONFIG })
        .with_synonyms(synonyms)
        .with_config_type(setting.kind.type_id())
        .with_documentation(Some(StrBytes::from_string(setting.documentation.to_owned() + effect)))
}

/// What was set while nodes ran: for the one that is named, and where it has nothing of its own, for
/// all of them.
fn override_rows(
    node: &str,
    store: &impl ConfigStore,
) -> Vec<DescribeConfigsResourceResult> {
    let own = if node.is_empty() { BTreeMap::new() } else { store.node_overrides(node) };
    let of_all = store.node_overrides("");
    let names: BTreeSet<&String> = own.keys().chain(of_all.keys()).collect();
    let row = |name: &String| {
        let sources = [
            own.get(name).map(|value| (value, DYNAMIC_BROKER_CONFIG)),
            of_all.get(name).map(|value| (value, DYNAMIC_DEFAULT_BROKER_CONFIG)),
        ];
        let found = sources.into_iter().flatten();
        let synonyms: Vec<_> = found.map(|(value, source)| synonym(name, value, source)).collect();
        let first = synonyms.first().cloned().unwrap_or_default();
        DescribeConfigsResourceResult::default()
            .with_name(first.name)
            .with_value(first.value)
            .with_config_source(first.source)
            .with_synonyms(synonyms)
            .with_config_type(LONG)
    };
    names.into_iter().map(row).collect()
}

fn group_row(
    setting: &GroupSetting,
    own: &BTreeMap<String, String>,
) -> DescribeConfigsResourceResult {
    let default = setting.default.to_string();
    let mut synonyms = node_synonyms(setting.node_setting, &default, Some(setting.apache));
    if let Some(value) = own.get(setting.name) {
        synonyms.insert(0, synonym(setting.name, value, DYNAMIC_GROUP_CONFIG));
    }
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(setting.name))
        .with_value(synonyms[0].value.clone())
        .with_config_source(synonyms[0].source)
        .with_synonyms(synonyms)
        .with_config_type(setting.kind.type_id())
        .with_documentation(Some(StrBytes::from_static_str(setting.documentation)))
}

fn node_row(setting: &NodeSetting) -> DescribeConfigsResourceResult {
    let synonyms = node_synonyms(setting.name, &setting.value, setting.default);
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(setting.name))
        .with_value(Some(StrBytes::from_string(setting.value.clone())))
        .with_read_only(true)
        .with_config_source(synonyms[0].source)
        .with_synonyms(synonyms)
        .with_config_type(setting.kind.type_id())
        .with_documentation(Some(StrBytes::from_static_str(setting.documentation)))
}

/// A node's value, and Apache Kafka's default where that is another one.
fn node_synonyms(name: &str, value: &str, default: Option<&str>) -> Vec<DescribeConfigsSynonym> {
    let is_default = default == Some(value);
    let source = if is_default { DEFAULT_CONFIG } else { STATIC_BROKER_CONFIG };
    let default = default.filter(|_| !is_default);
    let default = default.map(|default| synonym(name, default, DEFAULT_CONFIG));
    [synonym(name, value, source)].into_iter().chain(default).collect()
}

fn synonym(name: &str, value: &str, source: i8) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym::default()
        .with_name(StrBytes::from_string(name.to_owned()))
        .with_value(Some(StrBytes::from_string(value.to_owned())))
        .with_source(source)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::Encodable;

    use super::super::config_resources::testing::OneTopic;
    use super::*;

    fn ask(
        store: &OneTopic,
        (resource_type, name): (i8, &'static str),
        keys: Option<&[&'static str]>,
        all: bool,
    ) -> DescribeConfigsResult {
        let keys = keys.map(|keys| keys.iter().copied().map(StrBytes::from_static_str).collect());
        let resource = DescribeConfigsResource::default()
            .with_resource_type(resource_type)
            .with_resource_name(StrBytes::from_static_str(name))
            .with_configuration_keys(keys);
        let request = DescribeConfigsRequest::default()
            .with_resources(vec![resource])
            .with_include_synonyms(all)
            .with_include_documentation(all);
        let mut response = answer(&request, 1, store);
        for version in 1..=4 {
            response.encode(&mut Vec::new(), version).unwrap();
        }
        response.results.remove(0)
    }

    const AIRPORTS: (i8, &str) = (2, "airports");

    /// The settings of a topic that change nothing here, and say so.
    const WITHOUT_EFFECT: [&str; 14] = [
        "flush.messages",
        "flush.ms",
        "file.delete.delay.ms",
        "compression.gzip.level",
        "compression.lz4.level",
        "compression.zstd.level",
        "preallocate",
        "leader.replication.throttled.replicas",
        "follower.replication.throttled.replicas",
        "remote.storage.enable",
        "local.retention.ms",
        "local.retention.bytes",
        "remote.log.copy.disable",
        "remote.log.delete.on.disable",
    ];

    fn synonyms(row: &DescribeConfigsResourceResult) -> Vec<(&str, &str, i8)> {
        row.synonyms
            .iter()
            .map(|row| (&*row.name, row.value.as_deref().unwrap(), row.source))
            .collect()
    }

    #[test]
    fn a_setting_names_its_source_and_its_synonyms() {
        let store = OneTopic::default();
        *store.config.borrow_mut() =
            TopicConfig::create([("cleanup.policy", Some("compact"))]).unwrap();
        let result = ask(&store, AIRPORTS, None, true);
        assert_eq!((result.error_code, result.error_message.as_deref()), (0, Some("")));
        assert_eq!(result.configs.len(), 33);
        let row = |name: &str| result.configs.iter().find(|row| &*row.name == name).unwrap();
        // Sources, types and synonyms as Apache Kafka 4.3 describes them.
        let policy = row("cleanup.policy");
        assert_eq!((policy.value.as_deref(), policy.config_source), (Some("compact"), 1));
        assert_eq!((policy.config_type, policy.read_only, policy.is_sensitive), (7, false, false));
        assert_eq!(
            synonyms(policy),
            [("cleanup.policy", "compact", 1), ("log.cleanup.policy", "delete", 5)]
        );
        let retention = row("retention.ms");
        assert_eq!((retention.value.as_deref(), retention.config_source), (Some("604800000"), 5));
        assert_eq!((retention.config_type, synonyms(retention)), (5, vec![]));
        assert_eq!(synonyms(row("max.message.bytes")), [("message.max.bytes", "1048588", 5)]);
        let is_without_effect = |row: &&DescribeConfigsResourceResult| {
            row.documentation.as_deref().unwrap().ends_with("Without effect in this cluster.")
        };
        let without_effect: Vec<_> =
            result.configs.iter().filter(is_without_effect).map(|row| &*row.name).collect();
        assert_eq!(without_effect, WITHOUT_EFFECT);
    }

    #[test]
    fn synonyms_and_documentation_come_when_asked_for() {
        let result = ask(&OneTopic::default(), AIRPORTS, None, false);
        assert!(result.configs.iter().all(|row| row.synonyms.is_empty()));
        assert!(result.configs.iter().all(|row| row.documentation.is_none()));
    }

    #[test]
    fn keys_choose_the_settings() {
        let names = |keys: Option<&[&'static str]>| {
            let result = ask(&OneTopic::default(), AIRPORTS, keys, false);
            assert_eq!(result.error_code, 0);
            result.configs.iter().map(|row| row.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(Some(&["nope", "retention.ms"])), ["retention.ms"]);
        assert_eq!(names(Some(&["retention.ms", "retention.ms"])), ["retention.ms"]);
        assert_eq!(names(Some(&[])).len(), 33);
    }

    #[test]
    fn a_node_describes_what_it_runs_with() {
        let result = ask(&OneTopic::default(), (4, "1"), None, true);
        let row = |name: &str| result.configs.iter().find(|row| &*row.name == name).unwrap();
        let factor = row("default.replication.factor");
        assert_eq!((factor.value.as_deref(), factor.config_source), (Some("3"), 4));
        assert_eq!(
            synonyms(factor),
            [("default.replication.factor", "3", 4), ("default.replication.factor", "1", 5)]
        );
        let partitions = row("num.partitions");
        assert_eq!((partitions.value.as_deref(), partitions.config_source), (Some("1"), 5));
        assert_eq!(synonyms(row("node.id")), [("node.id", "1", 4)]);
        assert_eq!(row("message.max.bytes").value.as_deref(), Some("1048588"));
        assert_eq!(row("offsets.topic.replication.factor").config_type, 4);
        assert_eq!(row("listeners").value.as_deref(), Some("PLAINTEXT://127.0.0.1:9092"));
        assert!(result.configs.iter().all(|row| row.read_only));
    }

    #[test]
    fn a_group_describes_its_own_settings_and_the_nodes() {
        let store = OneTopic::default();
        let name = "consumer.session.timeout.ms";
        let own = BTreeMap::from([(name.to_owned(), "46000".to_owned())]);
        store.group_overrides.borrow_mut().insert("gates".to_owned(), own);
        let result = ask(&store, (32, "gates"), None, true);
        let row = |name: &str| result.configs.iter().find(|row| &*row.name == name).unwrap();
        let session = row(name);
        assert_eq!((session.value.as_deref(), session.config_source), (Some("46000"), 8));
        let of_the_node = ("group.consumer.session.timeout.ms", "45000", 5);
        assert_eq!(synonyms(session), [(name, "46000", 8), of_the_node]);
        let interval = "group.consumer.heartbeat.interval.ms";
        let heartbeat = row("consumer.heartbeat.interval.ms");
        assert_eq!(synonyms(heartbeat), [(interval, "1000", 4), (interval, "5000", 5)]);
        assert_eq!((heartbeat.config_source, heartbeat.config_type), (4, 3));
        assert!(result.configs.iter().all(|row| !row.read_only));
        let refused = ask(&store, (32, ""), None, true);
        let message = refused.error_message.as_deref();
        assert_eq!((refused.error_code, message), (42, Some("Group name must not be empty")));
    }

    #[test]
    fn the_defaults_of_all_nodes_and_the_loggers_are_none() {
        for resource in [(4, ""), (8, "1")] {
            let result = ask(&OneTopic::default(), resource, None, true);
            assert_eq!((result.error_code, result.configs.len()), (0, 0));
        }
    }

    /// What Apache Kafka 4.3 answers on node 1.
    #[test]
    fn refusals_are_kafkas() {
        let illegal = "Topic name is invalid: 'a b' contains one or more characters other than \
                       ASCII alphanumerics, '.', '_' and '-'";
        let malformed = "This most likely occurs because of a request being malformed by the \
                         client library or the message was sent to an incompatible broker. See \
                         the broker logs for more details.";
        let rows = [
            ((2, "missing"), 3, ""),
            ((2, "a b"), 17, illegal),
            ((2, ""), 17, "Topic name is invalid: the empty string is not allowed"),
            ((4, "77"), 42, "Unexpected broker id, expected 1 or empty string, but received 77"),
            ((4, "abc"), 42, "Broker id must be an integer, but it is: abc"),
            ((8, "2"), 42, "Unexpected broker id, expected 1 but received 2"),
            ((8, "abc"), 42, "Broker id must be an integer, but it is: abc"),
            ((8, ""), 42, "Broker id must not be empty"),
            ((3, "x"), 42, malformed),
            ((77, "x"), 42, malformed),
        ];
        for (resource, code, message) in rows {
            let result = ask(&OneTopic::default(), resource, None, true);
            let answer = (result.error_code, result.error_message.as_deref());
            assert_eq!(answer, (code, Some(message)), "{resource:?}");
            assert!(result.configs.is_empty());
        }
    }
}
