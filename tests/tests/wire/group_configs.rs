//! Settings of consumer groups: what they may be, where they come from, and that the coordinator
//! works with them.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, DeleteGroupsRequest, DescribeConfigsRequest,
    IncrementalAlterConfigsRequest,
};
use workshop_tests::configs::{APPEND, DELETE, GROUP, SET};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{group_id, text, topic_name};
use workshop_tests::{HostedCluster, TestCluster, eventually};

const SESSION: &str = "consumer.session.timeout.ms";
const HEARTBEAT: &str = "consumer.heartbeat.interval.ms";

/// The error of one change, and its message.
fn alter(
    client: &mut RawClient,
    group: &str,
    (name, operation, value): (&str, i8, Option<&str>),
) -> (i16, String) {
    let config = AlterableConfig::default()
        .with_name(text(name))
        .with_config_operation(operation)
        .with_value(value.map(text));
    let resource = AlterConfigsResource::default()
        .with_resource_type(GROUP)
        .with_resource_name(text(group))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = client.call(1, &request).responses.remove(0);
    (answer.error_code, answer.error_message.unwrap_or_default().to_string())
}

fn describe(client: &mut RawClient, group: &str) -> DescribeConfigsResult {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(GROUP)
        .with_resource_name(text(group))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    client.call(4, &request).results.remove(0)
}

/// Value and source of a setting.
fn setting(client: &mut RawClient, group: &str, name: &str) -> (String, i8) {
    let rows = describe(client, group).configs;
    let row = rows.into_iter().find(|row| row.name.as_str() == name).expect("it is listed");
    (row.value.expect("it has a value").to_string(), row.config_source)
}

#[tokio::test]
async fn what_a_group_may_not_set_is_refused() {
    let cluster = TestCluster::start().await;
    let group = cluster.group_name();
    let mut client = cluster.connect();
    // The embedded cluster lets groups be quicker than Kafka's defaults do.
    let (session, heartbeat) = if cluster.is_embedded() { (6000, 100) } else { (45000, 5000) };
    let session =
        format!("consumer.session.timeout.ms must be in the range {session} to 60000 inclusive.");
    let heartbeat = format!(
        "consumer.heartbeat.interval.ms must be in the range {heartbeat} to 15000 inclusive."
    );
    let (session, heartbeat) = (session.as_str(), heartbeat.as_str());
    let rows = [
        ((SESSION, SET, Some("60001")), 40, session),
        ((SESSION, SET, Some("5999")), 40, session),
        ((HEARTBEAT, SET, Some("15001")), 40, heartbeat),
        ((HEARTBEAT, SET, Some("99")), 40, heartbeat),
        (
            (SESSION, SET, Some("0")),
            40,
            "Invalid value 0 for configuration consumer.session.timeout.ms: Value must be at least 1",
        ),
        (
            (SESSION, SET, Some("soon")),
            40,
            "Invalid value soon for configuration consumer.session.timeout.ms: Not a number of type \
             INT",
        ),
        ((SESSION, SET, None), 42, "Null value not supported for : consumer.session.timeout.ms"),
        (
            (SESSION, APPEND, Some("1")),
            40,
            "Can't APPEND to key consumer.session.timeout.ms because its type is not LIST.",
        ),
        (("nope", SET, Some("1")), 40, "Unknown group config name: nope"),
        (("nope", DELETE, None), 0, ""),
    ];
    for (change, code, message) in rows {
        assert_eq!(alter(&mut client, &group, change), (code, message.to_owned()), "{change:?}");
    }
    let (code, message) = alter(&mut client, "", (SESSION, SET, Some("50000")));
    assert_eq!((code, message.as_str()), (42, "Default group resources are not allowed."));
    let nameless = describe(&mut client, "");
    let message = nameless.error_message.unwrap_or_default();
    assert_eq!((nameless.error_code, message.as_str()), (42, "Group name must not be empty"));
}

#[tokio::test]
async fn a_group_need_not_be_there_to_have_settings() {
    let cluster = TestCluster::start().await;
    let group = cluster.group_name();
    let mut client = cluster.connect();
    assert_eq!(setting(&mut client, &group, SESSION), ("45000".into(), 5));
    assert_eq!(alter(&mut client, &group, (SESSION, SET, Some(" 46000 "))), (0, String::new()));
    eventually("the group has its own session timeout", || {
        (setting(&mut client, &group, SESSION) == ("46000".into(), 8)).then_some(())
    });
    let rows = describe(&mut client, &group).configs;
    let row = rows.iter().find(|row| row.name.as_str() == SESSION).expect("it is listed");
    let synonyms = row.synonyms.iter().map(|it| (it.name.as_str(), it.source));
    let expected = [(SESSION, 8), ("group.consumer.session.timeout.ms", 5)];
    assert_eq!(synonyms.collect::<Vec<_>>(), expected);
    assert_eq!((row.config_type, row.read_only, row.is_sensitive), (3, false, false));
    assert_eq!(alter(&mut client, &group, (SESSION, DELETE, None)), (0, String::new()));
    eventually("the group has none any more", || {
        (setting(&mut client, &group, SESSION) == ("45000".into(), 5)).then_some(())
    });
}

#[tokio::test]
async fn members_get_the_heartbeat_interval_of_their_group() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    let mut client = cluster.connect();
    assert_eq!(alter(&mut client, &group, (HEARTBEAT, SET, Some("7000"))), (0, String::new()));
    let mut coordinator = cluster.connect_to_coordinator(&group);
    let beat = |epoch| {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&group))
            .with_member_id(text("a"))
            .with_member_epoch(epoch)
            .with_rebalance_timeout_ms(60_000)
            .with_subscribed_topic_names(Some(vec![topic_name(&topic)]))
            .with_topic_partitions(Some(vec![]))
    };
    eventually("the coordinator has learned of it", || {
        let answer = coordinator.call(1, &beat(0));
        assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
        (answer.heartbeat_interval_ms == 7_000).then_some(())
    });
    assert_eq!(coordinator.call(1, &beat(-1)).error_code, 0);
    assert_eq!(alter(&mut client, &group, (HEARTBEAT, DELETE, None)), (0, String::new()));
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group_id(&group)]);
    assert_eq!(coordinator.call(2, &delete).results[0].error_code, 0);
}

#[tokio::test]
async fn a_groups_settings_survive_a_kill() {
    let mut host = HostedCluster::start_new(env!("CARGO_BIN_EXE_cluster-host"), 3);
    let group = host.client().group_name();
    let answer = alter(&mut host.client().connect(), &group, (HEARTBEAT, SET, Some("250")));
    assert_eq!(answer, (0, String::new()));
    host.kill();
    host.start();
    let now = setting(&mut host.client().connect(), &group, HEARTBEAT);
    assert_eq!(now, ("250".into(), 8));
}
