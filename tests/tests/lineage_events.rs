//! What is logged about messages with lineage: refusals, what is skipped, what is cut off, and each
//! batch.
//!
//! One test, because the threads of a client log to the subscriber of the whole process.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use lineage::{Consumer, History, Message, Producer, Ref};
use workshop_tests::TestCluster;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Whether a line of `level` says all of `words`.
    fn says(&self, level: &str, words: &[&str]) -> bool {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8_lossy(&text);
        text.lines().any(|line| line.contains(level) && words.iter().all(|it| line.contains(it)))
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn nested(levels: usize) -> Vec<Ref> {
    (0..levels as i64).fold(Vec::new(), |refs, offset| {
        let at = chrono::Utc::now();
        let hist = Some(History { service: format!("stage-{offset}"), at, refs });
        vec![Ref { topic: "t".to_owned(), partition: 0, offset, key: None, hist }]
    })
}

#[tokio::test]
async fn what_is_refused_skipped_or_cut_off_is_a_warning_and_a_batch_is_news() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
    let cluster = TestCluster::start().await;
    let (topic, missing) = (cluster.create_topic(1), cluster.topic_name());
    let producer = Producer::builder("delays", cluster.bootstrap_servers())
        .set("message.max.bytes", "50000")
        .ignore_large_message_errors(true)
        .build()
        .await
        .unwrap();
    producer.produce(&topic, &Message::new("large", "x".repeat(60_000))).await.unwrap();
    assert!(log.says("WARN", &["too large", "large"]));

    let deep = Message { id: "deep".to_owned(), payload: 1, refs: nested(120) };
    assert!(!log.says("WARN", &["cut off"]));
    producer.produce(&topic, &deep).await.unwrap();
    assert!(log.says("WARN", &["a lineage is cut off after 100 levels", "delays"]));

    let topics = [topic.as_str(), missing.as_str()];
    let group = cluster.group_name();
    let mut consumer = Consumer::builder("boards", cluster.bootstrap_servers(), &topics, &group)
        .set("enable.auto.commit", "true")
        .batch_size(1)
        .timeout_ms(5000)
        .build()
        .await
        .unwrap();
    assert!(log.says("WARN", &["auto-commit stays off"]));
    let handler = async |_: Vec<Message<i32>>| Ok::<(), Infallible>(());
    assert_eq!(consumer.process_batch(handler).await.unwrap(), 1);
    let batch = format!("batch=\"{topic}[0=0:1]\"");
    let fields = ["boards", &batch, "messages=1", "records=1", "ms=", "processed=true"];
    assert!(log.says("INFO", &fields));
    // The missing topic is reported when the client has looked for it, at the latest in this wait.
    assert_eq!(consumer.process_batch(handler).await.unwrap(), 0);
    assert!(log.says("WARN", &["a topic does not exist, and is left out"]));
}
