//! Checks before any decompression: that there is one batch, and that its header is valid.

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::super::batch::{
    BatchHeader, HEADER_SIZE, LOG_OVERHEAD, SIZE_UP_TO_MAGIC, has_valid_crc,
};
use super::super::compression::Compression;
use super::rejection::BatchRejection;
use crate::log::log_settings::LogSettings;

/// The fewest bytes after the length field that any format of messages has.
const SMALLEST_LENGTH: i32 = 14;

/// Returns whether the first batch belongs to a transaction. Kafka checks that of all partitions
/// before it checks the rest.
///
/// # Errors
/// `CORRUPT_MESSAGE` or `UNKNOWN_SERVER_ERROR` for the whole request, if there is no room for a
/// batch.
pub(crate) fn is_first_batch_transactional(records: &[u8]) -> Result<bool, BatchRejection> {
    let size = next_batch(records).map_err(BatchRejection::of_whole_request)?;
    let header = size.and_then(|size| BatchHeader::parse(&records[..size]).ok());
    Ok(header.is_some_and(|header| header.is_transactional()))
}

/// Returns the one batch that a produce request may hold per partition.
///
/// Versions of the API that are older than zstd do not take it (KIP-110). As in Kafka, bytes after
/// it that are too few for another batch are ignored.
pub(super) fn only_batch(records: &Bytes, takes_zstd: bool) -> Result<Bytes, BatchRejection> {
    let invalid = |message| BatchRejection::of_request(ResponseError::InvalidRecord, message);
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
    let header = records.get(..HEADER_SIZE).and_then(|bytes| BatchHeader::parse(bytes).ok());
    if !takes_zstd && header.is_some_and(|it| it.compression() == Some(Compression::Zstd)) {
        return Err(BatchRejection::of_request(
            ResponseError::UnsupportedCompressionType,
            "Produce requests below version 7 are not allowed to use ZStandard compression",
        ));
    }
    if next_batch(&records[size..])?.is_some() {
        return Err(invalid(
            "Produce requests are only allowed to contain exactly one record batch per partition",
        ));
    }
    Ok(records.slice(..size))
}

/// Returns the size of the whole batch at the start of `bytes`, `None` if there is no whole one.
fn next_batch(bytes: &[u8]) -> Result<Option<usize>, BatchRejection> {
    let Some(head) = bytes.first_chunk::<SIZE_UP_TO_MAGIC>() else {
        return Ok(None);
    };
    let corrupt = |message| Err(BatchRejection::of_request(ResponseError::CorruptMessage, message));
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
    // Kafka adds up in 32 bits, and fails without a message of its own.
    let size = length.checked_add(LOG_OVERHEAD as i32).ok_or_else(|| {
        let message = "The record batch claims more than 2 GiB";
        BatchRejection::of_request(ResponseError::UnknownServerError, message)
    })?;
    let size = size as usize;
    Ok((size <= bytes.len()).then_some(size))
}

/// Checks the header's claims about itself and the records.
pub(super) fn check_header(
    header: &BatchHeader,
    batch: &[u8],
    settings: &LogSettings,
) -> Result<(), BatchRejection> {
    if header.base_offset != 0 {
        return Err(BatchRejection::invalid(format!(
            "The baseOffset of the record batch should be 0, but it is {}",
            header.base_offset
        )));
    }
    if batch.len() > settings.max_message_bytes {
        return Err(too_large(batch.len(), settings.max_message_bytes));
    }
    if !has_valid_crc(header, batch) {
        return Err(BatchRejection::of_request(
            ResponseError::CorruptMessage,
            format!("Record is corrupt (stored crc = {})", header.crc),
        ));
    }
    if header.last_offset_delta < 0 || header.record_count <= 0 {
        return Err(BatchRejection::invalid(format!(
            "Invalid reported count for record batch: {}",
            header.record_count
        )));
    }
    if i64::from(header.last_offset_delta) + 1 != i64::from(header.record_count) {
        return Err(BatchRejection::invalid(format!(
            "Inconsistent batch offset range [0, {}] and count of records {}",
            header.last_offset_delta, header.record_count
        )));
    }
    if header.is_control() {
        return Err(BatchRejection::invalid("Clients are not allowed to write control records"));
    }
    if header.has_producer_id() && header.base_sequence < 0 {
        return Err(BatchRejection::invalid(format!(
            "Invalid sequence number {} in record batch with producerId {}",
            header.base_sequence, header.producer_id
        )));
    }
    Ok(())
}

/// Returns the rejection of a batch above `max.message.bytes`.
pub(super) fn too_large(size: usize, limit: usize) -> BatchRejection {
    BatchRejection::of_request(
        ResponseError::MessageTooLarge,
        format!(
            "The record batch size is {size} bytes which exceeds the maximum configured value of \
             {limit}."
        ),
    )
}
