//! Begins all lookups that it can.
//!
//! Message: never more than 16 lookups run at once

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use anyhow::{Context, Result, anyhow, bail};
use futures_util::StreamExt;
use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, StopSignal, close_within, commit_stored_within,
    store_through,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};

const LIMIT: Duration = Duration::from_secs(10);
/// How long the lookups in flight have to end after SIGTERM.
const DRAIN: Duration = Duration::from_secs(2);
const TRY_FOR: Duration = Duration::from_secs(30);

/// The other systems.
struct Systems {
    producer: FutureProducer,
    results: String,
    service: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let mut config = ClientConfig::new();
    let producer = config.set("bootstrap.servers", &brokers).set("linger.ms", "0").create()?;
    let (results, service) = (env::var("RESULTS")?, env::var("SERVICE")?);
    let systems = Systems { producer, results, service };
    let builder = ConsumerBuilder::new(&brokers, env::var("GROUP")?);
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[&env::var("TOPIC")?])?;
    read(&consumer, &systems).await?;
    println!("closed: {:?}", close_within(consumer, LIMIT).await?);
    Ok(())
}

/// Reads until SIGTERM, and then finishes what is in flight.
async fn read(consumer: &Arc<StreamConsumer<CommitOnRevoke>>, systems: &Systems) -> Result<()> {
    let (go_on, stopped) = oneshot::channel::<()>();
    let done = consumer
        .stream()
        .take_until(stopped)
        .map(async |polled| {
            let record = polled?.detach();
            let done = process(systems, record.key().unwrap_or_default()).await;
            Ok::<_, KafkaError>((record, done))
        })
        // The results come in the order of the records, so a store never skips one.
        .buffered(usize::MAX);
    let mut done = std::pin::pin!(done);
    let mut commits = CommitEvery::new(100, Duration::from_millis(500));
    let (mut stop, mut go_on, mut deadline) = (StopSignal::listen()?, Some(go_on), Instant::now());
    loop {
        let next = tokio::select! {
            next = done.next() => next,
            () = commits.due() => {
                commits.committed(commit_stored_within(consumer, LIMIT).await?);
                continue;
            }
            () = stop.received(), if go_on.is_some() => {
                // Dropping it ends the stream of records, and not that of the results.
                (go_on, deadline) = (None, Instant::now() + DRAIN);
                continue;
            }
            () = sleep_until(deadline), if go_on.is_none() => return Ok(()),
        };
        match next {
            Some(Ok((record, result))) => {
                result?;
                store_through(&**consumer, record.topic(), record.partition(), record.offset())?;
                commits.stored();
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error.into()),
            Some(Err(error)) => eprintln!("{error}"),
            None => return Ok(()),
        }
    }
}

/// Looks up a record, again and again if that fails, and sends the result.
async fn process(systems: &Systems, key: &[u8]) -> Result<()> {
    let id = str::from_utf8(key).context("the id is not text")?;
    let found = async {
        loop {
            let started = now();
            match look_up(&systems.service, id).await {
                Ok(()) => return (started, now()),
                Err(error) => eprintln!("once more: {error:#}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let (started, ended) = timeout(TRY_FOR, found).await.context("the lookup does not succeed")?;
    send(systems, id, started, ended).await
}

/// Looks up an id. This stands for a request to another system.
async fn look_up(service: &str, id: &str) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(30)).await;
    let file = Path::new(service).join(id);
    loop {
        match fs::read_to_string(&file).unwrap_or_default().as_str() {
            "fail" => bail!("no response for {id}"),
            "wait" => tokio::time::sleep(Duration::from_millis(10)).await,
            _ => return Ok(()),
        }
    }
}

/// Sends a result, with the times of its lookup.
async fn send(systems: &Systems, id: &str, started: u128, ended: u128) -> Result<()> {
    let (started, ended) = (started.to_string(), ended.to_string());
    let headers = OwnedHeaders::new()
        .insert(Header { key: "started", value: Some(&started) })
        .insert(Header { key: "ended", value: Some(&ended) });
    let record = FutureRecord::to(&systems.results).key(id).payload("found").headers(headers);
    let sent = systems.producer.send_result(record).map_err(|(error, _)| error)?.await?;
    sent.map_err(|(error, _)| anyhow!("the result was not delivered: {error}"))?;
    Ok(())
}

/// Returns the time in ms since 1970.
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_millis())
}
