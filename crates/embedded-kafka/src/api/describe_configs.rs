//! DescribeConfigs (key 32, versions 1–4): the settings of topics, nodes, groups and subscriptions
//! to clients' metrics, each with its source and the places where it could have come from (KIP-226),
//! its type and documentation (KIP-569).

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use super::config_resources::{
    BROKER, BROKER_LOGGER, CLIENT_METRICS, ConfigStore, GROUP, TOPIC, node_id,
};
use crate::config::{Kind, Layers, TOPIC_SETTINGS, TopicConfig, TopicSetting, apache};
use crate::config::apache::{Definition, Of, Update};
use crate::config::layers::{DEFAULT_CONFIG, DYNAMIC_DEFAULT_BROKER_CONFIG, Given, Synonym, broker_definition};
use crate::rejection::Rejection;
use crate::metadata::names;

/// Set for the topic itself.
const DYNAMIC_TOPIC_CONFIG: i8 = 1;
/// Set for the subscription to clients' metrics itself.
const DYNAMIC_CLIENT_METRICS_CONFIG: i8 = 7;
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
) -> Result<Vec<DescribeConfigsResourceResult>, Rejection> {
    let name = &*resource.resource_name;
    match resource.resource_type {
        TOPIC => describe_topic(name, node, store),
        BROKER if name.is_empty() => Ok(describe_all_nodes(&store.layers(node))),
        BROKER => {
            let id = node_id(name, "Broker id")?;
            if id != node {
                return Err(Rejection::invalid_request(format!(
                    "Unexpected broker id, expected {node} or empty string, but received {id}"
                )));
            }
            Ok(describe_node(&store.layers(node)))
        }
        GROUP if name.is_empty() => Err(Rejection::invalid_request("Group name must not be empty")),
        GROUP => {
            let (own, layers) = (store.group_overrides(name), store.layers(node));
            let row = |it| own_row(it, &own, DYNAMIC_GROUP_CONFIG, &layers);
            Ok(apache::definitions(Of::Group).map(row).collect())
        }
        CLIENT_METRICS if name.is_empty() => {
            Err(Rejection::invalid_request("Client metrics subscription name must not be empty"))
        }
        CLIENT_METRICS => {
            let own = store.metrics_overrides(name);
            let row = |it| own_row(it, &own, DYNAMIC_CLIENT_METRICS_CONFIG, &Layers::default());
            Ok(apache::definitions(Of::ClientMetrics).map(row).collect())
        }
        BROKER_LOGGER if name.is_empty() => {
            Err(Rejection::invalid_request("Broker id must not be empty"))
        }
        BROKER_LOGGER => {
            let id = node_id(name, "Broker id")?;
            if id != node {
                let message = format!("Unexpected broker id, expected {node} but received {id}");
                return Err(Rejection::invalid_request(message));
            }
            Ok(Vec::new())
        }
        _ => Err(Rejection::invalid_request(
            "This most likely occurs because of a request being malformed by the client library \
             or the message was sent to an incompatible broker. \
             See the broker logs for more details.",
        )),
    }
}

fn describe_topic(
    name: &str,
    node: i32,
    store: &impl ConfigStore,
) -> Result<Vec<DescribeConfigsResourceResult>, Rejection> {
    names::validate(name)
        .map_err(|message| Rejection { code: ResponseError::InvalidTopicException, message })?;
    let config = store.topic_config(name, node).ok_or_else(|| Rejection {
        code: ResponseError::UnknownTopicOrPartition,
        message: String::new(),
    })?;
    Ok(describe_settings(&config, &store.layers(node)))
}

/// Every setting of a topic, with its value and where that comes from.
pub(super) fn describe_settings(
    config: &TopicConfig,
    layers: &Layers,
) -> Vec<DescribeConfigsResourceResult> {
    let row = |setting: &TopicSetting| {
        let definition = apache::definition(Of::Topic, setting.name)?;
        let own = config.overrides().get(setting.name);
        let own = own.map(|value| synonym(setting.name, Some(value), DYNAMIC_TOPIC_CONFIG));
        let inherited = definition.node.as_deref().map(|name| node_synonyms(name, layers));
        let synonyms = own.into_iter().chain(inherited.into_iter().flatten()).collect();
        Some(row(definition, Some(config.value_of(setting).to_owned()), synonyms))
    };
    TOPIC_SETTINGS.iter().filter_map(row).collect()
}

/// Every setting of a node, and what else was set for it.
fn describe_node(layers: &Layers) -> Vec<DescribeConfigsResourceResult> {
    let given: BTreeSet<&String> =
        [&layers.own, &layers.of_all, &layers.started].into_iter().flat_map(BTreeMap::keys).collect();
    let known = apache::definitions(Of::Broker);
    let known = known.filter(|it| !it.hidden && !given.contains(&it.name)).map(|it| &it.name);
    let names: BTreeSet<&String> = given.iter().copied().chain(known).collect();
    names.into_iter().map(|name| node_row(name, layers, node_synonyms(name, layers))).collect()
}

/// What was set for all nodes while they ran.
fn describe_all_nodes(layers: &Layers) -> Vec<DescribeConfigsResourceResult> {
    let row = |(name, value): (&String, &String)| {
        let own = Layers { of_all: layers.of_all.clone(), ..Layers::default() };
        let mut synonyms = node_synonyms(name, &own);
        synonyms.retain(|it| it.source == DYNAMIC_DEFAULT_BROKER_CONFIG);
        let mut row = node_row(name, &own, synonyms);
        row.value = row.value.map(|_| text(value));
        row
    };
    layers.of_all.iter().map(row).collect()
}

/// A setting that nobody knows may be a plugin's secret, and so its value is not shown.
fn node_row(
    name: &str,
    layers: &Layers,
    synonyms: Vec<DescribeConfigsSynonym>,
) -> DescribeConfigsResourceResult {
    let is_dynamic = |it: &&Definition| it.name == name && it.update != Update::ReadOnly;
    let Some(definition) = broker_definition(name) else {
        let row = described(name, None, synonyms).with_documentation(None);
        return row.with_is_sensitive(true).with_read_only(true);
    };
    let is_sensitive = definition.kind == Kind::Password;
    // What no broker has by itself is shown as it was given.
    let value = if definition.name == name && !definition.hidden {
        layers.value(definition)
    } else {
        synonyms.first().and_then(|it| it.value.as_deref().map(str::to_owned))
    };
    let documentation = definition.doc.as_deref().filter(|_| definition.name == name);
    described(name, value.filter(|_| !is_sensitive), synonyms)
        .with_is_sensitive(is_sensitive)
        .with_read_only(Some(definition).filter(is_dynamic).is_none())
        .with_config_type(definition.kind.type_id())
        .with_documentation(documentation.map(text))
}

/// A setting of a consumer group, or of a subscription to clients' metrics.
fn own_row(
    definition: &Definition,
    own: &Given,
    own_source: i8,
    layers: &Layers,
) -> DescribeConfigsResourceResult {
    let own = own.get(&definition.name);
    let own = own.map(|value| synonym(&definition.name, Some(value), own_source));
    let inherited = definition.node.as_deref().map(|name| match broker_definition(name) {
        Some(_) => node_synonyms(name, layers),
        // A default that brokers have and do not show.
        None => vec![synonym(name, definition.default.as_deref(), DEFAULT_CONFIG)],
    });
    let synonyms: Vec<_> = own.into_iter().chain(inherited.into_iter().flatten()).collect();
    let first = synonyms.first().and_then(|it| it.value.as_deref().map(str::to_owned));
    row(definition, first.or_else(|| definition.default.clone()), synonyms)
}

fn row(
    definition: &Definition,
    value: Option<String>,
    synonyms: Vec<DescribeConfigsSynonym>,
) -> DescribeConfigsResourceResult {
    described(&definition.name, value, synonyms)
        .with_config_type(definition.kind.type_id())
        .with_documentation(definition.doc.as_deref().map(text))
}

/// Its source is that of its nearest value.
fn described(
    name: &str,
    value: Option<String>,
    synonyms: Vec<DescribeConfigsSynonym>,
) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default()
        .with_name(text(name))
        .with_value(value.map(StrBytes::from_string))
        .with_config_source(synonyms.first().map_or(DEFAULT_CONFIG, |it| it.source))
        .with_synonyms(synonyms)
}

fn node_synonyms(name: &str, layers: &Layers) -> Vec<DescribeConfigsSynonym> {
    let is_secret = broker_definition(name).is_none_or(|it| it.kind == Kind::Password);
    let shown = |it: Synonym| {
        let value = Some(it.value.as_str()).filter(|_| !is_secret);
        synonym(&it.name, value, it.source)
    };
    layers.synonyms(name).into_iter().map(shown).collect()
}

fn synonym(name: &str, value: Option<&str>, source: i8) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym::default()
        .with_name(text(name))
        .with_value(value.map(text))
        .with_source(source)
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::Encodable;

    use super::super::config_resources::testing::OneTopic;
    use super::*;
    use crate::config::Inherited;

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
            TopicConfig::create([("cleanup.policy", Some("compact"))], Inherited::default()).unwrap();
        let result = ask(&store, AIRPORTS, None, true);
        assert_eq!((result.error_code, result.error_message.as_deref()), (0, Some("")));
        assert_eq!(result.configs.len(), 37);
        let row = |name: &str| result.configs.iter().find(|row| &*row.name == name).unwrap();
        // Sources, types and synonyms as Apache Kafka 4.4 describes them.
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
        assert!(result.configs.iter().all(|row| row.documentation.is_some()));
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
        assert_eq!(names(Some(&[])).len(), 37);
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
        assert!(row("node.id").read_only && !row("message.max.bytes").read_only);
        assert_eq!(result.configs.len(), 350);
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
    fn the_loggers_are_none() {
        let result = ask(&OneTopic::default(), (8, "1"), None, true);
        assert_eq!((result.error_code, result.configs.len()), (0, 0));
    }

    #[test]
    fn what_was_set_while_nodes_ran_stands_before_the_rest() {
        let store = OneTopic::default();
        let given = |entries: &[(&str, &str)]| {
            entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let own = given(&[("log.retention.ms", " 111000 "), ("no.such.setting", "5")]);
        store.node_overrides.borrow_mut().insert("1".to_owned(), own);
        let of_all = given(&[("log.retention.ms", "222000")]);
        store.node_overrides.borrow_mut().insert(String::new(), of_all);
        let expected = [
            ("log.retention.ms", " 111000 ", 2),
            ("log.retention.ms", "222000", 3),
            ("log.retention.hours", "168", 5),
        ];
        for (resource, name) in [((4, "1"), "log.retention.ms"), (AIRPORTS, "retention.ms")] {
            let result = ask(&store, resource, Some(&[name]), true);
            let row = &result.configs[0];
            assert_eq!((row.config_source, synonyms(row)), (2, expected.to_vec()), "{name}");
        }
        let result = ask(&store, (4, "1"), Some(&["no.such.setting", "log.retention.ms"]), true);
        let value = |row: &DescribeConfigsResourceResult| row.value.as_deref().map(str::to_owned);
        assert_eq!(value(&result.configs[0]).as_deref(), Some("111000"));
        let unknown = &result.configs[1];
        assert_eq!((value(unknown), unknown.config_type), (None, 0));
        assert!(unknown.is_sensitive && unknown.read_only);
        let result = ask(&store, (4, ""), None, true);
        assert_eq!(result.configs.len(), 1);
        assert_eq!(synonyms(&result.configs[0]), [("log.retention.ms", "222000", 3)]);
    }

    /// What Apache Kafka 4.4 answers on node 1.
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
