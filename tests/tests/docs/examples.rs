//! Every example, run as a learner runs it: first or last, again, and two at once.
//!
//! Each runs on an embedded cluster of its own process and must end with exit code 0, which
//! [`Workplace::run`] checks. What one prints that runs alone is checked outside of this file.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;
use rdkafka::producer::{FutureProducer, FutureRecord};
use workshop_tests::DEADLINE;
use workshop_tests::examples::{Printed, RunningExample, Workplace, names};

const AIRPORTS: i64 = 7884;

/// How many airports 04_consumer read as its first group; none where that found nothing new.
fn read(printed: &Printed) -> i64 {
    let is_first = |line: &&str| line.starts_with("east-coast-dpt");
    let line = printed.stdout.lines().find(is_first).expect("the first group has a line");
    if line.contains("nothing new") {
        return 0;
    }
    let line = Printed { stdout: line.to_owned(), stderr: String::new() };
    line.number_before(" airports read").expect("it says how many it read")
}

/// How many records the topic holds, as 02_topic_metadata sees it.
fn records(workplace: &Workplace) -> i64 {
    let printed = workplace.run("02_topic_metadata");
    printed.number_before(" records can be read").expect("it says how many records there are")
}

#[test]
fn the_examples_run_in_order_and_again() {
    let workplace = Workplace::fresh();
    for outcome in ["created", "was there, left as it is"] {
        assert!(workplace.run("01_create_topic").stdout.contains(outcome));
    }
    let sent = workplace.run("03_producer");
    assert!(sent.stdout.contains("7884 delivered, 0 failed, 0 still queued"), "{sent:?}");
    assert_eq!(records(&workplace), AIRPORTS);
    assert_eq!(read(&workplace.run("04_consumer")), AIRPORTS);
    let again = workplace.run("04_consumer");
    assert_eq!(again.number_after("nothing new, committed to "), Some(AIRPORTS), "{again:?}");
    workplace.run("03_producer");
    assert_eq!(read(&workplace.run("04_consumer")), AIRPORTS);
    assert_eq!(records(&workplace), 2 * AIRPORTS);

    let deleted = workplace.run("05_delete_topic").stdout;
    assert!(deleted.contains("outcome        deleted"), "{deleted}");
    assert!(deleted.contains("outcome        there is no such topic"), "{deleted}");
    assert!(workplace.run("01_create_topic").stdout.contains("outcome        created"));
    // The committed offsets went with the topic.
    assert_eq!(read(&workplace.run("04_consumer")), AIRPORTS);
}

#[test]
fn all_run_in_the_opposite_order_and_two_of_a_kind_at_once() {
    let workplace = Workplace::fresh();
    // The first five share a topic, and are counted.
    let times = |name: &String| if name.as_str() < "06" { 1 } else { 2 };
    let twice = names().into_iter().rev().flat_map(|name| vec![name.clone(); times(&name)]);
    workplace.run_all(&twice.collect::<Vec<_>>());
    assert_eq!(records(&workplace), 2 * AIRPORTS, "04 published the airports, and 03 did again");
}

/// Starts examples at once, and waits for the end of each.
fn at_once(workplace: &Workplace, names: &[&str]) -> Vec<Printed> {
    let started: Vec<_> = names.iter().map(|name| workplace.start(name, &[])).collect();
    started.into_iter().map(RunningExample::end).collect()
}

const FIVE: [&str; 5] =
    ["01_create_topic", "02_topic_metadata", "03_producer", "04_consumer", "05_delete_topic"];

#[test]
fn two_of_each_example_that_shares_the_topic_run_at_once_on_a_fresh_directory_and_a_used_one() {
    for example in FIVE {
        let workplace = Workplace::fresh();
        for _ in ["fresh", "used"] {
            at_once(&workplace, &[example; 2]);
        }
    }
}

#[test]
fn two_that_find_no_airports_at_once_publish_them_once() {
    let empty = Workplace::fresh();
    let created = Workplace::fresh();
    created.run("01_create_topic");
    for workplace in [empty, created] {
        for printed in at_once(&workplace, &["02_topic_metadata"; 2]) {
            let records = printed.number_before(" records can be read");
            assert_eq!(records, Some(AIRPORTS), "{printed:?}");
        }
    }
}

#[test]
fn the_examples_that_share_a_topic_run_all_at_once_also_where_one_deletes_it() {
    let workplace = Workplace::fresh();
    for _ in ["fresh", "used"] {
        at_once(&workplace, &[FIVE, FIVE].concat());
    }
}

#[test]
fn two_producers_at_once_deliver_everything_twice() {
    let workplace = Workplace::fresh();
    let both = ["03_producer"; 2].map(|name| workplace.start(name, &[]));
    for producer in both {
        let printed = producer.end();
        assert!(printed.stdout.contains("7884 delivered, 0 failed"), "{printed:?}");
    }
    assert_eq!(records(&workplace), 2 * AIRPORTS);
}

/// Brokers where the protocol is switched off answer so.
#[tokio::test]
async fn a_cluster_without_the_new_group_protocol_compares_the_other_strategies() {
    let cluster = embedded_kafka::Cluster::builder().start().await.unwrap();
    let (api, error) = (ApiKey::ConsumerGroupHeartbeat, ResponseError::UnsupportedVersion);
    cluster.fail_next(api, error, 100).unwrap();
    let workplace = Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers());
    let printed = workplace.run("07_consumer_group");
    assert!(printed.stdout.contains("\nconsumer\n  not on this cluster: "), "{printed:?}");
    assert!(printed.stdout.contains("group static       600 departures"), "{printed:?}");
    assert!(!printed.stdout.contains("group consumer"), "{printed:?}");
    cluster.shutdown().await;
}

#[test]
fn a_consumer_next_to_a_producer_reads_what_is_there_and_the_next_one_the_rest() {
    let workplace = Workplace::fresh();
    let producer = workplace.start("03_producer", &[]);
    let consumer = workplace.start("04_consumer", &[]);
    let (first, _) = (read(&consumer.end()), producer.end());
    let rest = read(&workplace.run("04_consumer"));
    assert_eq!(first + rest, records(&workplace));
}

#[test]
fn two_consumers_of_a_group_at_once_leave_nothing_unread() {
    let workplace = Workplace::fresh();
    workplace.run("03_producer");
    let both = ["04_consumer"; 2].map(|name| workplace.start(name, &[]));
    let read: i64 = both.into_iter().map(|consumer| read(&consumer.end())).sum();
    // What one had read and not committed when the other joined is read again.
    assert!(read >= AIRPORTS, "{read}");
    let after = workplace.run("04_consumer");
    assert_eq!(after.number_after("nothing new, committed to "), Some(AIRPORTS), "{after:?}");
}

#[test]
fn a_following_consumer_reads_on_until_a_signal_ends_it_and_has_committed() {
    for end in [RunningExample::interrupt, RunningExample::terminate] {
        let workplace = Workplace::fresh();
        let following = workplace.start("04_consumer", &["--follow"]);
        following.wait_for("JFK");
        workplace.run("03_producer");
        end(&following);
        let first = read(&following.end());
        assert!(first >= 1, "{first}");
        let rest = read(&workplace.run("04_consumer"));
        assert_eq!(first + rest, 2 * AIRPORTS);
    }
}

#[tokio::test]
async fn an_example_that_is_told_to_end_deletes_its_topics_and_ends_well() {
    let cluster = embedded_kafka::Cluster::builder().start().await.unwrap();
    let workplace = Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers());
    for end in [RunningExample::interrupt, RunningExample::terminate] {
        let example = workplace.start("10_transactions", &[]);
        example.wait_for("4  A transaction that takes too long");
        end(&example);
        example.end();
        let mut topics = helpers::list_topics(cluster.bootstrap_servers()).await.unwrap();
        topics.retain(|topic| !topic.starts_with("__"));
        assert!(topics.is_empty(), "{topics:?}");
    }
    cluster.shutdown().await;
}

#[test]
fn a_bulk_send_ends_at_ctrl_c_and_what_it_counted_is_in_the_topic() {
    let workplace = Workplace::fresh();
    let sending = workplace.start("12_json_batches", &["--endless"]);
    sending.wait_for("until Ctrl-C");
    sending.interrupt();
    let printed = sending.end();
    let delivered = printed.number_before(" delivered, 0 failed, 0 skipped").expect("a summary");
    assert_eq!(printed.number_before(" records of the input"), Some(delivered), "{printed:?}");
    assert_eq!(printed.number_before(" records are in the topic"), Some(delivered), "{printed:?}");
}

#[test]
fn following_consumers_have_committed_what_they_processed_when_a_signal_ends_them() {
    for end in [RunningExample::interrupt, RunningExample::terminate] {
        let workplace = Workplace::fresh();
        let following = workplace.start("14_async_consumers", &["--follow"]);
        following.wait_for("WS104");
        end(&following);
        let printed = following.end();
        let processed = printed.number_before(" processed, ").expect("a summary");
        assert!(processed >= 4, "{printed:?}");
        assert_eq!(printed.number_before(" committed"), Some(processed), "{printed:?}");
        let shown = printed.stdout.lines().filter(|line| line.contains(r#"{"type":"#)).count();
        assert_eq!(i64::try_from(shown), Ok(processed), "{printed:?}");
    }
}

/// An embedded cluster, and examples that use it.
async fn a_cluster() -> (embedded_kafka::Cluster, Workplace) {
    let cluster = embedded_kafka::Cluster::builder().nodes(3).start().await;
    let cluster = cluster.expect("an embedded cluster starts on free ports");
    let workplace = Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers());
    (cluster, workplace)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_value_is_a_tombstone_and_no_record_that_cannot_be_decoded() {
    let (cluster, workplace) = a_cluster().await;
    workplace.run("03_producer");
    let config = helpers::client_config(cluster.bootstrap_servers()).unwrap();
    let producer: FutureProducer = config.create().unwrap();
    for (key, value) in [("TXL", None), ("SXF", Some("closed"))] {
        let record = FutureRecord { payload: value, ..FutureRecord::to("airports").key(key) };
        producer.send(record, DEADLINE).await.unwrap();
    }
    let printed = workplace.run("04_consumer");
    assert_eq!(read(&printed), AIRPORTS);
    let deleted: Vec<&str> =
        printed.stdout.lines().filter(|line| line.starts_with("deleted ")).collect();
    assert_eq!(deleted, ["deleted    TXL"; 2], "each group reads it: {printed:?}");
    // The other one has a value, which is no airport.
    assert_eq!(printed.stderr.matches("skipped    offset").count(), 2, "{printed:?}");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_may_not_read_ends_with_an_error_that_says_so() {
    for (api, error) in [
        (ApiKey::Fetch, ResponseError::TopicAuthorizationFailed),
        (ApiKey::JoinGroup, ResponseError::GroupAuthorizationFailed),
    ] {
        let (cluster, workplace) = a_cluster().await;
        workplace.run("03_producer");
        cluster.fail_next(api, error, 1000).unwrap();
        let printed = workplace.start("04_consumer", &["--follow"]).fail();
        assert!(printed.stderr.contains("ask for an ACL"), "{error:?}: {printed:?}");
        let repeated = printed.stderr.matches("error      ").count();
        assert_eq!(repeated, 0, "it ends at the first: {printed:?}");
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_and_helpers_log_is_on_stderr_as_far_as_rust_log_says() {
    for filter in ["", "off", "helpers=debug"] {
        let (cluster, workplace) = a_cluster().await;
        // An empty value is the same as none.
        let workplace = workplace.with("RUST_LOG", filter);
        let following = workplace.start("04_consumer", &["--follow"]);
        following.wait_for("JFK");
        cluster.kill_node(2).await.unwrap();
        if filter.is_empty() {
            following.wait_for_error("ERROR librdkafka: ");
        }
        cluster.start_node(2).await.unwrap();
        following.terminate();
        let printed = following.end();
        let helper = printed.stderr.contains("DEBUG helpers::commit: partitions are taken away");
        assert_eq!(helper, filter == "helpers=debug", "{printed:?}");
        let librdkafka = printed.stderr.contains("ERROR librdkafka: ");
        assert_eq!(librdkafka, filter.is_empty(), "{printed:?}");
        assert!(!printed.stdout.contains("librdkafka"), "{printed:?}");
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_when_partitions_are_revoked_is_in_the_log() {
    let (cluster, workplace) = a_cluster().await;
    cluster.fail_next(ApiKey::OffsetCommit, ResponseError::RebalanceInProgress, 100_000).unwrap();
    let following = workplace.start("04_consumer", &["--follow"]);
    following.wait_for("JFK");
    // A second member takes partitions away while the first still polls, and so still logs.
    let second = workplace.start("04_consumer", &["--follow"]);
    following.wait_for_error("WARN librdkafka: COMMITFAIL");
    second.terminate();
    second.end();
    following.terminate();
    let printed = following.end();
    assert!(printed.stderr.contains("comes again"), "what the close returned: {printed:?}");
    cluster.shutdown().await;
}
