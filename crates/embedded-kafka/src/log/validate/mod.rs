//! The checks that Kafka makes of a produce request's records before it appends them.
//!
//! Everything here is a function of the bytes, the topic's settings and the time, so it runs
//! without the partition's lock. An uncompressed batch is walked once; a compressed one is
//! decompressed and read past, piece by piece, so that nothing of it is copied. If the topic's
//! `compression.type` differs from the batch's, the records are [rewritten](rebuild).

mod header;
mod rebuild;
mod rejection;
mod rules;
mod valid_batch;

#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::ops::ControlFlow;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use crate::time::Timestamp;

use super::batch::{BatchHeader, HEADER_SIZE};
use super::compression::Compression;
use super::log_settings::LogSettings;
use super::skim::{decompress, expect_end, skim, walk};

pub(crate) use header::is_first_batch_transactional;
pub(crate) use rejection::BatchRejection;
pub(crate) use valid_batch::ValidBatch;

use header::{check_header, only_batch, too_large};
use rules::{Findings, Rules};

/// Checks the records that a produce request (version 3 and above) has for `partition`, which only
/// messages name, as in `flights-0`. `takes_zstd` says whether the request's version allows zstd.
///
/// # Errors
/// As in Kafka: `INVALID_RECORD`, `INVALID_TIMESTAMP`, `CORRUPT_MESSAGE`, `MESSAGE_TOO_LARGE`,
/// `RECORD_LIST_TOO_LARGE`, `UNSUPPORTED_COMPRESSION_TYPE`; `UNKNOWN_SERVER_ERROR` for records that
/// cannot be decompressed or rewritten.
pub(crate) fn validate(
    records: &Bytes,
    partition: &dyn Display,
    settings: &LogSettings,
    now: Timestamp,
    takes_zstd: bool,
) -> Result<ValidBatch, BatchRejection> {
    let batch = only_batch(records, takes_zstd)?;
    let header = BatchHeader::parse(&batch).map_err(|error| {
        BatchRejection::of_request(ResponseError::CorruptMessage, error.to_string())
    })?;
    check_header(&header, &batch, settings)?;
    let source = header.compression().ok_or_else(|| {
        let message = "The batch names a compression that does not exist";
        BatchRejection::of_batch(ResponseError::UnknownServerError, message)
    })?;
    let payload = batch.slice(HEADER_SIZE..);
    let rules = Rules { partition, settings, now };
    let target = settings.compression.unwrap_or(source);
    let valid = if source == target {
        kept(header, payload, source, &rules)?
    } else {
        rebuild::rebuilt(&header, &payload, target, &rules)?
    };
    let size = valid.header().size();
    if size > settings.max_message_bytes {
        return Err(too_large(size, settings.max_message_bytes));
    }
    if size as u64 > settings.segment_bytes {
        return Err(BatchRejection::of_request(
            ResponseError::RecordListTooLarge,
            format!(
                "The record batch of {size} bytes exceeds the segment size of {} bytes",
                settings.segment_bytes
            ),
        ));
    }
    Ok(valid)
}

/// Returns the batch as it came, except for the largest timestamp, which the broker computes.
fn kept(
    mut header: BatchHeader,
    payload: Bytes,
    codec: Compression,
    rules: &Rules<'_>,
) -> Result<ValidBatch, BatchRejection> {
    let mut findings = Findings::new(rules, &header);
    if codec == Compression::None {
        walk(&header, &payload, |record| {
            findings.take(record.into());
            ControlFlow::<()>::Continue(())
        })?;
    } else {
        let mut from = decompress(&header, &payload)?;
        for _ in 0..header.record_count {
            findings.take(skim(&mut from)?.into());
        }
        expect_end(&mut from)?;
    }
    // Kafka would rewrite such a batch, and cannot, as it has read past the records. It does not
    // check the offsets of records that are not compressed.
    let is_out_of_order = codec != Compression::None && !findings.are_in_order();
    let max_timestamp = findings.finish()?;
    if is_out_of_order {
        let message = "The records of a compressed batch do not have the offsets 0, 1, 2 and so on";
        return Err(BatchRejection::of_batch(ResponseError::UnknownServerError, message));
    }
    if rules.stamp(&mut header, max_timestamp) {
        header.seal(&payload);
    }
    Ok(ValidBatch::new(header, payload))
}
