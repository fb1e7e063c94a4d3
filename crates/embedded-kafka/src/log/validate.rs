//! What Kafka checks about the records of a produce request before it looks at the log.
//!
//! Everything here is a function of the bytes, the topic's settings and the time, so it runs without
//! the partition's lock. An uncompressed batch is walked once. A compressed one is decompressed only
//! where a rule has to look inside: keys on a compacted topic, timestamps that the header cannot
//! vouch for, or another `compression.type`.

use std::fmt::Display;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use crate::time::Timestamp;

use super::AppendError;
use super::batch::{
    BatchHeader, HEADER_SIZE, LOG_OVERHEAD, NO_TIMESTAMP, SIZE_UP_TO_MAGIC, has_valid_crc,
};
use super::compression::{Compression, DecompressError};
use super::records::{RecordView, Records};
use super::settings::{LogSettings, TimestampType};

/// The most bytes that the records of one batch may take when decompressed. Kafka has no such limit;
/// without one, a megabyte of gzip stands for a gigabyte of memory.
pub(crate) const MAX_DECOMPRESSED_BYTES: usize = 128 * 1024 * 1024;
/// The fewest bytes behind the length field that any format of messages has.
const SMALLEST_LENGTH: i32 = 14;
/// How many record errors Kafka repeats in the message of a refused batch.
const ERRORS_IN_MESSAGE: usize = 3;

/// A batch that may be appended: checked, and rewritten where the topic asks for it.
#[derive(Clone, Debug)]
pub(crate) struct ValidBatch {
    header: BatchHeader,
    payload: Bytes,
    is_from_client: bool,
}

impl ValidBatch {
    /// A batch that a client sent.
    pub(super) fn new(header: BatchHeader, payload: Bytes) -> Self {
        Self { header, payload, is_from_client: true }
    }

    /// A batch that the broker itself writes.
    pub(super) fn of_broker(header: BatchHeader, payload: Bytes) -> Self {
        Self { header, payload, is_from_client: false }
    }

    /// The same batch with the time of the append, `now`.
    pub(super) fn stamped_on_append(mut self, now: Timestamp) -> Self {
        self.header.set_log_append_time(now);
        self.header.seal(&self.payload);
        self
    }

    /// Whether a client sent it. What the broker writes for a producer has no sequence numbers.
    pub(super) fn is_from_client(&self) -> bool {
        self.is_from_client
    }

    /// The batch's header. Base offset and leader epoch are not assigned yet.
    pub(crate) fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The records behind the header, compressed or not.
    pub(crate) fn payload(&self) -> &Bytes {
        &self.payload
    }
}

/// Why a batch was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Rejection {
    /// The error code for the partition.
    pub(crate) code: ResponseError,
    /// What is wrong, for people.
    pub(crate) message: String,
    /// The records at fault by index in the batch, where single records are.
    pub(crate) record_errors: Vec<(i32, String)>,
    /// Whether Kafka answers with the log's start offset beside the error, and not with -1.
    pub(crate) names_start_offset: bool,
}

impl Rejection {
    /// What is wrong with the request, before Kafka looks at the partition.
    fn of_request(code: ResponseError, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, record_errors: Vec::new(), names_start_offset: false }
    }

    /// What is wrong with the batch.
    fn of_batch(code: ResponseError, message: impl Into<String>) -> Self {
        Self { names_start_offset: true, ..Self::of_request(code, message) }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::of_batch(ResponseError::InvalidRecord, message)
    }

    /// The message that Kafka sends along: only where single records are at fault.
    pub(crate) fn client_message(&self) -> Option<&str> {
        (!self.record_errors.is_empty()).then_some(self.message.as_str())
    }
}

impl From<ResponseError> for Rejection {
    fn from(code: ResponseError) -> Self {
        Self::of_request(code, String::new())
    }
}

impl From<AppendError> for Rejection {
    fn from(error: AppendError) -> Self {
        if let AppendError::Storage(error) = &error {
            tracing::error!(%error, "a batch was not written");
            return Self::of_request(ResponseError::KafkaStorageError, error.to_string());
        }
        Self::of_batch(error.code(), error.to_string())
    }
}

/// Checks the records that a produce request (version 3 and above) brings for `partition`, which
/// is only named in messages, as in `flights-0`.
///
/// # Errors
/// As Kafka answers: `INVALID_RECORD`, `INVALID_TIMESTAMP`, `CORRUPT_MESSAGE`, `MESSAGE_TOO_LARGE`,
/// `RECORD_LIST_TOO_LARGE`; `UNKNOWN_SERVER_ERROR` for records that cannot be decompressed.
pub(crate) fn validate(
    records: &Bytes,
    partition: &dyn Display,
    settings: &LogSettings,
    now: Timestamp,
) -> Result<ValidBatch, Rejection> {
    let batch = only_batch(records)?;
    let header = BatchHeader::parse(&batch)
        .map_err(|error| Rejection::of_request(ResponseError::CorruptMessage, error.to_string()))?;
    check_header(&header, &batch, settings)?;
    let source = header.compression().ok_or_else(|| {
        let message = "The batch names a compression that does not exist";
        Rejection::of_batch(ResponseError::UnknownServerError, message)
    })?;
    let mut valid = ValidBatch::new(header, batch.slice(HEADER_SIZE..));

    let target = settings.compression.unwrap_or(source);
    let look_inside = source == Compression::None
        || target != source
        || settings.compacted
        || !header_vouches_for_timestamps(&header, settings, now);
    let mut max_timestamp = header.max_timestamp;
    if look_inside {
        let payload = source.decompress(&valid.payload, MAX_DECOMPRESSED_BYTES).map_err(refuse)?;
        let rules = Rules { partition, settings, now };
        max_timestamp = check_records(&header, &payload, &rules)?;
        if target != source {
            recompress(&mut valid, target, &payload)?;
        }
    }
    set_timestamps(&mut valid, settings, max_timestamp, now, target != source);
    if valid.header.size() > settings.max_message_bytes {
        return Err(too_large(valid.header.size(), settings.max_message_bytes));
    }
    if valid.header.size() as u64 > settings.segment_bytes {
        return Err(Rejection::of_request(
            ResponseError::RecordListTooLarge,
            format!(
                "The record batch of {} bytes exceeds the segment size of {} bytes",
                valid.header.size(),
                settings.segment_bytes
            ),
        ));
    }
    Ok(valid)
}

/// The one batch that a produce request may hold per partition.
///
/// As in Kafka, bytes behind it that are too few for another batch are cut off.
fn only_batch(records: &Bytes) -> Result<Bytes, Rejection> {
    let invalid = |message| Rejection::of_request(ResponseError::InvalidRecord, message);
    let Some(size) = next_batch(records)? else {
        return Err(invalid(
            "Produce requests must have exactly one record batch per partition, this one has none",
        ));
    };
    if records[SIZE_UP_TO_MAGIC - 1] != 2 {
        return Err(invalid(
            "Produce requests are only allowed to contain record batches with magic version 2",
        ));
    }
    if next_batch(&records[size..])?.is_some() {
        return Err(invalid(
            "Produce requests are only allowed to contain exactly one record batch per partition",
        ));
    }
    Ok(records.slice(..size))
}

/// The size of the whole batch at the start of `bytes`, `None` where there is no whole one.
fn next_batch(bytes: &[u8]) -> Result<Option<usize>, Rejection> {
    let Some(head) = bytes.first_chunk::<SIZE_UP_TO_MAGIC>() else {
        return Ok(None);
    };
    let corrupt = |message| Err(Rejection::of_request(ResponseError::CorruptMessage, message));
    let length = i32::from_be_bytes([head[8], head[9], head[10], head[11]]);
    if length < SMALLEST_LENGTH {
        return corrupt(format!(
            "Record size {length} is less than the minimum record overhead ({SMALLEST_LENGTH})"
        ));
    }
    let magic = i8::from_be_bytes([head[SIZE_UP_TO_MAGIC - 1]]);
    if !(0..=2).contains(&magic) {
        return corrupt(format!("Invalid magic found in record: {magic}"));
    }
    let size = length as usize + LOG_OVERHEAD;
    Ok((size <= bytes.len()).then_some(size))
}

fn check_header(
    header: &BatchHeader,
    batch: &[u8],
    settings: &LogSettings,
) -> Result<(), Rejection> {
    if header.base_offset != 0 {
        return Err(Rejection::invalid(format!(
            "The baseOffset of the record batch should be 0, but it is {}",
            header.base_offset
        )));
    }
    if batch.len() > settings.max_message_bytes {
        return Err(too_large(batch.len(), settings.max_message_bytes));
    }
    if !has_valid_crc(header, batch) {
        return Err(Rejection::of_request(
            ResponseError::CorruptMessage,
            format!("Record is corrupt (stored crc = {})", header.crc),
        ));
    }
    if header.last_offset_delta < 0 || header.record_count <= 0 {
        return Err(Rejection::invalid(format!(
            "Invalid reported count for record batch: {}",
            header.record_count
        )));
    }
    if i64::from(header.last_offset_delta) + 1 != i64::from(header.record_count) {
        return Err(Rejection::invalid(format!(
            "Inconsistent batch offset range [0, {}] and count of records {}",
            header.last_offset_delta, header.record_count
        )));
    }
    if header.is_control() {
        return Err(Rejection::invalid("Clients are not allowed to write control records"));
    }
    if header.has_producer_id() && header.base_sequence < 0 {
        return Err(Rejection::invalid(format!(
            "Invalid sequence number {} in record batch with producerId {}",
            header.base_sequence, header.producer_id
        )));
    }
    Ok(())
}

/// Whether the header of a compressed batch proves that no record's timestamp breaks a rule.
fn header_vouches_for_timestamps(
    header: &BatchHeader,
    settings: &LogSettings,
    now: Timestamp,
) -> bool {
    if header.is_log_append_time() {
        return false;
    }
    settings.timestamp_type == TimestampType::LogAppendTime
        || (settings.timestamp_before_max_ms == i64::MAX
            && !is_out_of_range(header.max_timestamp, settings, now))
}

fn is_out_of_range(timestamp: Timestamp, settings: &LogSettings, now: Timestamp) -> bool {
    let age = now.saturating_sub(timestamp);
    age > settings.timestamp_before_max_ms || age.saturating_neg() > settings.timestamp_after_max_ms
}

/// What the records of a batch are checked against.
struct Rules<'a> {
    partition: &'a dyn Display,
    settings: &'a LogSettings,
    now: Timestamp,
}

/// Walks all records and answers with the largest timestamp among them.
fn check_records(
    header: &BatchHeader,
    payload: &[u8],
    rules: &Rules<'_>,
) -> Result<Timestamp, Rejection> {
    let mut max_timestamp = NO_TIMESTAMP;
    let mut errors = Vec::new();
    let mut is_timestamp_error = false;
    let records = Records::new(header, payload).map_err(|error| Rejection::invalid(error.0))?;
    for (index, record) in (0_i32..).zip(records) {
        let record = record.map_err(|error| Rejection::invalid(error.0))?;
        if record.offset_delta != index {
            return Err(Rejection::invalid(format!(
                "Record {index} of the batch has offset delta {}",
                record.offset_delta
            )));
        }
        let timestamp = header.record_timestamp(record.timestamp_delta);
        max_timestamp = max_timestamp.max(timestamp);
        if rules.settings.compacted && record.key.is_none() {
            errors.push((index, rules.key_missing()));
        } else if let Some(message) = rules.timestamp_error(header, &record) {
            is_timestamp_error = true;
            errors.push((index, message));
        }
    }
    if errors.is_empty() { Ok(max_timestamp) } else { Err(refused(errors, is_timestamp_error)) }
}

impl Rules<'_> {
    fn key_missing(&self) -> String {
        format!(
            "Compacted topic cannot accept message without key in topic partition {}",
            self.partition
        )
    }

    fn timestamp_error(&self, header: &BatchHeader, record: &RecordView<'_>) -> Option<String> {
        let Self { settings, now, .. } = self;
        let timestamp = header.record_timestamp(record.timestamp_delta);
        if settings.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP {
            return is_out_of_range(timestamp, settings, *now).then(|| {
                format!(
                    "Timestamp {timestamp} of message with offset {} is out of range. \
                     The timestamp should be within [{}, {}]",
                    record.offset_delta,
                    now.wrapping_sub(settings.timestamp_before_max_ms),
                    now.wrapping_add(settings.timestamp_after_max_ms)
                )
            });
        }
        header.is_log_append_time().then(|| {
            format!(
                "Invalid timestamp type in message DefaultRecord(offset={}, \
                 timestamp={timestamp}, key={} bytes, value={} bytes). Producer should not set \
                 timestamp type to LogAppendTime.",
                record.offset_delta,
                record.key.map_or(0, <[u8]>::len),
                record.value.map_or(0, <[u8]>::len)
            )
        })
    }
}

fn refused(record_errors: Vec<(i32, String)>, is_timestamp_error: bool) -> Rejection {
    let (code, message) = if is_timestamp_error {
        let message = "One or more records have been rejected due to invalid timestamp";
        (ResponseError::InvalidTimestamp, message.to_owned())
    } else {
        let first: Vec<String> = record_errors
            .iter()
            .take(ERRORS_IN_MESSAGE)
            .map(|(index, message)| format!("RecordError(batchIndex={index}, message='{message}')"))
            .collect();
        let message = format!(
            "One or more records have been rejected due to {} record errors in total, and only \
             showing the first three errors at most: [{}]",
            record_errors.len(),
            first.join(", ")
        );
        (ResponseError::InvalidRecord, message)
    };
    Rejection { record_errors, ..Rejection::of_batch(code, message) }
}

fn recompress(
    valid: &mut ValidBatch,
    target: Compression,
    payload: &Bytes,
) -> Result<(), Rejection> {
    let failed = |message: String| Rejection::of_batch(ResponseError::UnknownServerError, message);
    valid.payload = match target {
        Compression::None => payload.clone(),
        codec => codec.compress(payload).map_err(|error| failed(error.to_string()))?.into(),
    };
    valid
        .header
        .set_payload(target, valid.payload.len())
        .map_err(|_| failed("The batch exceeds 2 GiB when recompressed".into()))
}

/// Sets the largest timestamp as the topic asks for it, and a new CRC where anything changed.
fn set_timestamps(
    valid: &mut ValidBatch,
    settings: &LogSettings,
    max_timestamp: Timestamp,
    now: Timestamp,
    is_rewritten: bool,
) {
    let before = valid.header;
    match settings.timestamp_type {
        TimestampType::LogAppendTime => valid.header.set_log_append_time(now),
        TimestampType::CreateTime => valid.header.set_create_time(max_timestamp),
    }
    if is_rewritten || valid.header != before {
        valid.header.seal(&valid.payload);
    }
}

fn too_large(size: usize, limit: usize) -> Rejection {
    Rejection::of_request(
        ResponseError::MessageTooLarge,
        format!(
            "The record batch size is {size} bytes which exceeds the maximum configured value of \
             {limit}."
        ),
    )
}

fn refuse(error: DecompressError) -> Rejection {
    let code = match error {
        DecompressError::TooLarge(_) => ResponseError::MessageTooLarge,
        DecompressError::Corrupt => ResponseError::UnknownServerError,
    };
    Rejection::of_batch(code, error.to_string())
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
