//! Commits that the coordinator refuses, and consumers whose cluster is away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded_kafka::{ApiKey, ResponseError};
use helpers::{
    Closed, CommitOnRevoke, Committed, ConsumerBuilder, Error, RepeatedErrors, close_polled_within,
    close_within, commit_stored, commit_stored_within, store_processed, store_through,
};
use lineage::Message as LineageMessage;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, StreamConsumer};
use rdkafka::error::RDKafkaErrorCode;
use workshop_tests::batch::Batch;
use workshop_tests::disturbed::Disturbed;
use workshop_tests::members::TURN;
use workshop_tests::reading_member::envelope;
use workshop_tests::requests::{produce, produced};
use workshop_tests::{DEADLINE, eventually};

const NODES: [i32; 3] = [1, 2, 3];
/// How long a close may take, and how much later it must be back.
const LIMIT: Duration = Duration::from_millis(300);
const GRACE: Duration = Duration::from_secs(3);

fn append(cluster: &Disturbed, topic: &str) {
    let values: Vec<String> = (0..100).map(envelope).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut leader = cluster.clients.connect_to_leader(topic, 0);
    let answer = leader.call(9, &produce(topic, 0, -1, Batch::of(&values).encode()));
    assert_eq!(produced(&answer).error_code, 0);
}

fn builder(cluster: &Disturbed) -> ConsumerBuilder {
    let group = cluster.clients.group_name();
    ConsumerBuilder::new(cluster.clients.bootstrap_servers(), group)
        .set("fetch.wait.max.ms", "100")
        .set("reconnect.backoff.max.ms", "200")
}

async fn away(cluster: &Disturbed) {
    for node in NODES {
        cluster.switchboard.kill_node(node).await.expect("it runs");
    }
}

/// Reads one record, and stores it.
fn stored(consumer: &BaseConsumer<CommitOnRevoke>, topic: &str) {
    consumer.subscribe(&[topic]).expect("subscribed");
    let message = eventually("a record comes", || consumer.poll(TURN)).expect("a record");
    assert!(store_processed(consumer, &message).expect("stored"));
}

async fn streaming(cluster: &Disturbed, topic: &str) -> StreamConsumer<CommitOnRevoke> {
    let consumer = builder(cluster).build_with(CommitOnRevoke).await.expect("it answers");
    consumer.subscribe(&[topic]).expect("subscribed");
    let message = consumer.recv().await.expect("a record");
    assert!(store_processed(&consumer, &message).expect("stored"));
    drop(message);
    consumer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_for_later_and_what_does_not_is_an_error() {
    use ResponseError as Wire;
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&NODES, &[]);
    append(&cluster, &topic);
    let consumer = builder(&cluster).build_polled_with(CommitOnRevoke).await.unwrap();
    let passes = [
        (Wire::RebalanceInProgress, RDKafkaErrorCode::RebalanceInProgress),
        (Wire::StaleMemberEpoch, RDKafkaErrorCode::StaleMemberEpoch),
        (Wire::CoordinatorLoadInProgress, RDKafkaErrorCode::CoordinatorLoadInProgress),
        (Wire::IllegalGeneration, RDKafkaErrorCode::IllegalGeneration),
    ];
    let fails = [
        (Wire::GroupAuthorizationFailed, RDKafkaErrorCode::GroupAuthorizationFailed),
        (Wire::TopicAuthorizationFailed, RDKafkaErrorCode::TopicAuthorizationFailed),
        (Wire::InvalidCommitOffsetSize, RDKafkaErrorCode::InvalidCommitOffsetSize),
        (Wire::UnknownTopicOrPartition, RDKafkaErrorCode::UnknownTopicOrPartition),
    ];
    tokio::task::block_in_place(|| {
        stored(&consumer, &topic);
        let refused = |wire| {
            cluster.switchboard.clear_faults();
            // librdkafka tries some of them again by itself, twice.
            cluster
                .switchboard
                .fail_next(ApiKey::OffsetCommit, wire, 3)
                .expect("it can be refused");
            let refused = commit_stored(&consumer, CommitMode::Sync);
            cluster.switchboard.clear_faults();
            refused
        };
        for (wire, code) in fails {
            let error = refused(wire).unwrap_err();
            assert!(
                matches!(error, Error::CommitRejected { code: found } if found == code),
                "{error}"
            );
        }
        for (wire, code) in passes {
            assert_eq!(refused(wire).unwrap(), Committed::Later(code));
            eventually("the next commit takes it along", || {
                if let Some(Ok(message)) = consumer.poll(TURN) {
                    store_processed(&consumer, &message).expect("stored");
                }
                let committed = commit_stored(&consumer, CommitMode::Sync).expect("it passes");
                (committed == Committed::Done).then_some(())
            });
            eventually("there is more to commit", || {
                let message = consumer.poll(TURN)?.expect("a record");
                store_processed(&consumer, &message).expect("stored").then_some(())
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_moves_is_waited_for() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&NODES, &[]);
    append(&cluster, &topic);
    let consumer = Arc::new(streaming(&cluster, &topic).await);
    let errors = [ResponseError::NotCoordinator, ResponseError::CoordinatorNotAvailable];
    for (offset, error) in (10..).zip(errors) {
        assert!(store_through(&*consumer, &topic, 0, offset).unwrap());
        cluster.switchboard.fail_next(ApiKey::OffsetCommit, error, 1).unwrap();
        let committed = commit_stored_within(&consumer, DEADLINE).await.unwrap();
        assert_eq!(committed, Committed::Done, "librdkafka tries again by itself");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_cluster_is_away_commits_are_for_later_and_errors_are_reported_once() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&NODES, &[]);
    append(&cluster, &topic);
    let consumer = Arc::new(streaming(&cluster, &topic).await);
    away(&cluster).await;
    let asked = Instant::now();
    let committed = commit_stored_within(&consumer, LIMIT).await.unwrap();
    assert_eq!(committed, Committed::Later(RDKafkaErrorCode::OperationTimedOut));
    assert!(asked.elapsed() < LIMIT + GRACE, "{:?}", asked.elapsed());

    let mut errors = RepeatedErrors::new(DEADLINE);
    let (mut all, mut told) = (0, Vec::new());
    while all < 20 {
        if let Err(error) = consumer.recv().await {
            all += 1;
            told.extend(errors.line(&error));
        }
    }
    assert!((1..=3).contains(&told.len()), "{told:?}");

    for node in NODES {
        cluster.switchboard.start_node(node).await.unwrap();
    }
    let back = async {
        loop {
            let _ = tokio::time::timeout(TURN, consumer.recv()).await;
            match commit_stored_within(&consumer, DEADLINE).await.unwrap() {
                // The first one went on trying, and may have succeeded meanwhile.
                Committed::Done | Committed::Nothing => break,
                Committed::Later(_) => {}
            }
        }
    };
    tokio::time::timeout(DEADLINE, back).await.expect("the commit succeeds later");
}

#[test]
fn while_the_cluster_is_away_a_close_takes_no_longer_than_it_may() {
    let runtime = tokio::runtime::Runtime::new().expect("there is a runtime");
    let took = |what: &str, begun: Instant| {
        assert!(begun.elapsed() < LIMIT + GRACE, "{what} took {:?}", begun.elapsed());
    };
    let cluster = runtime.block_on(async {
        let cluster = Disturbed::start().await;
        let topic = cluster.topic_on(&NODES, &[]);
        append(&cluster, &topic);
        let stream = streaming(&cluster, &topic).await;
        let polled = builder(&cluster).build_polled_with(CommitOnRevoke).await.unwrap();
        tokio::task::block_in_place(|| stored(&polled, &topic));
        let servers = cluster.clients.bootstrap_servers();
        let group = cluster.clients.group_name();
        let batches = lineage::Consumer::builder("boards", servers, &[&topic], group);
        let mut batches = batches.batch_size(10).build().await.unwrap();
        let handler = async |_: Vec<LineageMessage<i64>>| Ok::<(), Error>(());
        assert_eq!(batches.process_batch(handler).await.unwrap(), 10);
        away(&cluster).await;

        let begun = Instant::now();
        assert_eq!(close_within(stream, LIMIT).await.unwrap(), Closed::TimedOut);
        took("the stream", begun);
        let begun = Instant::now();
        let closed = tokio::task::block_in_place(|| close_polled_within(polled, LIMIT));
        assert_eq!(closed.unwrap(), Closed::TimedOut);
        took("the polled one", begun);
        let begun = Instant::now();
        let _ = batches.close_within(LIMIT).await.unwrap();
        took("the batches", begun);
        cluster
    });
    // What is left of them holds up neither the end of the runtime nor that of the process.
    let begun = Instant::now();
    drop(runtime);
    took("the runtime", begun);
    drop(cluster);
}
