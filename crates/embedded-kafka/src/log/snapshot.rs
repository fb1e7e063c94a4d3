//! A snapshot of a log's producers, so that a start need not read every batch again.
//!
//! A snapshot is written at the start of each segment, and at the end when the log is closed. One
//! that is damaged, or has another version, counts as missing: the batches hold the same state.

use std::io;
use std::path::Path;

use super::files::{read_if_there, replace};
use super::producers::{ProducerEntry, Producers, StoredBatch};
use super::view::{SNAPSHOT_SUFFIX, file_name};

/// The version of the format.
const VERSION: u8 = 2;
/// Bytes of one producer, and of one batch.
const PRODUCER_BYTES: usize = 8 + 2 + 8 + 4 + 8 + 8 + 1;
const BATCH_BYTES: usize = 4 + 8 + 4 + 8;
/// Stands for "no offset".
const NO_OFFSET: i64 = -1;

impl Producers {
    /// Writes the state as it is before the batch at `offset`.
    pub(super) fn save(&self, directory: &Path, offset: i64) -> io::Result<()> {
        let producers = self.iter();
        let mut body = Vec::with_capacity(1 + producers.len() * 160);
        body.push(VERSION);
        for (id, producer) in producers {
            body.extend_from_slice(&id.to_be_bytes());
            body.extend_from_slice(&producer.epoch.to_be_bytes());
            body.extend_from_slice(&producer.last_timestamp.to_be_bytes());
            body.extend_from_slice(&producer.coordinator_epoch.to_be_bytes());
            body.extend_from_slice(&producer.open_since.unwrap_or(NO_OFFSET).to_be_bytes());
            body.extend_from_slice(&producer.last_marker.unwrap_or(NO_OFFSET).to_be_bytes());
            body.push(producer.batches.len() as u8);
            for batch in &producer.batches {
                body.extend_from_slice(&batch.last_sequence.to_be_bytes());
                body.extend_from_slice(&batch.last_offset.to_be_bytes());
                body.extend_from_slice(&batch.offset_delta.to_be_bytes());
                body.extend_from_slice(&batch.timestamp.to_be_bytes());
            }
        }
        let mut contents = crc32c::crc32c(&body).to_be_bytes().to_vec();
        contents.append(&mut body);
        replace(&directory.join(file_name(offset, SNAPSHOT_SUFFIX)), &contents)
    }

    /// Reads the state before the batch at `offset`, `None` if there is no intact snapshot.
    pub(super) fn load(directory: &Path, offset: i64) -> io::Result<Option<Self>> {
        let contents = read_if_there(&directory.join(file_name(offset, SNAPSHOT_SUFFIX)))?;
        Ok(contents.and_then(|contents| decode(&contents)))
    }
}

fn decode(contents: &[u8]) -> Option<Producers> {
    let (crc, body) = contents.split_first_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
        return None;
    }
    let (version, mut rest) = body.split_first()?;
    if *version != VERSION {
        return None;
    }
    let mut producers = Producers::default();
    while !rest.is_empty() {
        let (head, behind) = rest.split_first_chunk::<PRODUCER_BYTES>()?;
        let count = usize::from(head[PRODUCER_BYTES - 1]);
        let (batches, behind) = behind.split_at_checked(count * BATCH_BYTES)?;
        let producer = ProducerEntry {
            epoch: i16::from_be_bytes(field(head, 8)),
            last_timestamp: i64::from_be_bytes(field(head, 10)),
            coordinator_epoch: i32::from_be_bytes(field(head, 18)),
            open_since: offset(head, 22),
            last_marker: offset(head, 30),
            batches: batches.chunks(BATCH_BYTES).map(decode_batch).collect(),
        };
        producers.insert(i64::from_be_bytes(field(head, 0)), producer);
        rest = behind;
    }
    Some(producers)
}

fn decode_batch(bytes: &[u8]) -> StoredBatch {
    StoredBatch {
        last_sequence: i32::from_be_bytes(field(bytes, 0)),
        last_offset: i64::from_be_bytes(field(bytes, 4)),
        offset_delta: i32::from_be_bytes(field(bytes, 12)),
        timestamp: i64::from_be_bytes(field(bytes, 16)),
    }
}

fn offset(bytes: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_be_bytes(field(bytes, at))).filter(|offset| *offset != NO_OFFSET)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

#[cfg(test)]
mod tests {
    use super::super::batch::BatchHeader;
    use super::super::marker::EndTransactionMarker;
    use super::*;

    fn batch(producer_id: i64, sequence: i32, base_offset: i64) -> BatchHeader {
        let mut header = BatchHeader::new(1, 1_000, 1_000);
        header.set_transactional(producer_id, 3);
        header.base_sequence = sequence;
        header.base_offset = base_offset;
        header
    }

    /// Returns three producers: one with a transaction open, one that ended its, one without any.
    fn producers() -> Producers {
        let mut producers = Producers::default();
        let mut plain = BatchHeader::new(2, 5, 5);
        plain.producer_id = 9;
        plain.producer_epoch = 0;
        plain.base_sequence = 0;
        producers.update(&plain, None);
        for header in [batch(7, 0, 2), batch(7, 1, 3), batch(8, 0, 4)] {
            producers.update(&header, None);
        }
        let mut marker = batch(7, -1, 5);
        marker.set_control();
        let commit = EndTransactionMarker { commit: true, coordinator_epoch: 6 };
        producers.update(&marker, Some(commit));
        producers
    }

    #[test]
    fn a_snapshot_is_read_back_and_a_damaged_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let producers = producers();
        assert_eq!(producers.first_open_offset(), Some(4));
        producers.save(directory.path(), 12).unwrap();
        assert_eq!(Producers::load(directory.path(), 12).unwrap(), Some(producers));
        assert_eq!(Producers::load(directory.path(), 11).unwrap(), None);

        let path = directory.path().join(file_name(12, SNAPSHOT_SUFFIX));
        let intact = std::fs::read(&path).unwrap();
        for at in 0..intact.len() {
            let mut damaged = intact.clone();
            damaged[at] ^= 0x10;
            assert_eq!(decode(&damaged), None);
            assert_eq!(decode(&intact[..at]), None);
        }
    }

    #[test]
    fn a_snapshot_of_another_version_counts_as_missing() {
        let body = [1];
        let contents = [&crc32c::crc32c(&body).to_be_bytes()[..], &body].concat();
        assert_eq!(decode(&contents), None);
    }
}
