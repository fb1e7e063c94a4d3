//! What each helper says where one node of a cluster is silent and the others answer: it ends
//! in time, and an error names an address and what to try.
//!
//! The cluster is an embedded one, whose nodes respond late on request.

use std::time::{Duration, Instant};

use helpers::Error;
use rdkafka::producer::BaseRecord;
use workshop_tests::DEADLINE;
use workshop_tests::disturbed::Disturbed;

/// What is said of the helpers is five seconds, and fifteen where the controller has to do
/// something. Here they have some more: other work on the machine is no fault of theirs.
const IN_TIME: Duration = Duration::from_secs(9);
const CONTROLLERS_TIME: Duration = Duration::from_secs(19);
const SILENCE: Duration = Duration::from_secs(60);

/// Judges an error that has to name `addresses`.
fn judge<T>(
    helper: &str,
    addresses: &str,
    (started, limit): (Instant, Duration),
    answer: Result<T, Error>,
) {
    let waited = started.elapsed();
    let Err(error) = answer else {
        panic!("{helper} got an answer from the node that is silent");
    };
    assert!(waited < limit, "{helper} took {waited:?}: {error}");
    assert!(matches!(error, Error::BrokerTimedOut { .. }), "{helper}: {error}");
    let text = error.to_string();
    assert!(text.contains(addresses), "{helper}: {text}");
    assert!(text.contains("advertised.listeners"), "{helper}: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_leader_is_named_and_the_topics_of_others_are_described() {
    let cluster = Disturbed::start().await;
    let brokers = cluster.switchboard.bootstrap_servers();
    let led_by_it = cluster.topic_on(&[2, 1, 3], &[]);
    let led_by_another = cluster.topic_on(&[1, 2, 3], &[]);
    cluster.switchboard.delay(2, SILENCE).unwrap();

    let (address, started) = (cluster.address(2), Instant::now());
    tokio::join!(
        async {
            let answer = helpers::topic_metadata(brokers, &led_by_it).await;
            judge("topic_metadata", &address, (started, IN_TIME), answer);
        },
        async {
            let answer = helpers::group_lag(brokers, "boards", &led_by_it).await;
            judge("group_lag", &address, (started, IN_TIME), answer);
        },
        async {
            let topic = helpers::topic_metadata(brokers, &led_by_another).await.unwrap();
            assert_eq!(topic.partitions[0].leader, Some(1));
        },
        async {
            assert!(helpers::list_topics(brokers).await.unwrap().contains(&led_by_it));
        },
        async {
            drop(helpers::producer(brokers).await.unwrap());
            drop(helpers::consumer(brokers, "boards").await.unwrap());
        },
    );
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_coordinator_is_named_with_its_group_and_the_cluster() {
    let cluster = Disturbed::start().await;
    let brokers = cluster.switchboard.bootstrap_servers();
    let silent = cluster.coordinator("boards");
    let leader = if silent == 1 { 2 } else { 1 };
    let topic = cluster.topic_on(&[leader], &[]);
    cluster.switchboard.delay(silent, SILENCE).unwrap();

    let started = Instant::now();
    let answer = helpers::group_lag(brokers, "boards", &topic).await;
    judge("group_lag", &format!("group boards at {brokers}"), (started, IN_TIME), answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_controller_ends_the_admin_calls_in_time() {
    let cluster = Disturbed::start().await;
    let brokers = cluster.switchboard.bootstrap_servers();
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let controller = cluster.metadata(&topic).controller_id.0;
    cluster.switchboard.delay(controller, SILENCE).unwrap();

    let started = Instant::now();
    tokio::join!(
        async {
            let answer = helpers::create_topic(brokers, "departures", 1, 1).await;
            judge("create_topic", brokers, (started, CONTROLLERS_TIME), answer);
        },
        async {
            let answer = helpers::delete_topic(brokers, &topic).await;
            judge("delete_topic", brokers, (started, CONTROLLERS_TIME), answer);
        },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_created_and_deleted_past_a_silent_node_that_has_no_say() {
    let cluster = Disturbed::start().await;
    let brokers = cluster.switchboard.bootstrap_servers();
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let controller = cluster.metadata(&topic).controller_id.0;
    cluster.switchboard.delay(controller % 3 + 1, SILENCE).unwrap();

    let (created, deleted) = tokio::join!(
        helpers::create_topic(brokers, "departures", 3, 3),
        helpers::delete_topic(brokers, &topic),
    );
    assert_eq!(created.unwrap(), helpers::CreateOutcome::Created);
    assert_eq!(deleted.unwrap(), helpers::DeleteOutcome::Deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_has_just_died_is_asked_for_no_longer_than_it_is_missed() {
    let cluster = Disturbed::start().await;
    let brokers = cluster.switchboard.bootstrap_servers();
    let topic = cluster.topic_on(&[2, 1, 3], &[]);
    let producer = helpers::producer(brokers).await.unwrap();
    producer.send(BaseRecord::<str, str>::to(&topic).key("JFK").payload("x")).unwrap();
    assert_eq!(producer.flush(DEADLINE).unwrap().delivered, 1);
    cluster.switchboard.kill_node(2).await.unwrap();

    let described = helpers::topic_metadata(brokers, &topic).await.unwrap();
    assert_ne!(described.partitions[0].leader, Some(2));
    assert_eq!(described.records(), 1);
}
