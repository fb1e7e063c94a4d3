//! What is logged while JSON is sent in bulk: events of tracing, at info, warn and error.
//!
//! One test, because the threads of a producer log to the subscriber of the whole process.

use std::io;
use std::sync::{Arc, Mutex};

use json_batches::JsonProducer;
use serde_json::json;
use workshop_tests::TestCluster;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.0.lock().expect("no writer panics while it holds the lock");
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_send_is_news_a_skipped_record_a_warning_and_a_failed_one_an_error() {
    let log = Log::default();
    let writer = log.clone();
    let events = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    events.init();
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("max.message.bytes", "1000")]);
    let producer = JsonProducer::builder(cluster.bootstrap_servers()).build().await.unwrap();
    producer.send(&topic, &json!([{"id": 1}, 7])).await.unwrap();
    producer.send(&topic, &json!({"id": 2, "text": "x".repeat(5000)})).await.unwrap();
    producer.send(&topic, &json!({"id": 3})).await.unwrap();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for (level, words) in [
        ("INFO", "sending JSON records"),
        ("WARN", "skipped    record 2: a record is a JSON object, and this is a number"),
        ("WARN", "1 delivered, 0 failed, 1 skipped, 0 retried"),
        ("ERROR", "a record was not delivered"),
        ("WARN", "0 delivered, 1 failed, 0 skipped, 0 retried"),
        ("INFO", "1 delivered, 0 failed, 0 skipped, 0 retried"),
    ] {
        let said = text.lines().any(|line| line.contains(level) && line.contains(words));
        assert!(said, "no {level} with {words:?} in:\n{text}");
    }
}
