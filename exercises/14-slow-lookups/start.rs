//! Looks up each record in another system, one after the other.
//!
//! The task is in exercises/14-slow-lookups/README.md.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use anyhow::{Context, Result, anyhow, bail};
use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, StopSignal, close_within, commit_stored_within,
    store_processed,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

const LIMIT: Duration = Duration::from_secs(10);

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

/// Reads until SIGTERM.
async fn read(consumer: &Arc<StreamConsumer<CommitOnRevoke>>, systems: &Systems) -> Result<()> {
    let mut commits = CommitEvery::new(100, Duration::from_millis(500));
    let mut stop = StopSignal::listen()?;
    loop {
        let record = tokio::select! {
            polled = consumer.recv() => polled?,
            () = commits.due() => {
                commits.committed(commit_stored_within(consumer, LIMIT).await?);
                continue;
            }
            () = stop.received() => return Ok(()),
        };
        // Your part: up to 16 at once. `consumer.stream()` and futures_util's StreamExt may help.
        process(systems, record.key().unwrap_or_default()).await?;
        store_processed(&**consumer, &record)?;
        commits.stored();
    }
}

/// Looks up a record, and sends the result.
async fn process(systems: &Systems, key: &[u8]) -> Result<()> {
    let id = str::from_utf8(key).context("the id is not text")?;
    let started = now();
    // Your part: a lookup that fails may succeed later.
    look_up(&systems.service, id).await?;
    send(systems, id, started, now()).await
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
