//! Produces a batch, and checks how it is stored.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use wire_client::raw::RawClient;
use wire_client::requests::{fetch, list_offsets, produce, produced};

use super::codec::Codec;
use super::forge::BASE;
use crate::failure::Failure;
use crate::names::name;
use crate::scenario::Outcome;

/// The first millisecond of 2025: every later time counts as the present.
const PRESENT: i64 = 1_735_689_600_000;

/// The number of record errors of a response that are shown.
const SHOWN_ERRORS: usize = 4;

/// A partition that receives a batch.
pub(super) struct Asked<'a> {
    pub(super) leader: RawClient,
    pub(super) topic: &'a str,
    pub(super) partition: i32,
}

impl Asked<'_> {
    /// Returns the response to `sent`, and if the batch is in the log, the results of a fetch and
    /// of lookups by time.
    pub(super) fn told(&mut self, sent: &Bytes) -> Outcome {
        let request = produce(self.topic, self.partition, -1, sent.clone());
        let Ok(answer) = self.leader.try_call(9, &request) else {
            return Ok("closed".to_owned());
        };
        let answered = self.answer(produced(&answer));
        if produced(&answer).error_code != 0 {
            return Ok(answered);
        }
        Ok(format!("{answered}, {}, {}", self.stored(sent)?, self.found()?))
    }

    fn answer(&self, answer: &PartitionProduceResponse) -> String {
        if answer.error_code == 0 {
            let time = answer.log_append_time_ms;
            let stamped = if time == -1 { String::new() } else { format!(" {}", time_of(time)) };
            return format!("ok at {}{stamped}", answer.base_offset);
        }
        let mut told = name(answer.error_code);
        if answer.base_offset != -1 || answer.log_append_time_ms != -1 {
            told += &format!(" at {} {}", answer.base_offset, time_of(answer.log_append_time_ms));
        }
        told += if answer.log_start_offset == -1 { "" } else { " (start known)" };
        if let Some(message) = &answer.error_message {
            told += &format!(" \"{}\"", self.neutral(message));
        }
        for error in answer.record_errors.iter().take(SHOWN_ERRORS) {
            let message = error.batch_index_error_message.as_deref().unwrap_or("null");
            told += &format!(" [{}: {}]", error.batch_index, self.neutral(message));
        }
        let more = answer.record_errors.len().saturating_sub(SHOWN_ERRORS);
        told += &if more > 0 { format!(" and {more} more") } else { String::new() };
        told
    }

    /// Removes the parts of a message that vary: the topic's name, and times of the present.
    fn neutral(&self, message: &str) -> String {
        let mut message = message.replace(self.topic, "topic").replace('\n', " ");
        if let Some(at) = message.find("within [") {
            let end = message[at..].find(']').map_or(message.len(), |end| at + end);
            message.replace_range(at + "within [".len()..end, "bounds");
        }
        let mut neutral = String::new();
        let mut rest = &message[..];
        while let Some(at) = rest.find(|it: char| it.is_ascii_digit()) {
            let digits = rest[at..].find(|it: char| !it.is_ascii_digit());
            let end = digits.map_or(rest.len(), |digits| at + digits);
            neutral += &rest[..at];
            neutral += &match rest[at..end].parse() {
                Ok(number) if number > BASE / 2 => time_of(number),
                _ => rest[at..end].to_owned(),
            };
            rest = &rest[end..];
        }
        neutral + rest
    }

    /// Returns how the stored batch differs from the one that was sent.
    fn stored(&mut self, sent: &Bytes) -> Outcome {
        let request = fetch(self.topic, self.partition, 0);
        let mut answer = self.leader.try_call(11, &request)?;
        let partition = &mut answer.responses[0].partitions[0];
        if partition.error_code != 0 {
            return Ok(format!("fetch {}", name(partition.error_code)));
        }
        let stored = partition.records.take().unwrap_or_default();
        if stored.len() < 61 || sent.len() < 61 {
            return Ok(format!("{} bytes stored", stored.len()));
        }
        Ok(format!("end {}, {}", partition.high_watermark, difference(sent, &stored)))
    }

    /// Looks up the latest record, and the first one that is later than the first timestamp.
    fn found(&mut self) -> Outcome {
        let latest = self.listed(-3)?;
        Ok(format!("latest {latest}, later {}", self.listed(BASE + 15)?))
    }

    fn listed(&mut self, time: i64) -> Result<String, Failure> {
        let request = list_offsets(self.topic, self.partition, time);
        let answer = self.leader.try_call(7, &request)?;
        let answer = &answer.topics[0].partitions[0];
        Ok(match (answer.error_code, answer.offset) {
            (0, -1) => "none".to_owned(),
            (0, offset) => format!("{offset} {}", time_of(answer.timestamp)),
            (error, _) => name(error),
        })
    }
}

/// Returns a time relative to the first record's, or whether it is the present or unset.
fn time_of(time: i64) -> String {
    match time {
        -1 => "@unset".to_owned(),
        PRESENT.. if time < 2 * BASE => "@now".to_owned(),
        _ if (time - BASE).abs() < BASE / 2 => format!("@{:+}", time - BASE),
        _ => format!("@{time}"),
    }
}

/// Reads a field of a batch's header.
fn number(batch: &[u8], at: usize, bytes: usize) -> i64 {
    (&batch[at..at + bytes]).get_int(bytes)
}

fn difference(sent: &Bytes, stored: &Bytes) -> String {
    let mut parts = Vec::new();
    let length = number(stored, 8, 4) as usize + 12;
    if stored.len() != length {
        parts.push(format!("{} bytes more", stored.len() as i64 - length as i64));
    }
    let stored = stored.slice(..length.min(stored.len()));
    let sent = sent.slice(..sent.len().min(number(sent, 8, 4).max(49) as usize + 12));
    if stored != with_offsets_of(&stored, &sent) {
        parts.extend(changes_of_header(&sent, &stored));
        parts.extend(change_of_records(&sent, &stored));
    }
    if crc32c::crc32c(&stored[21..]) != (&stored[17..21]).get_u32() {
        parts.push("its checksum is wrong".to_owned());
    }
    if parts.is_empty() { "as it was sent".to_owned() } else { parts.join(", ") }
}

/// Returns the batch that was sent, with the parts that every broker assigns: base offset and
/// leader epoch.
fn with_offsets_of(stored: &[u8], sent: &[u8]) -> Vec<u8> {
    let mut same = sent.to_vec();
    same[..8].copy_from_slice(&stored[..8]);
    same[12..16].copy_from_slice(&stored[12..16]);
    same
}

fn changes_of_header(sent: &[u8], stored: &[u8]) -> Vec<String> {
    let fields = [
        ("last offset", 23, 4),
        ("first time", 27, 8),
        ("greatest time", 35, 8),
        ("producer", 43, 8),
        ("epoch", 51, 2),
        ("sequence", 53, 4),
        ("count", 57, 4),
    ];
    let mut changes = Vec::new();
    let (was, is) = (number(sent, 21, 2) as i16, number(stored, 21, 2) as i16);
    if let (true, Some(codec)) = ((was ^ is) & 7 != 0, Codec::of(is)) {
        changes.push(format!("now {}", codec.name()));
    }
    if (was ^ is) & !7 != 0 {
        changes.push(format!("attributes {:x}", is & !7));
    }
    for (field, at, bytes) in fields {
        let now = number(stored, at, bytes);
        if number(sent, at, bytes) != now {
            let shown = if field.ends_with("time") { time_of(now) } else { now.to_string() };
            changes.push(format!("{field} {shown}"));
        }
    }
    changes
}

/// Returns how the decompressed records differ from those that were sent.
fn change_of_records(sent: &Bytes, stored: &Bytes) -> Option<String> {
    if sent[61..] == stored[61..] {
        return None;
    }
    let records =
        |batch: &Bytes| Codec::of(number(batch, 21, 2) as i16)?.decompress(&batch.slice(61..));
    match (records(sent), records(stored)) {
        (Some(sent), Some(stored)) if sent == stored => Some("compressed anew".to_owned()),
        (_, Some(stored)) if stored.len() < 120 => Some(format!("records {}", hex(&stored))),
        (_, Some(stored)) => {
            Some(format!("records {:08x} of {} bytes", crc32c::crc32c(&stored), stored.len()))
        }
        _ => Some("records that cannot be read".to_owned()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
