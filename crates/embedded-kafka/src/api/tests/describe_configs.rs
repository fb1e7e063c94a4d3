//! The settings that DescribeConfigs shows, against a store with one topic.

use std::collections::BTreeMap;

use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::protocol::{Encodable, StrBytes};

use super::config_store::OneTopic;
use crate::api::describe_configs::describe_all;
use crate::config::{Inherited, TopicConfig};

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
    let mut response = describe_all(&request, 1, store);
    for version in 1..=4 {
        response.encode(&mut Vec::new(), version).unwrap();
    }
    response.results.remove(0)
}

const AIRPORTS: (i8, &str) = (2, "airports");

fn synonyms(row: &DescribeConfigsResourceResult) -> Vec<(&str, &str, i8)> {
    row.synonyms.iter().map(|row| (&*row.name, row.value.as_deref().unwrap(), row.source)).collect()
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
    let rejected = ask(&store, (32, ""), None, true);
    let message = rejected.error_message.as_deref();
    assert_eq!((rejected.error_code, message), (42, Some("Group name must not be empty")));
}

#[test]
fn there_are_no_loggers() {
    let result = ask(&OneTopic::default(), (8, "1"), None, true);
    assert_eq!((result.error_code, result.configs.len()), (0, 0));
}

#[test]
fn dynamic_settings_take_precedence() {
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

/// Compares with the responses of Apache Kafka 4.4 on node 1.
#[test]
fn rejections_agree_with_kafkas() {
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
        let response = (result.error_code, result.error_message.as_deref());
        assert_eq!(response, (code, Some(message)), "{resource:?}");
        assert!(result.configs.is_empty());
    }
}
