//! What a log remembers of idempotent producers, so that a batch sent twice is stored once.
//!
//! Per producer id: its epoch and the last five batches, because a client has at most five requests
//! in flight. A batch that matches one of the five gets the old offset; any other gap in the
//! sequence is refused. The state can be built again from the batches; a snapshot at the start
//! of each segment makes that short.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;

use kafka_protocol::ResponseError;

use crate::time::Timestamp;

use super::AppendError;
use super::batch::BatchHeader;
use super::files::{read_if_there, replace};
use super::view::{SNAPSHOT_SUFFIX, file_name};

/// Batches that are remembered per producer.
const REMEMBERED_BATCHES: usize = 5;
/// The version of the snapshot's format.
const SNAPSHOT_VERSION: u8 = 1;
/// Bytes of one producer in a snapshot, and of one batch.
const PRODUCER_BYTES: usize = 8 + 2 + 8 + 1;
const BATCH_BYTES: usize = 4 + 8 + 4 + 8;

/// One of a producer's last batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredBatch {
    last_sequence: i32,
    last_offset: i64,
    offset_delta: i32,
    timestamp: Timestamp,
}

impl StoredBatch {
    pub(super) fn base_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    pub(super) fn last_offset(&self) -> i64 {
        self.last_offset
    }

    pub(super) fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        first.rem_euclid(1 << 31) as i32
    }

    fn is_same(&self, header: &BatchHeader) -> bool {
        self.first_sequence() == header.base_sequence
            && self.last_sequence == header.last_sequence()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    last_timestamp: Timestamp,
    batches: VecDeque<StoredBatch>,
}

/// The producers of one log by producer id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Producers {
    by_id: HashMap<i64, Producer>,
}

impl Producers {
    /// Checks the batch's epoch and sequence; answers with the stored batch if this is it again.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` for an epoch below the last one, `OUT_OF_ORDER_SEQUENCE_NUMBER` for
    /// a gap, and for a repetition that is older than the last five batches. A producer id that is
    /// not known may begin with any sequence: its batches may have been deleted.
    pub(super) fn check(&self, header: &BatchHeader) -> Result<Option<StoredBatch>, AppendError> {
        if !header.has_producer_id() {
            return Ok(None);
        }
        let Some(producer) = self.by_id.get(&header.producer_id) else {
            return Ok(None);
        };
        if header.producer_epoch < producer.epoch {
            return Err(refuse(
                ResponseError::InvalidProducerEpoch,
                header,
                &format!("epoch {} is below {}", header.producer_epoch, producer.epoch),
            ));
        }
        let first = header.base_sequence;
        if header.producer_epoch > producer.epoch {
            if first == 0 {
                return Ok(None);
            }
            return Err(refuse(
                ResponseError::OutOfOrderSequenceNumber,
                header,
                &format!("sequence {first} is the first of a new epoch and should be 0"),
            ));
        }
        if let Some(duplicate) = producer.batches.iter().find(|batch| batch.is_same(header)) {
            return Ok(Some(*duplicate));
        }
        let last = producer.batches.back().map_or(-1, |batch| batch.last_sequence);
        if i64::from(first) == i64::from(last) + 1 || (first == 0 && last == i32::MAX) {
            return Ok(None);
        }
        Err(refuse(
            ResponseError::OutOfOrderSequenceNumber,
            header,
            &format!("sequence {first} follows {last}"),
        ))
    }

    /// Remembers a batch that is in the log.
    pub(super) fn update(&mut self, header: &BatchHeader) {
        if !header.has_producer_id() || header.is_control() {
            return;
        }
        let batch = StoredBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        };
        let producer = self.by_id.entry(header.producer_id).or_insert_with(|| Producer {
            epoch: header.producer_epoch,
            last_timestamp: header.max_timestamp,
            batches: VecDeque::new(),
        });
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.batches.clear();
        }
        if producer.batches.len() == REMEMBERED_BATCHES {
            producer.batches.pop_front();
        }
        producer.batches.push_back(batch);
        producer.last_timestamp = header.max_timestamp;
    }

    /// Forgets the producers whose last batch is `expiration_ms` old.
    pub(super) fn expire(&mut self, now: Timestamp, expiration_ms: Timestamp) {
        self.by_id
            .retain(|_, producer| now.saturating_sub(producer.last_timestamp) < expiration_ms);
    }

    /// Writes the state as it is before the batch at `offset`.
    pub(super) fn save(&self, directory: &Path, offset: i64) -> io::Result<()> {
        let mut body = Vec::with_capacity(1 + self.by_id.len() * 160);
        body.push(SNAPSHOT_VERSION);
        for (id, producer) in &self.by_id {
            body.extend_from_slice(&id.to_be_bytes());
            body.extend_from_slice(&producer.epoch.to_be_bytes());
            body.extend_from_slice(&producer.last_timestamp.to_be_bytes());
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

    /// Reads the state before the batch at `offset`, `None` where there is no intact snapshot.
    pub(super) fn load(directory: &Path, offset: i64) -> io::Result<Option<Self>> {
        let contents = read_if_there(&directory.join(file_name(offset, SNAPSHOT_SUFFIX)))?;
        Ok(contents.and_then(|contents| Self::decode(&contents)))
    }

    fn decode(contents: &[u8]) -> Option<Self> {
        let (crc, body) = contents.split_first_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (version, mut rest) = body.split_first()?;
        if *version != SNAPSHOT_VERSION {
            return None;
        }
        let mut by_id = HashMap::new();
        while !rest.is_empty() {
            let (head, behind) = rest.split_first_chunk::<PRODUCER_BYTES>()?;
            let count = usize::from(head[PRODUCER_BYTES - 1]);
            let (batches, behind) = behind.split_at_checked(count * BATCH_BYTES)?;
            let producer = Producer {
                epoch: i16::from_be_bytes(field(head, 8)),
                last_timestamp: i64::from_be_bytes(field(head, 10)),
                batches: batches.chunks(BATCH_BYTES).map(decode_batch).collect(),
            };
            by_id.insert(i64::from_be_bytes(field(head, 0)), producer);
            rest = behind;
        }
        Some(Self { by_id })
    }
}

fn decode_batch(bytes: &[u8]) -> StoredBatch {
    StoredBatch {
        last_sequence: i32::from_be_bytes(field(bytes, 0)),
        last_offset: i64::from_be_bytes(field(bytes, 4)),
        offset_delta: i32::from_be_bytes(field(bytes, 12)),
        timestamp: i64::from_be_bytes(field(bytes, 16)),
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

fn refuse(code: ResponseError, header: &BatchHeader, problem: &str) -> AppendError {
    let message = format!("Producer {}: {problem}", header.producer_id);
    AppendError::Refused { code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(epoch: i16, sequence: i32, count: i32, base_offset: i64) -> BatchHeader {
        let mut header = BatchHeader::new(count, 1_000, 1_000);
        header.producer_id = 7;
        header.producer_epoch = epoch;
        header.base_sequence = sequence;
        header.base_offset = base_offset;
        header
    }

    /// What `check` answers: the old base offset, nothing, or an error code.
    fn check(producers: &Producers, header: BatchHeader) -> Result<Option<i64>, ResponseError> {
        match producers.check(&header) {
            Ok(duplicate) => Ok(duplicate.map(|batch| batch.base_offset())),
            Err(AppendError::Refused { code, .. }) => Err(code),
            Err(AppendError::Storage(error)) => panic!("{error}"),
        }
    }

    fn with_batches(batches: &[BatchHeader]) -> Producers {
        let mut producers = Producers::default();
        for header in batches {
            producers.update(header);
        }
        producers
    }

    const GAP: Result<Option<i64>, ResponseError> = Err(ResponseError::OutOfOrderSequenceNumber);

    #[test]
    fn one_of_the_last_five_batches_gets_its_old_offset() {
        let sent: Vec<_> = (0..6).map(|n| batch(0, n * 2, 2, i64::from(n) * 2 + 100)).collect();
        let producers = with_batches(&sent);
        for header in &sent[1..] {
            assert_eq!(check(&producers, *header), Ok(Some(header.base_offset)));
        }
        assert_eq!(check(&producers, sent[0]), GAP);
        assert_eq!(check(&producers, batch(0, 12, 1, 0)), Ok(None));
        assert_eq!(check(&producers, batch(0, 13, 1, 0)), GAP);
        // The same first sequence with another length is not the same batch.
        assert_eq!(check(&producers, batch(0, 10, 1, 0)), GAP);
    }

    #[test]
    fn an_unknown_producer_begins_anywhere() {
        let producers = Producers::default();
        assert_eq!(check(&producers, batch(3, 55, 1, 0)), Ok(None));
    }

    #[test]
    fn an_old_epoch_is_fenced_and_a_new_one_begins_at_zero() {
        let producers = with_batches(&[batch(1, 0, 3, 0)]);
        assert_eq!(check(&producers, batch(0, 3, 1, 0)), Err(ResponseError::InvalidProducerEpoch));
        assert_eq!(check(&producers, batch(2, 3, 1, 0)), GAP);
        assert_eq!(check(&producers, batch(2, 0, 1, 0)), Ok(None));
    }

    #[test]
    fn sequences_wrap() {
        let producers = with_batches(&[batch(0, i32::MAX - 1, 2, 10)]);
        assert_eq!(check(&producers, batch(0, 0, 1, 0)), Ok(None));
        assert_eq!(check(&producers, batch(0, 1, 1, 0)), GAP);
        let across = batch(0, i32::MAX, 3, 20);
        let producers = with_batches(&[across]);
        assert_eq!(check(&producers, across), Ok(Some(20)));
        assert_eq!(check(&producers, batch(0, 2, 1, 0)), Ok(None));
    }

    #[test]
    fn idle_producers_are_forgotten() {
        let mut producers = with_batches(&[batch(0, 0, 1, 0)]);
        producers.expire(1_999, 1_000);
        assert_eq!(check(&producers, batch(0, 5, 1, 0)), GAP);
        producers.expire(2_000, 1_000);
        assert_eq!(check(&producers, batch(0, 5, 1, 0)), Ok(None));
    }

    #[test]
    fn a_snapshot_is_read_back_and_a_damaged_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let producers = with_batches(&[batch(0, 0, 2, 0), batch(1, 0, 1, 2), batch(1, 1, 9, 3)]);
        producers.save(directory.path(), 12).unwrap();
        assert_eq!(Producers::load(directory.path(), 12).unwrap(), Some(producers));
        assert_eq!(Producers::load(directory.path(), 11).unwrap(), None);

        let path = directory.path().join(file_name(12, SNAPSHOT_SUFFIX));
        let intact = std::fs::read(&path).unwrap();
        for at in 0..intact.len() {
            let mut damaged = intact.clone();
            damaged[at] ^= 0x10;
            assert_eq!(Producers::decode(&damaged), None);
            assert_eq!(Producers::decode(&intact[..at]), None);
        }
    }
}
