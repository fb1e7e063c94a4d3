//! What each helper says where no broker answers: an error within five seconds that names the
//! address and what to try. No cluster is needed.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use helpers::Error;
use workshop_tests::ClosedPort;

/// Five seconds are what is said of the helpers. Here they have some more: other work on the
/// machine is no fault of theirs.
const IN_TIME: Duration = Duration::from_secs(9);

fn judge<T>(helper: &str, address: &str, started: Instant, answer: Result<T, Error>) {
    let waited = started.elapsed();
    let Err(error) = answer else {
        panic!("{helper} got an answer from {address}");
    };
    assert!(waited < IN_TIME, "{helper} took {waited:?}: {error}");
    assert!(matches!(error, Error::NoResponse { .. }), "{helper}: {error}");
    let text = error.to_string();
    assert!(text.contains(address), "{helper}: {text}");
    assert!(text.contains("Check KAFKA_BOOTSTRAP_SERVERS"), "{helper}: {text}");
}

async fn every_helper_gives_up_in_time(address: &str) {
    let started = Instant::now();
    // All at once: in turn it would be half a minute.
    tokio::join!(
        async {
            let answer = helpers::list_topics(address).await;
            judge("list_topics", address, started, answer);
        },
        async {
            let answer = helpers::topic_metadata(address, "airports").await;
            judge("topic_metadata", address, started, answer);
        },
        async {
            let answer = helpers::create_topic(address, "airports", 1, 1).await;
            judge("create_topic", address, started, answer);
        },
        async {
            let answer = helpers::delete_topic(address, "airports").await;
            judge("delete_topic", address, started, answer);
        },
        async {
            let answer = helpers::producer(address).await;
            judge("producer", address, started, answer);
        },
        async {
            let answer = helpers::consumer(address, "east-coast-dpt").await;
            judge("consumer", address, started, answer);
        },
        async {
            let answer = helpers::group_lag(address, "east-coast-dpt", "airports").await;
            judge("group_lag", address, started, answer);
        },
    );
}

#[tokio::test]
async fn a_closed_port_is_an_error_within_five_seconds() {
    let closed = ClosedPort::new();
    every_helper_gives_up_in_time(&closed.address()).await;
}

#[tokio::test]
async fn a_closed_port_is_called_so() {
    let closed = ClosedPort::new();
    let error = helpers::list_topics(&closed.address()).await.unwrap_err().to_string();
    assert!(error.contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_port_that_accepts_and_stays_silent_is_an_error_within_five_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    every_helper_gives_up_in_time(&silent.local_addr().unwrap().to_string()).await;
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_an_error_within_five_seconds() {
    every_helper_gives_up_in_time("no-such-host.invalid:9092").await;
}
