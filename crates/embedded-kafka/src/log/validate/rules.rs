//! The rules of a topic for each record: a key if the topic is compacted, and a timestamp within
//! bounds.

use std::fmt::Display;

use kafka_protocol::ResponseError;

use crate::time::Timestamp;

use super::super::batch::{BatchHeader, NO_TIMESTAMP};
use super::super::records::RecordView;
use super::super::skim::Skimmed;
use super::rejection::BatchRejection;
use crate::log::log_settings::{LogSettings, TimestampType};

/// The number of record errors that Kafka repeats in the message of a rejected batch.
const ERRORS_IN_MESSAGE: usize = 3;

/// The settings that the records of a batch are checked against.
pub(super) struct Rules<'a> {
    pub(super) partition: &'a dyn Display,
    pub(super) settings: &'a LogSettings,
    pub(super) now: Timestamp,
}

impl Rules<'_> {
    /// Sets the largest timestamp as the topic asks for it. Returns whether that changed anything.
    pub(super) fn stamp(&self, header: &mut BatchHeader, max_timestamp: Timestamp) -> bool {
        let is_stamped_here = self.settings.timestamp_type == TimestampType::LogAppendTime;
        let timestamp = if is_stamped_here { self.now } else { max_timestamp };
        if header.is_log_append_time() == is_stamped_here && header.max_timestamp == timestamp {
            return false;
        }
        if is_stamped_here {
            header.set_log_append_time(timestamp);
        } else {
            header.set_create_time(timestamp);
        }
        true
    }
}

/// The fields of a record that the rules check.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    offset_delta: i32,
    timestamp_delta: i64,
    has_key: bool,
    /// Kafka's name for the type of the record, and the sizes that it shows.
    shown: (&'static str, i32, i32),
}

impl From<&RecordView<'_>> for Seen {
    fn from(record: &RecordView<'_>) -> Self {
        let size = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len) as i32;
        Self {
            offset_delta: record.offset_delta,
            timestamp_delta: record.timestamp_delta,
            has_key: record.key.is_some(),
            shown: ("DefaultRecord", size(record.key), size(record.value)),
        }
    }
}

impl From<Skimmed> for Seen {
    fn from(record: Skimmed) -> Self {
        Self {
            offset_delta: record.offset_delta,
            timestamp_delta: record.timestamp_delta,
            has_key: record.key_size >= 0,
            shown: ("PartialDefaultRecord", record.key_size, record.value_size),
        }
    }
}

/// The findings about the records of a batch so far.
pub(super) struct Findings<'a> {
    rules: &'a Rules<'a>,
    header: &'a BatchHeader,
    max_timestamp: Timestamp,
    count: i32,
    are_in_order: bool,
    errors: Vec<(i32, String)>,
    is_timestamp_error: bool,
}

impl<'a> Findings<'a> {
    /// Returns empty findings for the batch with `header`.
    pub(super) fn new(rules: &'a Rules<'a>, header: &'a BatchHeader) -> Self {
        Self {
            rules,
            header,
            max_timestamp: NO_TIMESTAMP,
            count: 0,
            are_in_order: true,
            errors: Vec::new(),
            is_timestamp_error: false,
        }
    }

    /// Checks the next record, and returns its timestamp.
    pub(super) fn take(&mut self, record: Seen) -> Timestamp {
        let index = self.count;
        self.count += 1;
        self.are_in_order &= record.offset_delta == index;
        let timestamp = self.header.record_timestamp(record.timestamp_delta);
        self.max_timestamp = self.max_timestamp.max(timestamp);
        if self.rules.settings.compacted && !record.has_key {
            self.errors.push((index, self.rules.key_missing()));
        } else if let Some(message) = self.rules.timestamp_error(self.header, record, timestamp) {
            self.is_timestamp_error = true;
            self.errors.push((index, message));
        }
        timestamp
    }

    /// Returns whether the offsets count up from 0.
    pub(super) fn are_in_order(&self) -> bool {
        self.are_in_order
    }

    /// Returns the largest timestamp, if no record breaks a rule.
    pub(super) fn finish(self) -> Result<Timestamp, BatchRejection> {
        match self.errors.is_empty() {
            true => Ok(self.max_timestamp),
            false => Err(rejected(self.errors, self.is_timestamp_error)),
        }
    }
}

fn is_out_of_range(timestamp: Timestamp, settings: &LogSettings, now: Timestamp) -> bool {
    let age = now.wrapping_sub(timestamp);
    age > settings.timestamp_before_max_ms || age.wrapping_neg() > settings.timestamp_after_max_ms
}

impl Rules<'_> {
    fn key_missing(&self) -> String {
        format!(
            "Compacted topic cannot accept message without key in topic partition {}",
            self.partition
        )
    }

    fn timestamp_error(
        &self,
        header: &BatchHeader,
        record: Seen,
        timestamp: Timestamp,
    ) -> Option<String> {
        let Self { settings, now, .. } = self;
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
        let (read_as, key, value) = record.shown;
        header.is_log_append_time().then(|| {
            format!(
                "Invalid timestamp type in message {read_as}(offset={}, \
                 timestamp={timestamp}, key={key} bytes, value={value} bytes). Producer should not \
                 set timestamp type to LogAppendTime.",
                record.offset_delta
            )
        })
    }
}

fn rejected(record_errors: Vec<(i32, String)>, is_timestamp_error: bool) -> BatchRejection {
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
    BatchRejection { record_errors, ..BatchRejection::of_batch(code, message) }
}
