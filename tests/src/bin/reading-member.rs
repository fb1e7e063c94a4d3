//! A program that reads a topic as a member of a group with one of the consumers of helpers/, and
//! ends in one of the ways in which programs end.
//!
//! Usage: `reading-member BOOTSTRAP_SERVERS TOPIC GROUP CONSUMER PROTOCOL ENDING`. It processes ten
//! records, five of each of two partitions or one batch, and says which:
//! `processed PARTITION:COUNT …`. What it reads beyond it throws away, as a consumer does that is
//! closed. Nothing is committed before it ends. How it ends is one of
//!
//! - `drop`: the consumer is dropped, and it commits nothing by itself but what its callback does;
//! - `close`: it is closed;
//! - `signal`: it goes on reading until Ctrl-C or SIGTERM, and is closed then;
//! - `read-on`: it goes on reading until it is killed, and `in-work` does not even read any more;
//! - `serve`: it processes and commits everything, says the number of each record, and is closed at
//!   Ctrl-C or SIGTERM.
//!
//! The end of its standard input ends it at once: it comes when the test dies.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, RepeatedErrors, StopSignal, close_polled_within,
    close_within, commit_stored, commit_stored_within, store_processed,
};
use lineage::Message as LineageMessage;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{BorrowedMessage, Message};

/// How many records of each partition are processed.
const OF_EACH: usize = 5;
const PARTITIONS: usize = 2;
const LIMIT: Duration = Duration::from_secs(30);

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Drop,
    Close,
    Signal,
    ReadOn,
    InWork,
    Serve,
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [servers, topic, group, consumer, protocol, ending] =
        <[String; 6]>::try_from(arguments).expect("there are six arguments");
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(2);
    });
    let ending = match ending.as_str() {
        "drop" => Ending::Drop,
        "close" => Ending::Close,
        "signal" => Ending::Signal,
        "read-on" => Ending::ReadOn,
        "in-work" => Ending::InWork,
        _ => Ending::Serve,
    };
    let settings = settings(&protocol);
    if consumer == "batches" {
        return batches(&servers, &topic, &group, &settings, ending).await;
    }
    let builder =
        settings.iter().fold(ConsumerBuilder::new(servers, group), |builder, (key, value)| {
            builder.set(*key, *value)
        });
    match consumer.as_str() {
        "stream" => stream(builder, &topic, Work::new(ending)).await,
        _ => polled(builder, &topic, Work::new(ending)).await,
    }
}

fn settings(protocol: &str) -> Vec<(&str, &str)> {
    match protocol {
        "consumer" => vec![("group.protocol", "consumer"), ("fetch.wait.max.ms", "100")],
        strategy => vec![
            ("partition.assignment.strategy", strategy),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "200"),
            ("fetch.wait.max.ms", "100"),
        ],
    }
}

/// What is done with records, and what was done.
struct Work {
    ending: Ending,
    of_each: BTreeMap<i32, usize>,
    is_told: bool,
    commits: CommitEvery,
    errors: RepeatedErrors,
}

impl Work {
    fn new(ending: Ending) -> Self {
        Work {
            ending,
            of_each: BTreeMap::new(),
            is_told: false,
            commits: CommitEvery::new(100, Duration::from_millis(500)),
            errors: RepeatedErrors::new(Duration::from_secs(5)),
        }
    }

    /// Processes a record, or throws it away; says whether the work is done.
    fn process(
        &mut self,
        consumer: &impl Consumer<CommitOnRevoke>,
        message: &BorrowedMessage<'_>,
    ) -> Outcome<bool> {
        if self.ending == Ending::Serve {
            tell_number(message)?;
            store_processed(consumer, message)?;
            self.commits.stored();
            return Ok(false);
        }
        let count = self.of_each.entry(message.partition()).or_default();
        *count += 1;
        if *count <= OF_EACH {
            store_processed(consumer, message)?;
        }
        let all =
            self.of_each.len() == PARTITIONS && self.of_each.values().all(|it| *it >= OF_EACH);
        if all && !std::mem::replace(&mut self.is_told, true) {
            tell(self.of_each.keys().map(|partition| (*partition, OF_EACH)));
        }
        Ok(all && matches!(self.ending, Ending::Drop | Ending::Close))
    }

    fn error(&mut self, error: &rdkafka::error::KafkaError) {
        if let Some(line) = self.errors.line(error) {
            eprintln!("{line}");
        }
    }
}

fn tell(processed: impl Iterator<Item = (i32, usize)>) {
    let text: Vec<String> = processed.map(|(id, count)| format!("{id}:{count}")).collect();
    println!("processed {}", text.join(" "));
}

fn tell_number(message: &BorrowedMessage<'_>) -> Outcome {
    let envelope: serde_json::Value =
        serde_json::from_slice(message.payload().unwrap_or_default())?;
    println!("{}", envelope["item"]);
    Ok(())
}

async fn stream(builder: ConsumerBuilder, topic: &str, mut work: Work) -> Outcome {
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[topic])?;
    let mut stop = StopSignal::listen()?;
    loop {
        tokio::select! {
            polled = consumer.recv() => match polled {
                Ok(message) => if work.process(&*consumer, &message)? { break },
                Err(error) => work.error(&error),
            },
            () = work.commits.due() => {
                work.commits.committed(commit_stored_within(&consumer, LIMIT).await?);
            }
            () = stop.received() => break,
        }
    }
    match work.ending {
        Ending::Drop => drop(consumer),
        _ => println!("{:?}", close_within(consumer, LIMIT).await?),
    }
    Ok(())
}

async fn polled(builder: ConsumerBuilder, topic: &str, work: Work) -> Outcome {
    let consumer = builder.build_polled_with(CommitOnRevoke).await?;
    consumer.subscribe(&[topic])?;
    let mut stop = StopSignal::listen()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&stopped);
    let mut polls = tokio::task::spawn_blocking(move || poll(consumer, work, &stops));
    tokio::select! {
        () = stop.received() => stopped.store(true, Ordering::Relaxed),
        done = &mut polls => return done?,
    }
    polls.await?
}

fn poll(consumer: BaseConsumer<CommitOnRevoke>, mut work: Work, stopped: &AtomicBool) -> Outcome {
    while !stopped.load(Ordering::Relaxed) {
        match consumer.poll(Duration::from_millis(20)) {
            Some(Ok(message)) if work.process(&consumer, &message)? => break,
            Some(Err(error)) => work.error(&error),
            Some(Ok(_)) | None => {}
        }
        if work.commits.is_due() {
            work.commits.committed(commit_stored(&consumer, CommitMode::Sync)?);
        }
    }
    match work.ending {
        Ending::Drop => drop(consumer),
        _ => println!("{:?}", close_polled_within(consumer, LIMIT)?),
    }
    Ok(())
}

async fn batches(
    servers: &str,
    topic: &str,
    group: &str,
    settings: &[(&str, &str)],
    ending: Ending,
) -> Outcome {
    let builder = lineage::Consumer::builder("reading-member", servers, &[topic], group);
    let builder = settings.iter().fold(builder, |builder, (key, value)| builder.set(*key, *value));
    if ending == Ending::Serve {
        return serve_batches(builder.timeout_ms(50).build().await?).await;
    }
    let builder = builder.batch_size(OF_EACH * PARTITIONS).timeout_ms(20_000);
    let mut consumer = builder.build().await?;
    let heard = AtomicBool::new(false);
    let handler = async |batch: Vec<LineageMessage<i64>>| {
        // Two listeners of a signal are woken one after the other, so this one may hear it before
        // the consumer does, which begins another batch then.
        if heard.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("told to end"));
        }
        let mut stop = StopSignal::listen()?;
        tell_batch(&batch);
        match ending {
            // It comes while the batch is being processed, and ends that.
            Ending::Signal => {
                stop.received().await;
                heard.store(true, Ordering::Relaxed);
            }
            Ending::InWork => std::future::pending().await,
            _ => {}
        }
        Ok::<(), std::io::Error>(())
    };
    match ending {
        Ending::Signal => match consumer.process(handler).await {
            Err(lineage::Error::Handler { .. }) if heard.load(Ordering::Relaxed) => {}
            ended => drop(ended?),
        },
        _ => drop(consumer.process_batch(handler).await?),
    }
    match ending {
        Ending::ReadOn => loop {
            // What is not processed comes again, and is thrown away again.
            let fails = async |_: Vec<LineageMessage<i64>>| Err::<(), _>("not now");
            let _ = consumer.process_batch(fails).await;
        },
        Ending::Drop => drop(consumer),
        _ => consumer.close().await?,
    }
    Ok(())
}

async fn serve_batches(mut consumer: lineage::Consumer) -> Outcome {
    let handler = async |batch: Vec<LineageMessage<i64>>| {
        batch.iter().for_each(|message| println!("{}", message.payload));
        Ok::<(), Infallible>(())
    };
    consumer.process(handler).await?;
    Ok(consumer.close().await?)
}

fn tell_batch(batch: &[LineageMessage<i64>]) {
    let mut of_each = BTreeMap::<i32, usize>::new();
    for origin in batch.iter().flat_map(|it| &it.refs) {
        *of_each.entry(origin.partition).or_default() += 1;
    }
    tell(of_each.into_iter());
}
