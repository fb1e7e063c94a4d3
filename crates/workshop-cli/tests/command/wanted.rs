//! What a cluster should be like: `--partitions`, `--replication-factor`, `--set`, `--topic` and
//! `--no-auto-create`, on each engine that runs here.

use engines::Engine;
use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use wire_client::configs::TOPIC;
use wire_client::errors::UNKNOWN_TOPIC_OR_PARTITION;
use wire_client::raw::RawClient;
use wire_client::requests::{create_topic, metadata, text};

use crate::process::{Data, Up, stderr};

const ASKED_FOR: &[&str] = &[
    "--partitions",
    "4",
    "--replication-factor",
    "2",
    "--set",
    "log.retention.ms=60000",
    "--topic",
    "orders:6:3",
    "--topic",
    "refunds",
    "--no-auto-create",
    "--no-registry",
    "--port",
    "0",
];

fn node(up: &Up) -> RawClient {
    let servers = up.bootstrap_servers();
    RawClient::connect(servers.split(',').next().unwrap())
}

/// How many partitions a topic has, and how many replicas each of them.
fn shape(up: &Up, topic: &str) -> (usize, usize) {
    let answer = node(up).call(12, &metadata(&[topic]));
    let topic = &answer.topics[0];
    assert_eq!(topic.error_code, 0);
    (topic.partitions.len(), topic.partitions[0].replica_nodes.len())
}

fn check(up: &Up) {
    assert_eq!(shape(up, "orders"), (6, 3));
    assert_eq!(shape(up, "refunds"), (4, 2));
    let created = node(up).call(7, &create_topic("later", -1, -1, &[]));
    assert_eq!((created.topics[0].num_partitions, created.topics[0].replication_factor), (4, 2));
    let asked = metadata(&["nope"]).with_allow_auto_topic_creation(true);
    assert_eq!(node(up).call(12, &asked).topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text("orders"))
        .with_configuration_keys(Some(vec![text("retention.ms")]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let rows = node(up).call(4, &request).results.remove(0).configs;
    assert_eq!((rows[0].value.as_deref(), rows[0].config_source), (Some("60000"), 4));
    for line in ["num.partitions=4", "log.retention.ms=60000", "topic orders, 6 partition(s)"] {
        assert!(up.greeting.contains(line), "{}", up.greeting);
    }
}

#[test]
fn a_cluster_is_what_it_was_asked_to_be_and_so_is_the_next_on_its_data() {
    let data = Data::new();
    let up = Up::start(&data, ASKED_FOR);
    check(&up);
    assert!(up.interrupt().1);
    let again = Up::start(&data, ASKED_FOR);
    assert_eq!((shape(&again, "orders"), shape(&again, "refunds")), ((6, 3), (4, 2)));
}

#[tokio::test]
async fn apache_kafka_is_what_it_was_asked_to_be() {
    if let Err(missing) = Engine::Apache.prepare().await {
        assert!(missing.is_unavailable(), "{missing}");
        return println!("skipped: {missing}");
    }
    let data = Data::new();
    let up = Up::start(&data, &[&["--engine", "apache"], ASKED_FOR].concat());
    check(&up);
}

#[test]
fn what_cannot_be_is_refused_before_anything_starts() {
    let data = Data::new();
    let rows: &[(&[&str], &str)] = &[
        (&["--partitions", "0"], "0 is not in 1..=10000"),
        (&["--replication-factor", "4"], "--replication-factor 4 needs 4 nodes"),
        (&["--nodes", "1", "--topic", "a:1:2"], "1 node(s) cannot hold 2 replicas"),
        (&["--topic", "a:0"], "topic a has 1 to 10000 partitions, not 0"),
        (&["--topic", "a:x"], "\"x\" is no number of partitions"),
        (&["--topic", "bad name"], "Topic name is invalid: 'bad name'"),
        (&["--set", "log.retention.ms"], "a setting is NAME=VALUE"),
        (&["--set", "log.retention.ms=soon"], "Not a number of type LONG"),
        (&["--set", "retention.ms=5"], "Did you mean log.retention.ms?"),
        (&["--set", "num.io.threads=5"], "num.io.threads has no effect in the embedded cluster"),
        (&["--set", "default.replication.factor=4"], "3 node(s) cannot hold 4 replicas"),
        (&["--engine", "apache", "--set", "log.retension.ms=5"], "Did you mean log.retention.ms?"),
        (&["--engine", "apache", "--set", "node.id=5"], "node.id is set by the engine"),
    ];
    for (arguments, reason) in rows {
        let refused = data.run(&[&["up", "--port", "0"], *arguments].concat());
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(stderr(&refused).contains(reason), "{arguments:?}: {}", stderr(&refused));
    }
}

#[test]
fn a_topic_that_is_there_already_is_left_alone() {
    let data = Data::new();
    let start = |topic| Up::start(&data, &["--port", "0", "--no-registry", "--topic", topic]);
    assert!(start("orders:3").interrupt().1);
    let up = start("orders");
    assert_eq!(shape(&up, "orders").0, 3);
    assert!(up.interrupt().1);
    let refused = data.run(&["up", "--port", "0", "--topic", "orders:6"]);
    let reason = "with 3 partition(s) and not 6";
    assert!(stderr(&refused).contains(reason), "{}", stderr(&refused));
    assert!(!refused.status.success());
}
