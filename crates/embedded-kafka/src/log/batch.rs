//! The header of a record batch (magic 2): the 61 bytes in front of the records.
//!
//! A broker needs little more than this header to store and serve a batch. The CRC covers
//! everything from the attributes on, so the base offset and the leader epoch, which the broker
//! assigns, come before it and are patched without a new CRC. The log append time is covered and
//! needs a new CRC. [`super::records`] reads the records of a batch.

use crate::time::Timestamp;

use super::compression::Compression;

/// Bytes of the header of a record batch.
pub(crate) const HEADER_SIZE: usize = 61;
/// Base offset and length: the bytes that the length itself does not count.
pub(super) const LOG_OVERHEAD: usize = 12;
/// The bytes up to and including the magic byte.
pub(super) const SIZE_UP_TO_MAGIC: usize = 17;
/// Stands for "no producer id" in a batch that is not idempotent.
pub(crate) const NO_PRODUCER_ID: i64 = -1;
/// Stands for "no timestamp" in a record or a batch.
pub(crate) const NO_TIMESTAMP: Timestamp = -1;

const LENGTH_AT: usize = 8;
const LEADER_EPOCH_AT: usize = 12;
const MAGIC_AT: usize = 16;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_OFFSET_DELTA_AT: usize = 23;
const BASE_TIMESTAMP_AT: usize = 27;
const MAX_TIMESTAMP_AT: usize = 35;
const PRODUCER_ID_AT: usize = 43;
const PRODUCER_EPOCH_AT: usize = 51;
const BASE_SEQUENCE_AT: usize = 53;
const RECORD_COUNT_AT: usize = 57;

const COMPRESSION_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;
/// Code that changes a batch's timestamps clears the attributes that mean nothing.
const KNOWN_ATTRIBUTES: i16 = 0x7f;

/// The bytes are no record batch of magic 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MalformedBatch {
    /// Fewer bytes than a header has.
    #[error("a record batch has a header of {HEADER_SIZE} bytes, but only {0} are left")]
    TooShort(usize),
    /// Another format of messages.
    #[error("the batch has magic {0}, only 2 is a record batch")]
    Magic(i8),
    /// A length that leaves no room for the rest of the header.
    #[error("the batch claims a length of {0} bytes")]
    Length(i32),
}

/// The header of a record batch, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Offset of the first record. Zero as a producer sends it, assigned by the log.
    pub(crate) base_offset: i64,
    /// Bytes that follow the length field.
    length: i32,
    /// The leader epoch in which the batch was appended.
    pub(crate) leader_epoch: i32,
    /// CRC-32C of everything after it.
    pub(crate) crc: u32,
    attributes: i16,
    /// Offset of the last record relative to the base offset.
    pub(crate) last_offset_delta: i32,
    /// Timestamp of the first record, which the other records' timestamps are relative to.
    pub(crate) base_timestamp: Timestamp,
    /// The largest timestamp of a record, or the time of the append.
    pub(crate) max_timestamp: Timestamp,
    /// The idempotent producer that sent it, or -1.
    pub(crate) producer_id: i64,
    /// The epoch of that producer.
    pub(crate) producer_epoch: i16,
    /// The sequence number of the first record.
    pub(crate) base_sequence: i32,
    /// The number of records that the batch claims to hold.
    pub(crate) record_count: i32,
}

impl BatchHeader {
    /// Decodes the header at the start of `bytes`.
    ///
    /// The length it claims is checked to cover the header, not against `bytes`: a caller that
    /// holds only headers compares [`BatchHeader::size`] with what it has.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, MalformedBatch> {
        let Some(header) = bytes.first_chunk::<HEADER_SIZE>() else {
            return Err(MalformedBatch::TooShort(bytes.len()));
        };
        let magic = i8::from_be_bytes([header[MAGIC_AT]]);
        if magic != 2 {
            return Err(MalformedBatch::Magic(magic));
        }
        let length = i32::from_be_bytes(field(header, LENGTH_AT));
        if i64::from(length) < (HEADER_SIZE - LOG_OVERHEAD) as i64 {
            return Err(MalformedBatch::Length(length));
        }
        Ok(Self {
            base_offset: i64::from_be_bytes(field(header, 0)),
            length,
            leader_epoch: i32::from_be_bytes(field(header, LEADER_EPOCH_AT)),
            crc: u32::from_be_bytes(field(header, CRC_AT)),
            attributes: i16::from_be_bytes(field(header, ATTRIBUTES_AT)),
            last_offset_delta: i32::from_be_bytes(field(header, LAST_OFFSET_DELTA_AT)),
            base_timestamp: i64::from_be_bytes(field(header, BASE_TIMESTAMP_AT)),
            max_timestamp: i64::from_be_bytes(field(header, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(field(header, PRODUCER_ID_AT)),
            producer_epoch: i16::from_be_bytes(field(header, PRODUCER_EPOCH_AT)),
            base_sequence: i32::from_be_bytes(field(header, BASE_SEQUENCE_AT)),
            record_count: i32::from_be_bytes(field(header, RECORD_COUNT_AT)),
        })
    }

    /// Returns the bytes of the whole batch, header included.
    pub(crate) fn size(&self) -> usize {
        // `parse` has rejected lengths below 49, so the conversion loses nothing.
        self.length as usize + LOG_OVERHEAD
    }

    /// Returns the offset of the last record.
    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// Returns the codec of the records, or `None` for an id that no codec has.
    pub(crate) fn compression(&self) -> Option<Compression> {
        Compression::from_id(self.attributes & COMPRESSION_MASK)
    }

    /// Returns whether the records' timestamps are the time of the append.
    pub(crate) fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// Returns whether the records belong to a transaction.
    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Returns whether the batch holds a marker of the broker instead of records.
    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Returns the time from which compaction may remove the tombstones or the marker in the batch,
    /// if an earlier pass has seen them. It takes the place of the base timestamp (KIP-534).
    pub(crate) fn delete_horizon(&self) -> Option<Timestamp> {
        (self.attributes & DELETE_HORIZON != 0).then_some(self.base_timestamp)
    }

    /// Returns whether an idempotent producer sent it.
    pub(crate) fn has_producer_id(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    /// Returns the sequence number of the last record, -1 for a batch without one. Sequence numbers
    /// wrap to 0 after `i32::MAX`.
    pub(crate) fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        let last = i64::from(self.base_sequence) + i64::from(self.last_offset_delta);
        (last % (1 << 31)) as i32
    }

    /// Returns the timestamp of a record whose delta is `timestamp_delta` ms.
    pub(crate) fn record_timestamp(&self, timestamp_delta: i64) -> Timestamp {
        if self.is_log_append_time() {
            self.max_timestamp
        } else {
            self.base_timestamp.wrapping_add(timestamp_delta)
        }
    }

    /// Returns the header's bytes, with all fields as they are here.
    pub(super) fn to_bytes(self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        put(&mut bytes, 0, self.base_offset.to_be_bytes());
        put(&mut bytes, LENGTH_AT, self.length.to_be_bytes());
        put(&mut bytes, LEADER_EPOCH_AT, self.leader_epoch.to_be_bytes());
        bytes[MAGIC_AT] = 2;
        put(&mut bytes, CRC_AT, self.crc.to_be_bytes());
        put(&mut bytes, ATTRIBUTES_AT, self.attributes.to_be_bytes());
        put(&mut bytes, LAST_OFFSET_DELTA_AT, self.last_offset_delta.to_be_bytes());
        put(&mut bytes, BASE_TIMESTAMP_AT, self.base_timestamp.to_be_bytes());
        put(&mut bytes, MAX_TIMESTAMP_AT, self.max_timestamp.to_be_bytes());
        put(&mut bytes, PRODUCER_ID_AT, self.producer_id.to_be_bytes());
        put(&mut bytes, PRODUCER_EPOCH_AT, self.producer_epoch.to_be_bytes());
        put(&mut bytes, BASE_SEQUENCE_AT, self.base_sequence.to_be_bytes());
        put(&mut bytes, RECORD_COUNT_AT, self.record_count.to_be_bytes());
        bytes
    }

    /// Sets the timestamp type to log append time, `now`. Needs a new CRC.
    pub(super) fn set_log_append_time(&mut self, now: Timestamp) {
        self.attributes = (self.attributes & KNOWN_ATTRIBUTES) | LOG_APPEND_TIME;
        self.max_timestamp = now;
    }

    /// Sets the timestamp type to create time, the largest timestamp being `max_timestamp`. Needs a
    /// new CRC.
    pub(super) fn set_create_time(&mut self, max_timestamp: Timestamp) {
        self.attributes &= KNOWN_ATTRIBUTES & !LOG_APPEND_TIME;
        self.max_timestamp = max_timestamp;
    }

    /// Returns the header of the same records, rewritten from `base_timestamp` on: of the
    /// attributes only the transaction stays. Needs its payload and a new CRC.
    pub(super) fn rewritten(&self, base_timestamp: Timestamp) -> Self {
        Self { attributes: self.attributes & TRANSACTIONAL, base_timestamp, ..*self }
    }

    /// Sets the codec and the size of the records after the header. Needs a new CRC.
    ///
    /// # Errors
    /// When the batch no longer fits the 32 bits of its length.
    pub(super) fn set_payload(
        &mut self,
        compression: Compression,
        bytes: usize,
    ) -> Result<(), std::num::TryFromIntError> {
        self.length = i32::try_from(bytes + HEADER_SIZE - LOG_OVERHEAD)?;
        self.attributes = (self.attributes & !COMPRESSION_MASK) | compression.id();
        Ok(())
    }

    /// Sets the time from which compaction may remove tombstones or the marker. The records'
    /// timestamps are relative to it from then on. Needs a new CRC.
    pub(super) fn set_delete_horizon(&mut self, horizon: Timestamp) {
        self.attributes |= DELETE_HORIZON;
        self.base_timestamp = horizon;
    }

    /// Undoes [`set_delete_horizon`](Self::set_delete_horizon) for a batch without records. Needs a
    /// new CRC.
    pub(super) fn clear_delete_horizon(&mut self) {
        self.attributes &= !DELETE_HORIZON;
        self.base_timestamp = self.max_timestamp;
    }

    /// Computes the CRC of these fields and `payload`.
    pub(super) fn seal(&mut self, payload: &[u8]) {
        self.crc = checksum(&self.to_bytes(), payload);
    }

    /// Marks the records as part of a transaction of this producer. Needs a new CRC.
    pub(super) fn set_transactional(&mut self, producer_id: i64, producer_epoch: i16) {
        self.attributes |= TRANSACTIONAL;
        self.producer_id = producer_id;
        self.producer_epoch = producer_epoch;
    }

    /// Marks the batch as a control batch, which holds a marker of the broker instead of records.
    /// Needs a new CRC.
    pub(super) fn set_control(&mut self) {
        self.attributes |= CONTROL;
    }

    /// Returns a header for `record_count` records that the broker itself writes: CREATE_TIME, no
    /// producer.
    pub(super) fn new(record_count: i32, base: Timestamp, max: Timestamp) -> Self {
        Self {
            base_offset: 0,
            length: (HEADER_SIZE - LOG_OVERHEAD) as i32,
            leader_epoch: -1,
            crc: 0,
            attributes: 0,
            last_offset_delta: record_count - 1,
            base_timestamp: base,
            max_timestamp: max,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: -1,
            base_sequence: -1,
            record_count,
        }
    }
}

/// Returns whether `batch`, a whole batch, matches the CRC in its header.
pub(crate) fn has_valid_crc(header: &BatchHeader, batch: &[u8]) -> bool {
    batch.len() > ATTRIBUTES_AT && crc32c::crc32c(&batch[ATTRIBUTES_AT..]) == header.crc
}

/// Returns the CRC-32C of a batch, which covers everything from the attributes on.
fn checksum(header: &[u8; HEADER_SIZE], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header[ATTRIBUTES_AT..]), payload)
}

fn field<const N: usize>(header: &[u8; HEADER_SIZE], at: usize) -> [u8; N] {
    std::array::from_fn(|index| header[at + index])
}

fn put<const N: usize>(header: &mut [u8; HEADER_SIZE], at: usize, value: [u8; N]) {
    header[at..at + N].copy_from_slice(&value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_survives_encoding() {
        let mut header = BatchHeader::new(7, 1_000, 2_000);
        header.base_offset = 123_456_789_012;
        header.leader_epoch = 9;
        header.producer_id = 77;
        header.producer_epoch = 3;
        header.base_sequence = 12;
        header.seal(b"");
        assert_eq!(BatchHeader::parse(&header.to_bytes()), Ok(header));
        assert!(has_valid_crc(&header, &header.to_bytes()));
    }

    #[test]
    fn offset_and_epoch_are_outside_the_crc_and_the_append_time_is_inside() {
        let mut header = BatchHeader::new(1, 5, 5);
        header.seal(b"");
        header.base_offset = 99;
        header.leader_epoch = 4;
        assert!(has_valid_crc(&header, &header.to_bytes()));
        header.set_log_append_time(6);
        assert!(!has_valid_crc(&header, &header.to_bytes()));
        header.seal(b"");
        assert!(has_valid_crc(&header, &header.to_bytes()));
        assert!(header.is_log_append_time());
    }

    #[test]
    fn sequence_numbers_wrap_to_zero() {
        let mut header = BatchHeader::new(4, 0, 0);
        assert_eq!(header.last_sequence(), -1);
        header.producer_id = 1;
        header.base_sequence = i32::MAX - 1;
        assert_eq!(header.last_sequence(), 1);
        header.base_sequence = i32::MAX - 3;
        assert_eq!(header.last_sequence(), i32::MAX);
    }

    #[test]
    fn other_magic_and_impossible_lengths_are_rejected() {
        let mut bytes = BatchHeader::new(1, 0, 0).to_bytes();
        bytes[MAGIC_AT] = 1;
        assert_eq!(BatchHeader::parse(&bytes), Err(MalformedBatch::Magic(1)));
        bytes[MAGIC_AT] = 2;
        put(&mut bytes, LENGTH_AT, (-1_i32).to_be_bytes());
        assert_eq!(BatchHeader::parse(&bytes), Err(MalformedBatch::Length(-1)));
        assert_eq!(BatchHeader::parse(&bytes[..60]), Err(MalformedBatch::TooShort(60)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(header) = BatchHeader::parse(&bytes) {
                let _ = (header.size(), header.last_offset(), header.last_sequence());
                let _ = (header.compression(), header.record_timestamp(i64::MAX));
                prop_assert_eq!(&header.to_bytes()[..], &bytes[..HEADER_SIZE]);
            }
        }
    }
}
