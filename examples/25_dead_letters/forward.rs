//! Forwards a record to another topic, with headers that say where it comes from.

use std::time::Duration;

use anyhow::Result;
use helpers::{client_config, is_permanent};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

// ANCHOR: origin
/// Where a record was first, and what has been tried with it since. All of it travels in headers:
/// key and value stay as they were, even if they cannot be decoded.
pub(crate) struct Origin {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) attempt: usize,
    pub(crate) redrives: usize,
}

impl Origin {
    /// A record that was never sent on has no such headers: it is at its origin. A header that
    /// cannot be read counts as none, for it must not stop the reader either.
    pub(crate) fn of(message: &impl Message) -> Origin {
        let timestamp = message.timestamp().to_millis().unwrap_or(0);
        Origin {
            topic: header(message, "original-topic").unwrap_or(message.topic()).to_owned(),
            partition: number(message, "original-partition", message.partition()),
            offset: number(message, "original-offset", message.offset()),
            timestamp: number(message, "original-timestamp", timestamp),
            attempt: number(message, "attempt", 1),
            redrives: number(message, "redrives", 0),
        }
    }
}
// ANCHOR_END: origin

// ANCHOR: limits
/// How long a record may wait for room in the client's queue, if that is full.
const ROOM_LIMIT: Duration = Duration::from_secs(5);
/// How long the client may try to deliver a record after that (`message.timeout.ms`). Its default
/// is 300 s, as long as a member may go without a poll (`max.poll.interval.ms`): a worker that
/// waited so long for one record would lose its partitions.
const DELIVERY_LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn producer(brokers: &str) -> Result<FutureProducer> {
    let mut config = client_config(brokers)?;
    config.set("enable.idempotence", "true");
    config.set("message.timeout.ms", DELIVERY_LIMIT.as_millis().to_string());
    Ok(config.create()?)
}
// ANCHOR_END: limits

/// Whether a record has arrived in the other topic.
#[must_use]
pub(crate) enum Forwarded {
    Yes,
    /// The cluster did not accept it in time. The record must be forwarded again later.
    NotYet,
}

// ANCHOR: forward
/// Sends a record to `topic`, and returns when it has arrived there. Only then may the caller
/// commit: the other way round a crash between the two would lose the record.
pub(crate) async fn forward(
    producer: &FutureProducer,
    message: &impl Message,
    origin: &Origin,
    topic: &str,
    error: &str,
) -> Result<Forwarded> {
    let headers = [
        ("original-topic", origin.topic.clone()),
        ("original-partition", origin.partition.to_string()),
        ("original-offset", origin.offset.to_string()),
        ("original-timestamp", origin.timestamp.to_string()),
        ("attempt", origin.attempt.to_string()),
        ("redrives", origin.redrives.to_string()),
        ("error", error.to_owned()),
    ];
    let ours = headers.each_ref().map(|(name, _)| *name);
    let headers = headers.iter().fold(others(message, &ours), |all, (key, value)| {
        all.insert(Header { key, value: Some(value) })
    });
    let record = FutureRecord {
        topic,
        partition: None,
        key: message.key(),
        payload: message.payload(),
        // The time of arrival in the new topic: the delay counts from it.
        timestamp: None,
        headers: Some(headers),
    };
    match producer.send(record, ROOM_LIMIT).await {
        Ok(_delivery) => Ok(Forwarded::Yes),
        // It is too large, or may not be written there: it would fail again.
        Err((error, _)) if is_permanent(&error) => Err(helpers::Error::from(error).into()),
        Err((error, _)) => {
            eprintln!("not forwarded to {topic} yet: {error}");
            Ok(Forwarded::NotYet)
        }
    }
}
// ANCHOR_END: forward

/// The headers that a record had before, without those of an earlier forward.
fn others(message: &impl Message, ours: &[&str]) -> OwnedHeaders {
    let all = message.headers().into_iter().flat_map(Headers::iter);
    let foreign = all.filter(|header| !ours.contains(&header.key));
    foreign.fold(OwnedHeaders::new(), |headers, header| headers.insert(header))
}

fn number<T: std::str::FromStr>(message: &impl Message, name: &str, otherwise: T) -> T {
    header(message, name).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// A header's value as text.
fn header<'a>(message: &'a impl Message, name: &str) -> Option<&'a str> {
    let found = message.headers()?.iter().find(|header| header.key == name)?;
    std::str::from_utf8(found.value?).ok()
}
