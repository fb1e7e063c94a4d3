//! Ctrl-C and SIGTERM while JSON is sent in bulk.
//!
//! One test, because a signal reaches the whole process.

use std::pin::pin;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use helpers::topic_metadata;
use json_batches::{JsonProducer, JsonSummary};
use serde_json::json;
use tokio::sync::Notify;
use workshop_tests::{DEADLINE, TestCluster};

const BEFORE: u64 = 20_000;

fn press_ctrl_c() {
    send_signal("-INT");
}

fn send_signal(signal: &str) {
    let id = std::process::id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status();
    assert!(sent.expect("kill is there").success());
}

/// Twice, and the second only when the handler that was polled before has received the first.
async fn press_ctrl_c_twice() {
    for _ in 0..2 {
        let mut heard = pin!(tokio::signal::ctrl_c());
        let listening =
            std::future::poll_fn(|context| heard.as_mut().poll(context).is_pending().into());
        assert!(listening.await);
        press_ctrl_c();
        heard.await.expect("Ctrl-C can be heard");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn ctrl_c_ends_an_endless_input_and_everything_that_was_read_is_delivered() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(3);
    let producer = JsonProducer::builder(cluster.bootstrap_servers())
        .flush_limit(Duration::from_secs(30))
        .build()
        .await
        .unwrap();
    let endless = (1_u64..).map(|number| {
        if number == BEFORE {
            press_ctrl_c();
        }
        json!({ "id": number })
    });
    let summary = producer.send_all(&topic, endless).await.unwrap();
    assert!(summary.interrupted && !summary.all_delivered(), "{summary}");
    assert!(summary.delivered >= BEFORE, "{summary}");
    let expected = JsonSummary {
        delivered: summary.delivered,
        retried: summary.retried,
        interrupted: true,
        ..JsonSummary::default()
    };
    assert_eq!(summary, expected, "what was read was flushed, and nothing is left over");
    let topic = topic_metadata(cluster.bootstrap_servers(), &topic).await.unwrap();
    assert_eq!(topic.records() as u64, summary.delivered);
    let last_words = format!("; stopped after {} records of the input", summary.delivered);
    assert!(summary.to_string().ends_with(&last_words), "{summary}");

    so_does_sigterm(&producer, &topic.name).await;
    where_nothing_can_be_sent_the_summary_says_so(&cluster).await;
    a_second_one_leaves_an_input_behind_that_blocks(&cluster).await;
    a_second_one_leaves_a_pipe_behind_that_has_no_writer(&cluster).await;
}

async fn so_does_sigterm(producer: &JsonProducer, topic: &str) {
    let endless = (1_u64..).map(|number| {
        if number == BEFORE {
            send_signal("-TERM");
        }
        json!({ "id": number })
    });
    let sent = producer.send_all(topic, endless).await;
    let summary = sent.unwrap_or_else(|error| panic!("{error}"));
    assert!(summary.interrupted && summary.delivered >= BEFORE, "{summary}");
    assert_eq!(summary.records(), summary.delivered, "{summary}");
}

async fn where_nothing_can_be_sent_the_summary_says_so(cluster: &TestCluster) {
    const ROOM: u64 = 10;
    let topic = cluster.create_topic(1);
    // The queue is full and nothing leaves it, and after the Ctrl-C no one waits for it.
    let producer = JsonProducer::builder(cluster.bootstrap_servers())
        .set("queue.buffering.max.messages", ROOM.to_string())
        .set("linger.ms", "60000")
        .max_workers(1)
        .flush_limit(Duration::ZERO)
        .build()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let endless = (1_u64..).map(|number| {
        if number == 5 * ROOM {
            press_ctrl_c();
        }
        json!({ "number": number })
    });
    let sent = producer.send_all(&topic, endless).await;
    let summary = sent.unwrap_or_else(|error| panic!("{error}"));
    assert!(summary.interrupted && summary.records() >= 5 * ROOM, "{summary}");
    let expected = JsonSummary {
        still_queued: ROOM,
        not_sent: summary.records() - ROOM,
        interrupted: true,
        retried: summary.retried,
        ..JsonSummary::default()
    };
    assert_eq!(summary, expected);
}

async fn a_second_one_leaves_an_input_behind_that_blocks(cluster: &TestCluster) {
    let topic = cluster.create_topic(1);
    let all_delivered = Arc::new(Notify::new());
    let notified = Arc::clone(&all_delivered);
    let producer = JsonProducer::builder(cluster.bootstrap_servers()).on_delivery(move |report| {
        if report.offset == 2 {
            notified.notify_one();
        }
    });
    let producer = producer.build().await.unwrap_or_else(|error| panic!("{error}"));
    let (departures, input) = mpsc::channel();
    for number in 0..3 {
        departures.send(json!({ "number": number })).expect("the input is there");
    }
    let pressing = async {
        all_delivered.notified().await;
        press_ctrl_c_twice().await;
    };
    let both = async { tokio::join!(biased; producer.send_all(&topic, input), pressing).0 };
    let sent = tokio::time::timeout(DEADLINE, both).await.expect("it ends without its input");
    let expected = JsonSummary { delivered: 3, interrupted: true, ..JsonSummary::default() };
    assert_eq!(sent.unwrap_or_else(|error| panic!("{error}")), expected);
    // The thread that was left behind ends when its input gives something, and sends no more.
    departures.send(json!("late")).expect("it waits for this");
    workshop_tests::eventually("the input is let go", || {
        departures.send(json!("too late")).is_err().then_some(())
    });
}

async fn a_second_one_leaves_a_pipe_behind_that_has_no_writer(cluster: &TestCluster) {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let pipe = directory.path().join("departures.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let producer = JsonProducer::builder(cluster.bootstrap_servers()).build().await;
    let producer = producer.unwrap_or_else(|error| panic!("{error}"));
    let topic = cluster.create_topic(1);
    let both =
        async { tokio::join!(biased; producer.send_file(&topic, &pipe), press_ctrl_c_twice()).0 };
    let sent = tokio::time::timeout(DEADLINE, both).await.expect("it ends without its input");
    let expected = JsonSummary { interrupted: true, ..JsonSummary::default() };
    assert_eq!(sent.unwrap_or_else(|error| panic!("{error}")), expected);
}
