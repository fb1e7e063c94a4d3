//! Closures that decide what happens to requests.

use std::sync::atomic::{AtomicUsize, Ordering};

use embedded_kafka::messages::ProduceRequest;
use embedded_kafka::{ApiKey, ArrivingCall, CallOutcome, Cluster, ResponseError, Verdict};
use tokio::sync::mpsc;

use crate::client::{create, produce_one, produce_request, start, try_ask};

const NOT_ENOUGH_REPLICAS: i16 = 19;

async fn two_topics() -> Cluster {
    let cluster = start(Cluster::builder()).await;
    for topic in ["airports", "orders"] {
        assert_eq!(create(&cluster, topic, 1).await, 0);
    }
    cluster
}

fn is_of(call: &ArrivingCall<'_>, topic: &str) -> bool {
    let request = call.request::<ProduceRequest>().expect("Produce is asked for");
    request.topic_data.iter().any(|it| it.name.as_str() == topic)
}

async fn records(cluster: &Cluster, topic: &str) -> usize {
    let batches = cluster.read_log(topic, 0, 0).await.unwrap();
    batches.iter().map(|batch| batch.records.len()).sum()
}

#[tokio::test]
async fn a_closure_fails_the_requests_that_it_chooses() {
    let cluster = two_topics().await;
    let second = AtomicUsize::new(0);
    let controller = cluster.control(&[ApiKey::Produce], move |call| {
        assert_eq!((call.node(), call.client_id(), call.version()), (1, "wire-test", 9));
        if is_of(call, "orders") && second.fetch_add(1, Ordering::SeqCst) == 1 {
            return Verdict::Fail(ResponseError::NotEnoughReplicas);
        }
        Verdict::Handle
    });
    let mut codes = Vec::new();
    for topic in ["orders", "airports", "airports", "orders", "orders"] {
        codes.push(produce_one(&cluster, topic, 0).await.error_code);
    }
    assert_eq!(codes, [0, 0, 0, NOT_ENOUGH_REPLICAS, 0]);
    assert_eq!((controller.interventions(), controller.has_panicked()), (1, false));
    assert_eq!(records(&cluster, "orders").await, 2);
}

#[tokio::test]
async fn a_response_can_be_dropped_a_connection_closed_and_a_request_delayed() {
    let cluster = two_topics().await;
    let (seen, mut outcomes) = mpsc::unbounded_channel();
    let _inspection = cluster.inspect_apis(&[ApiKey::Produce], move |call| {
        let has_request = call.request::<ProduceRequest>().is_some();
        seen.send((call.outcome().clone(), has_request)).expect("the test listens");
    });
    let request = produce_request("orders", 0, -1);
    for (verdict, records_then) in [(Verdict::Close, 0), (Verdict::DropResponse, 1)] {
        let _controller = cluster.control(&[ApiKey::Produce], move |_| verdict);
        assert!(try_ask(&cluster, 1, 9, &request).await.is_none(), "{verdict:?}");
        assert_eq!(records(&cluster, "orders").await, records_then, "{verdict:?}");
    }
    assert!(matches!(outcomes.recv().await, Some((CallOutcome::Closed(_), true))));
    assert_eq!(outcomes.recv().await, Some((CallOutcome::ResponseDropped, true)));

    let delay = std::time::Duration::from_millis(50);
    let controller = cluster.control(&[ApiKey::Produce], move |_| Verdict::Delay(delay));
    let begin = std::time::Instant::now();
    assert_eq!(produce_one(&cluster, "orders", 0).await.error_code, 0);
    assert!(begin.elapsed() >= delay);
    assert_eq!(controller.interventions(), 1);
    drop(controller);
    assert_eq!(produce_one(&cluster, "orders", 0).await.base_offset, 2);
}

#[tokio::test]
async fn a_closure_that_panics_lets_requests_pass() {
    let cluster = two_topics().await;
    let controller = cluster.control(&[ApiKey::Produce], |call| panic!("on purpose: {call:?}"));
    for offset in 0..2 {
        assert_eq!(produce_one(&cluster, "orders", 0).await.base_offset, offset);
    }
    assert!(controller.has_panicked());
}
