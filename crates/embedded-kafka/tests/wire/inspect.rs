//! What a closure sees of calls, however they end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedded_kafka::{
    ApiKey, CallOutcome, Cluster, InspectedCall, Inspection, RecordBatch, ResponseError,
};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{
    FetchRequest, FetchResponse, MetadataRequest, ProduceRequest, ProduceResponse,
};
use tokio::sync::mpsc;

use crate::client::{ask, create, name, produce_one, produce_request, send, start, try_ask};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const NOT_ENOUGH_REPLICAS: i16 = 19;

const LIMIT: Duration = Duration::from_secs(30);

/// What the tests look at in a call of Produce.
#[derive(Debug, PartialEq)]
struct Seen {
    outcome: CallOutcome,
    acks: Option<i16>,
    /// The error code and the base offset of the response.
    response: Option<(i16, i64)>,
}

impl Seen {
    fn of(call: &InspectedCall) -> Self {
        let response = call.response::<ProduceResponse>().map(|response| {
            let partition = &response.responses[0].partition_responses[0];
            (partition.error_code, partition.base_offset)
        });
        let acks = call.request::<ProduceRequest>().map(|request| request.acks);
        Self { outcome: call.outcome().clone(), acks, response }
    }
}

fn produces(cluster: &Cluster) -> (Inspection, mpsc::UnboundedReceiver<Seen>) {
    let (seen, calls) = mpsc::unbounded_channel();
    let inspection = cluster.inspect_apis(&[ApiKey::Produce], move |call| {
        seen.send(Seen::of(call)).expect("the test listens");
    });
    (inspection, calls)
}

async fn one_node() -> Cluster {
    let cluster = start(Cluster::builder()).await;
    assert_eq!(create(&cluster, "airports", 1).await, 0);
    cluster
}

/// Returns how many records the partition has.
async fn records(cluster: &Cluster) -> usize {
    let batches = cluster.read_log("airports", 0, 0).await.unwrap();
    batches.iter().map(|batch| batch.records.len()).sum()
}

#[tokio::test]
async fn a_call_was_inspected_when_its_client_has_the_response() {
    let cluster = one_node().await;
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let inspection = cluster.inspect(move |call| {
        let bytes = call
            .request::<ProduceRequest>()
            .and_then(|request| request.topic_data[0].partition_data[0].records.clone());
        let batches = RecordBatch::decode_all(&bytes.unwrap_or_default()).unwrap();
        let one = (call.node(), call.client_id().to_owned(), call.api_name(), call.version());
        let what = (one, batches.iter().map(|it| it.records.len()).sum::<usize>());
        seen.lock().unwrap().push((what, call.number(), call.outcome().clone()));
    });
    assert_eq!(produce_one(&cluster, "airports", 0).await.base_offset, 0);
    ask(&cluster, 1, 9, &MetadataRequest::default()).await;
    let calls = std::mem::take(&mut *calls.lock().unwrap());
    let client = || "wire-test".to_owned();
    let expected = [
        (((1, client(), "Produce".to_owned(), 9), 1), 0, CallOutcome::Responded),
        (((1, client(), "Metadata".to_owned(), 9), 0), 1, CallOutcome::Responded),
    ];
    assert_eq!(calls, expected);
    assert!(!inspection.has_panicked());
}

#[tokio::test]
async fn the_outcome_says_what_the_client_got_and_the_response_what_the_node_did() {
    let cluster = one_node().await;
    let (_inspection, mut calls) = produces(&cluster);
    let acks_all = produce_request("airports", 0, -1);

    cluster.drop_response(ApiKey::Produce);
    assert!(try_ask(&cluster, 1, 9, &acks_all).await.is_none());
    let dropped = CallOutcome::ResponseDropped;
    let seen = calls.recv().await.unwrap();
    assert_eq!(seen, Seen { outcome: dropped, acks: Some(-1), response: Some((0, 0)) });
    assert_eq!(records(&cluster).await, 1, "the records were appended all the same");

    cluster.fail_next(ApiKey::Produce, ResponseError::NotEnoughReplicas, 1).unwrap();
    ask(&cluster, 1, 9, &acks_all).await;
    let failed = CallOutcome::FailedOnPurpose(ResponseError::NotEnoughReplicas);
    let seen = calls.recv().await.unwrap();
    let response = Some((NOT_ENOUGH_REPLICAS, -1));
    assert_eq!(seen, Seen { outcome: failed, acks: Some(-1), response });
    assert_eq!(records(&cluster).await, 1, "the request was not handled");

    ask(&cluster, 1, 9, &produce_request("unknown", 0, -1)).await;
    let seen = calls.recv().await.unwrap();
    let response = Some((UNKNOWN_TOPIC_OR_PARTITION, -1));
    assert_eq!(seen, Seen { outcome: CallOutcome::Responded, acks: Some(-1), response });
}

#[tokio::test]
async fn a_request_that_expects_no_response_is_inspected_too() {
    let cluster = one_node().await;
    let (_inspection, mut calls) = produces(&cluster);
    let acks_0 = produce_request("airports", 0, 0);

    let _open = send(&cluster, 1, 9, &acks_0).await;
    let seen = calls.recv().await.unwrap();
    let not_awaited = CallOutcome::NotAwaited;
    assert_eq!(seen, Seen { outcome: not_awaited, acks: Some(0), response: Some((0, 0)) });

    let _open = send(&cluster, 1, 9, &produce_request("unknown", 0, 0)).await;
    let seen = calls.recv().await.unwrap();
    assert!(matches!(seen.outcome, CallOutcome::Closed(_)), "{seen:?}");
    assert_eq!(seen.response, Some((UNKNOWN_TOPIC_OR_PARTITION, -1)));

    cluster.fail_next(ApiKey::Produce, ResponseError::NotEnoughReplicas, 1).unwrap();
    let _open = send(&cluster, 1, 9, &acks_0).await;
    let failed = CallOutcome::FailedOnPurpose(ResponseError::NotEnoughReplicas);
    let seen = calls.recv().await.unwrap();
    assert_eq!(seen, Seen { outcome: failed, acks: Some(0), response: None });
    assert_eq!(records(&cluster).await, 1);
}

#[tokio::test]
async fn a_call_whose_client_leaves_is_abandoned() {
    let cluster = one_node().await;
    let (seen, mut calls) = mpsc::unbounded_channel();
    let inspection = cluster.inspect_apis(&[ApiKey::Fetch], move |call| {
        let responded = call.response::<FetchResponse>().is_some();
        seen.send((call.outcome().clone(), responded)).expect("the test listens");
    });
    let partition = FetchPartition::default().with_partition_max_bytes(1000);
    let topic = FetchTopic::default().with_topic(name("airports")).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_max_wait_ms(i32::MAX)
        .with_min_bytes(1)
        .with_max_bytes(1000)
        .with_topics(vec![topic]);
    let connection = send(&cluster, 1, 12, &request).await;
    let is_waiting = async {
        while inspection.calls_in_flight() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, is_waiting).await.expect("the fetch waits at the node");
    drop(connection);
    assert_eq!(calls.recv().await, Some((CallOutcome::Abandoned, false)));
}

#[tokio::test]
async fn a_closure_that_panics_is_removed_and_the_call_goes_on() {
    let cluster = one_node().await;
    let inspection = cluster.inspect(|call| panic!("on purpose, at {call}"));
    let (_other, mut calls) = produces(&cluster);
    assert_eq!(produce_one(&cluster, "airports", 0).await.base_offset, 0);
    assert!(inspection.has_panicked());
    assert_eq!(produce_one(&cluster, "airports", 0).await.base_offset, 1);
    for offset in 0..2 {
        assert_eq!(calls.recv().await.unwrap().response, Some((0, offset)));
    }
}

#[tokio::test]
async fn a_dropped_inspection_sees_no_call_any_more() {
    let cluster = one_node().await;
    let (inspection, mut calls) = produces(&cluster);
    produce_one(&cluster, "airports", 0).await;
    assert_eq!(inspection.calls_in_flight(), 0);
    // A call that is being handled keeps no closure alive beyond its own end.
    drop(inspection);
    produce_one(&cluster, "airports", 0).await;
    let all = async {
        let mut seen = 0;
        while calls.recv().await.is_some() {
            seen += 1;
        }
        seen
    };
    assert_eq!(tokio::time::timeout(LIMIT, all).await, Ok(1));
}
