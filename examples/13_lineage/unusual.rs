//! Records that are larger, older, deeper or emptier than most, and what the helpers do with them.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::Utc;
use helpers::{client_config, create_topic, delete_topic, unique_name};
use lineage::{Consumer, Error, History, Message, Producer, Ref};
use rdkafka::producer::{FutureProducer, FutureRecord};

const LIMIT: Duration = Duration::from_secs(30);

/// An envelope of an old version of the helpers: one source as an object, not as a list.
const OLD: &str = r#"{"item": "B22", "hist": {"svc": "gates", "dt": "2019-11-21T12:00:00+00:00",
    "refs": {"topic": "airports", "partition": 0, "offset": 4, "key": "JFK"}}}"#;

/// Writes the records, and reads them.
pub(crate) async fn show(brokers: &str) -> Result<()> {
    let topic = unique_name("gates");
    create_topic(brokers, &topic, 1, -1).await?;
    let shown = async {
        write(brokers, &topic).await?;
        read(brokers, &topic).await
    };
    let shown = shown.await;
    shown.and(delete_topic(brokers, &topic).await.map(drop).map_err(Into::into))
}

async fn write(brokers: &str, topic: &str) -> Result<()> {
    println!("\nunusual records");
    // ANCHOR: rejected
    let gate = |id: &str, gate: &str| Message::new(id, gate.to_owned());
    let producer = Producer::new("gates", brokers, &[]).await?;
    if let Err(error) = producer.produce("", &gate("WS101", "A1")).await {
        println!("no topic   {error}");
    }
    let large = gate("WS102", &"A".repeat(2_000_000));
    if let Err(error @ Error::TooLarge { .. }) = producer.produce(topic, &large).await {
        println!("too large  {error}");
    }
    let lenient = Producer::builder("gates", brokers).ignore_large_message_errors(true);
    let produced =
        lenient.build().await?.produce_batch(topic, &[large, gate("WS103", "A3")]).await?;
    println!("           or, if ignored: {produced:?}");
    // ANCHOR_END: rejected

    producer.produce_batch(topic, &[gate("WS104", "B1"), gate("WS104", "B2")]).await?;
    producer.produce(topic, &Message { refs: sources(150), ..gate("WS105", "C5") }).await?;
    let plain: FutureProducer = client_config(brokers)?.create()?;
    let (old, tombstone) = (FutureRecord::to(topic).key("WS106"), FutureRecord::to(topic));
    for record in [old.payload(OLD), tombstone.key("WS104")] {
        plain.send(record, LIMIT).await.map_err(|(error, _)| error)?;
    }
    Ok(())
}

/// Returns a history of so many levels.
fn sources(levels: i64) -> Vec<Ref> {
    (0..levels).fold(Vec::new(), |refs, offset| {
        let hist = Some(History { service: "gates".to_owned(), at: Utc::now(), refs });
        vec![Ref { topic: "gates".to_owned(), partition: 0, offset, key: None, hist }]
    })
}

async fn read(brokers: &str, topic: &str) -> Result<()> {
    let group = unique_name("gates");
    let misspelled = unique_name("gtaes");
    // ANCHOR: unusual
    let consumer = || {
        Consumer::builder("gates", brokers, &[topic, &misspelled], &group)
            .batch_size(5)
            .timeout_ms(5000)
            .latest_only(true)
            // The builder refuses it, with a warning.
            .set("enable.auto.commit", "true")
            .build()
    };
    let mut first = consumer().await?;
    let failed = first.process_batch(async |_: Vec<Message<String>>| Err("a failure")).await;
    first.close().await?;
    let Err(Error::Handler { .. }) = failed else { bail!("the handler's error is lost") };
    // Auto-commit would have committed the batch, and another member would not get it.
    let mut second = consumer().await?;
    let handler = async |messages: Vec<Message<String>>| {
        for Message { id, payload, refs } in &messages {
            println!("{id}      {payload}, and its history is {} deep", depth(refs));
        }
        Ok::<(), Infallible>(())
    };
    let read = second.process_batch(handler).await?;
    // ANCHOR_END: unusual
    println!("           {read} messages in the batch");
    Ok(second.close().await?)
}

fn depth(refs: &[Ref]) -> usize {
    let below = refs.iter().map(|it| it.hist.as_ref().map_or(0, |hist| depth(&hist.refs)));
    below.max().map_or(0, |below| 1 + below)
}
