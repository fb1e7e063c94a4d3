//! The changes and rejections of AlterConfigs, against a store with one topic.

use kafka_protocol::messages::AlterConfigsRequest;
use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::protocol::{Encodable, StrBytes};

use super::config_store::OneTopic;
use crate::api::alter_configs::alter_all;

fn ask(
    store: &OneTopic,
    (resource_type, name): (i8, &'static str),
    configs: &[(&'static str, Option<&'static str>)],
    validate_only: bool,
) -> (i16, Option<String>) {
    let config = |&(name, value): &(&'static str, Option<&'static str>)| {
        AlterableConfig::default()
            .with_name(StrBytes::from_static_str(name))
            .with_value(value.map(StrBytes::from_static_str))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(resource_type)
        .with_resource_name(StrBytes::from_static_str(name))
        .with_configs(configs.iter().map(config).collect());
    let request = AlterConfigsRequest::default()
        .with_resources(vec![resource])
        .with_validate_only(validate_only);
    let response = alter_all(&request, 1, store);
    for version in 0..=2 {
        response.encode(&mut Vec::new(), version).unwrap();
    }
    let result = &response.responses[0];
    assert_eq!((result.resource_type, &*result.resource_name), (resource_type, name));
    (result.error_code, result.error_message.as_deref().map(str::to_owned))
}

const AIRPORTS: (i8, &str) = (2, "airports");

#[test]
fn an_unnamed_setting_returns_to_its_default() {
    let store = OneTopic::default();
    let both = [("retention.ms", Some("1000")), ("cleanup.policy", Some("compact"))];
    assert_eq!(ask(&store, AIRPORTS, &both, false), (0, None));
    assert_eq!(ask(&store, AIRPORTS, &both[1..], false), (0, None));
    assert_eq!(store.config.borrow().retention_ms(), 604_800_000);
    assert!(store.config.borrow().cleanup_policy().compact);
    assert_eq!(ask(&store, AIRPORTS, &[], false), (0, None));
    assert!(store.config.borrow().overrides().is_empty());
}

#[test]
fn validating_changes_nothing() {
    let store = OneTopic::default();
    assert_eq!(ask(&store, AIRPORTS, &[("retention.ms", Some("1"))], true), (0, None));
    assert_eq!(store.config.borrow().retention_ms(), 604_800_000);
}

#[test]
fn a_failed_write_is_a_storage_error() {
    let store = OneTopic { is_writable: false, ..OneTopic::default() };
    let (code, message) = ask(&store, AIRPORTS, &[("retention.ms", Some("1"))], false);
    assert_eq!(code, 56);
    assert!(message.is_some());
}

/// Compares with the responses of Apache Kafka 4.3 on node 1.
#[test]
fn rejections_agree_with_kafkas() {
    let illegal = "Topic name is invalid: 'a b' contains one or more characters other than \
                   ASCII alphanumerics, '.', '_' and '-'";
    let policies = "Invalid value x for configuration cleanup.policy: \
                    String must be one of: compact, delete";
    let retention = ("retention.ms", Some("1"));
    let threads = ("log.cleaner.threads", Some("2"));
    let rows = [
        (AIRPORTS, ("cleanup.policy", Some("x")), 40, policies),
        (AIRPORTS, ("nope", Some("x")), 40, "Unknown topic config name: nope"),
        (AIRPORTS, ("nope", None), 42, "Null value not supported for : nope"),
        ((2, "missing"), retention, 3, "The topic 'missing' does not exist."),
        ((2, "missing"), ("nope", Some("1")), 40, "Unknown topic config name: nope"),
        ((2, "a b"), retention, 17, illegal),
        ((2, ""), retention, 42, "Default topic resources are not allowed."),
        ((3, "x"), retention, 42, "Unknown resource type 3"),
        ((8, "1"), ("root", Some("WARN")), 42, "Unknown resource type 8"),
        ((4, "77"), threads, 42, "Unexpected broker id, expected 1, but received 77"),
        ((4, "abc"), threads, 42, "Node id must be an integer, but it is: abc"),
        (
            (4, "1"),
            ("num.partitions", Some("2")),
            42,
            "Cannot update these configs dynamically: [num.partitions]",
        ),
    ];
    for (resource, config, code, message) in rows {
        let response = ask(&OneTopic::default(), resource, &[config], false);
        assert_eq!(response, (code, Some(message.to_owned())), "{resource:?} {config:?}");
    }
}
