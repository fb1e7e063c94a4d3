//! Rewrites records, because the topic stores them in another codec than the producer's.
//!
//! As in Kafka, that makes them regular: offsets count up, numbers take as few bytes as they can,
//! and attributes without a meaning are removed.

use std::ops::ControlFlow;

use kafka_protocol::ResponseError;

use crate::time::Timestamp;

use super::super::batch::{BatchHeader, NO_PRODUCER_ID, NO_TIMESTAMP};
use super::super::compression::Compression;
use super::super::records::{RecordView, write_varlong};
use super::super::skim::walk;
use super::rejection::BatchRejection;
use super::rules::{Findings, Rules};
use super::valid_batch::ValidBatch;

/// The records of a batch, written one by one.
#[derive(Default)]
struct Written {
    payload: Vec<u8>,
    /// The record that is being written, before its size is known.
    record: Vec<u8>,
    count: i64,
    base_timestamp: Timestamp,
    has_impossible_timestamp: bool,
}

/// Checks the batch and rewrites it, compressed with `target`.
///
/// # Errors
/// In addition to the errors of the records, `UNKNOWN_SERVER_ERROR` for what Kafka checks only when
/// it writes: a timestamp before 1970, a producer without an epoch.
pub(super) fn rebuilt(
    header: &BatchHeader,
    payload: &[u8],
    target: Compression,
    rules: &Rules<'_>,
) -> Result<ValidBatch, BatchRejection> {
    let mut findings = Findings::new(rules, header);
    let mut written = Written::default();
    walk(header, payload, |record| {
        let timestamp = findings.take(record.into());
        written.add(record, timestamp);
        ControlFlow::<()>::Continue(())
    })?;
    let max_timestamp = findings.finish()?;
    if written.has_impossible_timestamp {
        return Err(failed("A record has a negative timestamp"));
    }
    let is_producer = header.producer_id != NO_PRODUCER_ID;
    if is_producer && (header.producer_epoch == -1 || header.base_sequence < 0) {
        return Err(failed("The producer has no epoch, or no sequence number"));
    }
    let payload = match target {
        Compression::None => written.payload,
        codec => codec.compress(&written.payload).map_err(|error| failed(&error.to_string()))?,
    };
    let mut header = header.rewritten(written.base_timestamp);
    header
        .set_payload(target, payload.len())
        .map_err(|_| failed("The batch exceeds 2 GiB when it is rewritten"))?;
    rules.stamp(&mut header, max_timestamp);
    header.seal(&payload);
    Ok(ValidBatch::new(header, payload.into()))
}

fn failed(message: &str) -> BatchRejection {
    BatchRejection::of_batch(ResponseError::UnknownServerError, message)
}

impl Written {
    fn add(&mut self, from: &RecordView<'_>, timestamp: Timestamp) {
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        self.has_impossible_timestamp |= timestamp < NO_TIMESTAMP;
        let record = &mut self.record;
        record.clear();
        record.push(0);
        write_varlong(record, timestamp.wrapping_sub(self.base_timestamp));
        write_varlong(record, self.count);
        write_field(record, from.key);
        write_field(record, from.value);
        write_varlong(record, from.headers().count() as i64);
        for (key, value) in from.headers() {
            // Java reads the key as text, in which every invalid byte becomes a U+FFFD.
            write_field(record, Some(String::from_utf8_lossy(key).as_bytes()));
            write_field(record, value);
        }
        write_varlong(&mut self.payload, record.len() as i64);
        self.payload.extend_from_slice(record);
        self.count += 1;
    }
}

fn write_field(to: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        Some(field) => {
            write_varlong(to, field.len() as i64);
            to.extend_from_slice(field);
        }
        None => write_varlong(to, -1),
    }
}
