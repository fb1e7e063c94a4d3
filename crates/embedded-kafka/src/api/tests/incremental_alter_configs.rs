//! The changes and rejections of IncrementalAlterConfigs, against a store with one topic.

use kafka_protocol::messages::IncrementalAlterConfigsRequest;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::protocol::{Encodable, StrBytes};

use super::config_store::OneTopic;
use crate::api::incremental_alter_configs::alter_all;

type Entry = (&'static str, i8, Option<&'static str>);

fn resource(resource_type: i8, name: &'static str, entries: &[Entry]) -> AlterConfigsResource {
    let config = |&(name, operation, value): &Entry| {
        AlterableConfig::default()
            .with_name(StrBytes::from_static_str(name))
            .with_config_operation(operation)
            .with_value(value.map(StrBytes::from_static_str))
    };
    AlterConfigsResource::default()
        .with_resource_type(resource_type)
        .with_resource_name(StrBytes::from_static_str(name))
        .with_configs(entries.iter().map(config).collect())
}

fn ask(store: &OneTopic, resources: Vec<AlterConfigsResource>) -> Vec<(i16, Option<String>)> {
    let request = IncrementalAlterConfigsRequest::default().with_resources(resources);
    let response = alter_all(&request, 1, store);
    for version in 0..=1 {
        response.encode(&mut Vec::new(), version).unwrap();
    }
    let one = |result: AlterConfigsResourceResponse| {
        (result.error_code, result.error_message.as_deref().map(str::to_owned))
    };
    response.responses.into_iter().map(one).collect()
}

#[test]
fn a_change_leaves_the_other_settings_alone() {
    let store = OneTopic::default();
    let first = resource(2, "airports", &[("retention.ms", 0, Some("1000"))]);
    let second = resource(2, "airports", &[("cleanup.policy", 2, Some("compact"))]);
    assert_eq!(ask(&store, vec![first]), [(0, None)]);
    assert_eq!(ask(&store, vec![second]), [(0, None)]);
    assert_eq!(store.config.borrow().retention_ms(), 1000);
    assert!(store.config.borrow().cleanup_policy().compact);
    let delete = resource(2, "airports", &[("retention.ms", 1, None)]);
    assert_eq!(ask(&store, vec![delete]), [(0, None)]);
    assert_eq!(store.config.borrow().retention_ms(), 604_800_000);
}

#[test]
fn validating_changes_nothing() {
    let store = OneTopic::default();
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![resource(2, "airports", &[("retention.ms", 0, Some("1"))])])
        .with_validate_only(true);
    assert_eq!(alter_all(&request, 1, &store).responses[0].error_code, 0);
    assert_eq!(store.config.borrow().retention_ms(), 604_800_000);
}

#[test]
fn one_rejected_resource_does_not_stop_the_others() {
    let store = OneTopic::default();
    let responses = ask(
        &store,
        vec![
            resource(3, "x", &[]),
            resource(2, "airports", &[("retention.ms", 0, Some("1"))]),
            resource(4, "1", &[("num.partitions", 0, Some("2"))]),
        ],
    );
    let message = "Cannot update these configs dynamically: [num.partitions]";
    let expected = [
        (42, Some("Unknown resource type 3".to_owned())),
        (0, None),
        (42, Some(message.to_owned())),
    ];
    assert_eq!(responses, expected);
    assert_eq!(store.config.borrow().retention_ms(), 1);
}

#[test]
fn a_resource_that_appears_twice_is_rejected_both_times() {
    let twice = vec![resource(2, "airports", &[]), resource(2, "airports", &[])];
    let message = "Each resource must appear at most once.".to_owned();
    let rejection = (42, Some(message));
    assert_eq!(ask(&OneTopic::default(), twice), [rejection.clone(), rejection]);
}

#[test]
fn an_operation_that_does_not_exist_is_a_server_error_as_in_kafka() {
    for operation in [-1, 4] {
        let entry = ("retention.ms", operation, Some("5"));
        let responses = ask(&OneTopic::default(), vec![resource(2, "airports", &[entry])]);
        assert_eq!(responses, [(-1, None)]);
    }
}

/// Compares with the responses of Apache Kafka 4.4 on node 1, also for a logger that it does not
/// have.
#[test]
fn rejections_agree_with_kafkas() {
    let rows: &[(i8, &'static str, Entry, i16, &str)] = &[
        (
            2,
            "missing",
            ("retention.ms", 0, None),
            42,
            "Null value not supported for : retention.ms",
        ),
        (2, "missing", ("nope", 0, Some("1")), 40, "Unknown topic config name: nope"),
        (
            2,
            "missing",
            ("retention.ms", 2, Some("1")),
            40,
            "Can't APPEND to key retention.ms because its type is not LIST.",
        ),
        (2, "missing", ("retention.ms", 0, Some("5")), 3, "The topic 'missing' does not exist."),
        (2, "", ("retention.ms", 0, Some("5")), 42, "Default topic resources are not allowed."),
        (77, "x", ("retention.ms", 0, Some("5")), 42, "Unknown resource type 77"),
        (8, "2", ("root", 0, Some("WARN")), 42, "Unexpected node id. Expected 1, but received 2"),
        (8, "", ("root", 0, Some("WARN")), 42, "Node id must be an integer, but it is: "),
        (8, "1", ("nope.zz", 0, Some("WARN")), 40, "Logger nope.zz does not exist!"),
        (8, "1", ("root", 0, None), 42, "Null value not supported for : root"),
        (
            4,
            "",
            ("num.partitions", 0, Some("4")),
            42,
            "Cannot update these configs dynamically: [num.partitions]",
        ),
    ];
    for &(kind, name, entry, code, message) in rows {
        let responses = ask(&OneTopic::default(), vec![resource(kind, name, &[entry])]);
        assert_eq!(responses, [(code, Some(message.to_owned()))], "{kind} {name} {entry:?}");
    }
}

/// Compares with the responses of Apache Kafka 4.4 with the limits of this cluster.
#[test]
fn a_groups_settings_are_kept_within_the_nodes_limits() {
    let store = OneTopic::default();
    let rows = [
        ("session.timeout.ms", 0, Some("46000"), 0, ""),
        (
            "session.timeout.ms",
            0,
            Some("60001"),
            40,
            "@ must be in the range 6000 to 60000 inclusive.",
        ),
        ("session.timeout.ms", 0, Some("1"), 40, "@ must be in the range 6000 to 60000 inclusive."),
        (
            "session.timeout.ms",
            0,
            Some("0"),
            40,
            "Invalid value 0 for configuration @: Value must be at least 1",
        ),
        (
            "session.timeout.ms",
            0,
            Some("x"),
            40,
            "Invalid value x for configuration @: Not a number of type INT",
        ),
        ("session.timeout.ms", 0, None, 42, "Null value not supported for : @"),
        (
            "heartbeat.interval.ms",
            0,
            Some("15001"),
            40,
            "@ must be in the range 100 to 15000 inclusive.",
        ),
        (
            "assignment.interval.ms",
            0,
            Some("-1"),
            40,
            "Invalid value -1 for configuration @: Value must be at least 0",
        ),
        (
            "session.timeout.ms",
            2,
            Some("1"),
            40,
            "Can't APPEND to key @ because its type is not LIST.",
        ),
        ("nope", 0, Some("1"), 40, "Unknown group config name: @"),
        ("nope", 1, None, 0, ""),
    ];
    for (setting, operation, value, code, message) in rows {
        let name: &'static str = format!("consumer.{setting}").leak();
        let entry = (name, operation, value);
        let expected = (code, (code != 0).then(|| message.replace('@', name)));
        assert_eq!(ask(&store, vec![resource(32, "gates", &[entry])]), [expected], "{entry:?}");
    }
    let kept = store.group_overrides.borrow()["gates"].clone();
    assert_eq!(
        kept.into_iter().collect::<Vec<_>>(),
        [("consumer.session.timeout.ms".to_owned(), "46000".to_owned())]
    );
    let empty = ask(&store, vec![resource(32, "", &[])]);
    assert_eq!(empty, [(42, Some("Default group resources are not allowed.".to_owned()))]);
}

#[test]
fn a_setting_that_a_node_lacks_can_be_deleted() {
    let entry = ("num.partitions", 1, None);
    assert_eq!(ask(&OneTopic::default(), vec![resource(4, "1", &[entry])]), [(0, None)]);
}
