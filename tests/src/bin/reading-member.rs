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
//! - `read-on`: it goes on reading until it is killed.
//!
//! The end of its standard input ends it at once: it comes when the test dies.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use helpers::lineage::{self, Message as LineageMessage};
use helpers::{
    CommitOnRevoke, ConsumerBuilder, StopSignal, close_polled_within, close_within, store_processed,
};
use rdkafka::consumer::Consumer;
use rdkafka::message::{BorrowedMessage, Message};

/// How many records of each partition are processed.
const OF_EACH: usize = 5;
const PARTITIONS: usize = 2;
const LIMIT: Duration = Duration::from_secs(30);

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Drop,
    Close,
    Signal,
    ReadOn,
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
        _ => Ending::ReadOn,
    };
    let settings = settings(&protocol);
    match consumer.as_str() {
        "stream" => stream(&servers, &topic, &group, settings, ending).await,
        "polled" => polled(&servers, &topic, &group, settings, ending).await,
        _ => batches(&servers, &topic, &group, settings, ending).await,
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

fn builder(servers: &str, group: &str, settings: Vec<(&str, &str)>) -> ConsumerBuilder {
    let builder = ConsumerBuilder::new(servers, group);
    settings.into_iter().fold(builder, |builder, (key, value)| builder.set(key, value))
}

/// Which records were processed.
#[derive(Default)]
struct Processed {
    of_each: BTreeMap<i32, usize>,
    is_told: bool,
}

impl Processed {
    /// Whether the record is one of those that are processed.
    fn takes(&mut self, message: &BorrowedMessage<'_>) -> bool {
        let count = self.of_each.entry(message.partition()).or_default();
        *count += 1;
        *count <= OF_EACH
    }

    /// Whether all are.
    fn is_complete(&self) -> bool {
        self.of_each.len() == PARTITIONS && self.of_each.values().all(|count| *count >= OF_EACH)
    }

    fn tell_once(&mut self) {
        if !std::mem::replace(&mut self.is_told, true) {
            tell(self.of_each.keys().map(|partition| (*partition, OF_EACH)));
        }
    }
}

fn tell(processed: impl Iterator<Item = (i32, usize)>) {
    let text: Vec<String> = processed.map(|(id, count)| format!("{id}:{count}")).collect();
    println!("processed {}", text.join(" "));
}

async fn stream(
    servers: &str,
    topic: &str,
    group: &str,
    settings: Vec<(&str, &str)>,
    ending: Ending,
) -> Outcome {
    let consumer = builder(servers, group, settings).build_with(CommitOnRevoke).await?;
    consumer.subscribe(&[topic])?;
    let (mut processed, mut stop) = (Processed::default(), StopSignal::listen()?);
    loop {
        let message = tokio::select! {
            polled = consumer.recv() => polled?,
            () = stop.asked() => break,
        };
        if processed.takes(&message) {
            store_processed(&consumer, &message)?;
        }
        if processed.is_complete() {
            processed.tell_once();
            if matches!(ending, Ending::Drop | Ending::Close) {
                break;
            }
        }
    }
    match ending {
        Ending::Drop => drop(consumer),
        _ => println!("{:?}", close_within(consumer, LIMIT).await?),
    }
    Ok(())
}

async fn polled(
    servers: &str,
    topic: &str,
    group: &str,
    settings: Vec<(&str, &str)>,
    ending: Ending,
) -> Outcome {
    let consumer = builder(servers, group, settings).build_polled_with(CommitOnRevoke).await?;
    consumer.subscribe(&[topic])?;
    let ended = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&ended);
    let poll = move || -> Outcome {
        let mut processed = Processed::default();
        while !ends.load(Ordering::Relaxed) {
            let Some(polled) = consumer.poll(Duration::from_millis(20)) else { continue };
            let message = polled?;
            if processed.takes(&message) {
                store_processed(&consumer, &message)?;
            }
            if processed.is_complete() {
                processed.tell_once();
                if matches!(ending, Ending::Drop | Ending::Close) {
                    break;
                }
            }
        }
        match ending {
            Ending::Drop => drop(consumer),
            _ => println!("{:?}", close_polled_within(consumer, LIMIT)?),
        }
        Ok(())
    };
    let mut stop = StopSignal::listen()?;
    let mut polls = tokio::task::spawn_blocking(poll);
    tokio::select! {
        () = stop.asked() => ended.store(true, Ordering::Relaxed),
        done = &mut polls => return done?,
    }
    polls.await?
}

async fn batches(
    servers: &str,
    topic: &str,
    group: &str,
    settings: Vec<(&str, &str)>,
    ending: Ending,
) -> Outcome {
    let builder = lineage::Consumer::builder("reading-member", servers, &[topic], group)
        .batch_size(OF_EACH * PARTITIONS);
    let builder =
        settings.into_iter().fold(builder, |builder, (key, value)| builder.set(key, value));
    let mut consumer = builder.timeout_ms(20_000).build().await?;
    match ending {
        // The signal finds the batch in work, and ends the work.
        Ending::Signal => {
            let handler = async |batch: Vec<LineageMessage<i64>>| {
                let mut stop = StopSignal::listen()?;
                tell_batch(&batch);
                stop.asked().await;
                Ok::<(), std::io::Error>(())
            };
            consumer.process(handler).await?;
            consumer.close().await?;
        }
        _ => {
            let handler = async |batch: Vec<LineageMessage<i64>>| {
                tell_batch(&batch);
                if ending == Ending::ReadOn && std::env::var_os("IN_WORK").is_some() {
                    std::future::pending::<()>().await;
                }
                Ok::<(), Infallible>(())
            };
            consumer.process_batch(handler).await?;
            match ending {
                Ending::Drop => drop(consumer),
                Ending::Close => consumer.close().await?,
                _ => loop {
                    // What is not processed comes again, and is thrown away again.
                    let fails = async |_: Vec<LineageMessage<i64>>| Err::<(), _>("not now");
                    let _ = consumer.process_batch(fails).await;
                },
            }
        }
    }
    Ok(())
}

fn tell_batch(batch: &[LineageMessage<i64>]) {
    let mut of_each = BTreeMap::<i32, usize>::new();
    for origin in batch.iter().flat_map(|it| &it.refs) {
        *of_each.entry(origin.partition).or_default() += 1;
    }
    tell(of_each.into_iter());
}
