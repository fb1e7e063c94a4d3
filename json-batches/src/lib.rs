//! Sends JSON records in bulk: a string, an object, a list, anything that iterates, or a file.
//!
//! [`JsonProducer`] reads an input, serializes it with several workers, and returns one summary in
//! which every record is counted once. An invalid record is reported and skipped, and the others
//! are sent. The key of a record is its `id`, as JSON, and the order of each key is kept.
//!
//! | For | Look in |
//! |---|---|
//! | the key, found before the record is serialized | key.rs, probe.rs |
//! | a file of JSON lines in constant memory | lines.rs |
//! | how records are distributed, and order kept | workers.rs, inbox.rs |
//! | what is retried, and what is not | queue.rs |
//! | Ctrl-C and SIGTERM | stop.rs |
//! | what is counted, and what is reported of single records | summary.rs, reports.rs |
//!
//! It does not resend what failed to be delivered: librdkafka has retried for `delivery.timeout.ms`
//! by then, and another send could change the order and duplicate records.

mod build;
mod error;
mod file;
mod inbox;
mod input;
mod key;
mod lines;
mod probe;
mod queue;
mod record;
mod reports;
mod stop;
mod summary;
mod time;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use helpers::StopSignal;
use helpers::connection::blocking;
use helpers::topics::check_topic_name;
use rdkafka::producer::ThreadedProducer;
use serde::Serialize;

pub use build::JsonProducerBuilder;
pub use error::Error;
pub use reports::SkippedRecord;
pub use summary::JsonSummary;
pub use time::iso8601;

use record::{Record, Typed};
use reports::Reports;
use stop::Stop;
use summary::Counts;
use workers::Job;

/// A producer of JSON records.
///
/// Each of the `send` functions returns when every record is delivered or lost. At Ctrl-C or
/// SIGTERM it stops reading, flushes what it has read, and returns the summary of that; a second
/// signal ends the flush too. A program that drops the future stops it in the same way, and loses
/// the summary.
///
/// If the input blocks, such as a pipe or a channel, the first Ctrl-C waits for it, for the flush
/// limit at most. The second waits one more second, and then abandons the input on a thread that
/// ends with its next item or with the process.
///
/// After the first `send`, these signals no longer end the process by themselves, not even between
/// two `send`s (tokio keeps its signal handlers).
///
/// ```no_run
/// # async fn publish(brokers: &str) -> Result<(), json_batches::Error> {
/// use json_batches::JsonProducer;
///
/// let producer = JsonProducer::builder(brokers).client_id("airports-json").build().await?;
/// let summary = producer.send_file("airports", "airports.jsonl").await?;
/// println!("{summary}");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "KafkaJson")]
pub struct JsonProducer {
    producer: ThreadedProducer<Reports>,
    batch_size: usize,
    max_workers: usize,
    flush_limit: Duration,
    /// The most bytes of a record (`message.max.bytes`).
    largest_record: usize,
}

impl JsonProducer {
    /// Sends a string (as `{"message": …}`), an object, or a list of objects.
    ///
    /// # Errors
    /// [`Error::NotRecords`] for anything else, and those of [`JsonProducer::send_all`].
    pub async fn send(
        &self,
        topic: &str,
        data: &(impl Serialize + ?Sized),
    ) -> Result<JsonSummary, Error> {
        self.send_all(topic, input::records(data)?).await
    }

    /// Sends everything that an iterator yields, and reads it no faster than the cluster accepts
    /// it. An item that does not serialize to an object is skipped.
    ///
    /// # Errors
    /// [`helpers::Error::InvalidTopicName`]. The summary counts the outcomes of single records.
    pub async fn send_all<I>(&self, topic: &str, records: I) -> Result<JsonSummary, Error>
    where
        I: IntoIterator + Send + 'static,
        I::Item: Serialize + Send,
    {
        let counts = self.new_counts();
        let job = self.job(topic, &counts)?;
        let stop = Arc::clone(&job.stop);
        let work = blocking(move || {
            let input = || Ok((1..).zip(records).map(|(number, it)| Ok((number, Typed(it)))));
            run(&job, input).0
        });
        Ok(until_told_to_end(work, &stop, || ()).await)
    }

    fn new_counts(&self) -> Vec<Arc<Counts>> {
        (0..self.max_workers).map(|_| Arc::default()).collect()
    }

    fn job(&self, topic: &str, counts: &[Arc<Counts>]) -> Result<Arc<Job>, Error> {
        check_topic_name(topic)?;
        Ok(Arc::new(Job {
            producer: self.producer.clone(),
            topic: topic.to_owned(),
            batch_size: self.batch_size,
            flush_limit: self.flush_limit,
            stop: Arc::new(Stop::new(self.flush_limit)),
            counts: counts.to_vec(),
        }))
    }
}

fn run<R: Record + 'static, I: Iterator<Item = std::io::Result<(u64, R)>>>(
    job: &Arc<Job>,
    input: impl FnOnce() -> std::io::Result<I> + Send + 'static,
) -> (JsonSummary, std::io::Result<()>) {
    let workers = job.counts.len();
    tracing::info!(topic = job.topic, workers, batch_size = job.batch_size, "sending JSON records");
    let (summary, read) = job.run(input);
    if summary.all_delivered() {
        tracing::info!(topic = job.topic, "{summary}");
    } else {
        tracing::warn!(topic = job.topic, "{summary}");
    }
    (summary, read)
}

/// Waits for `work`, passes each Ctrl-C and SIGTERM to `stop`, and calls `tick` ten times a second.
async fn until_told_to_end<T>(
    work: impl Future<Output = T>,
    stop: &Arc<Stop>,
    tick: impl Fn(),
) -> T {
    let _stops = StopOnDrop(stop);
    let mut work = std::pin::pin!(work);
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut signals = StopSignal::listen()
        .inspect_err(|error| tracing::warn!(%error, "Ctrl-C and SIGTERM cannot be heard"))
        .ok();
    let mut told = async || match &mut signals {
        Some(signals) => signals.received().await,
        None => std::future::pending().await,
    };
    loop {
        tokio::select! {
            biased;
            () = told() => {
                tracing::warn!("stop requested: no more is read, and what was read is flushed");
                stop.ask();
            }
            done = &mut work => return done,
            _ = ticks.tick() => tick(),
        }
    }
}

/// If the future is dropped, the work ends as at Ctrl-C.
struct StopOnDrop<'a>(&'a Stop);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.ask();
    }
}
