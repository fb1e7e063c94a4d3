//! Builds record batches byte by byte, so that a test can also build invalid ones.
//!
//! It supports magic 2 only, and no codec: a test of a compressed batch passes the function.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The attribute of a batch that is part of a transaction.
pub const TRANSACTIONAL: i16 = 1 << 4;

/// The position of a batch's CRC, which covers everything from the attributes on.
const CRC: usize = 17;
const ATTRIBUTES: usize = 21;
/// The position of the first record.
const RECORDS: usize = 61;

/// A batch of records to encode.
#[derive(Debug, Clone)]
pub struct Batch {
    records: Vec<(Option<Bytes>, Option<Bytes>, i64)>,
    producer: (i64, i16, i32),
    attributes: i16,
}

impl Batch {
    /// Creates records without keys, with the current time.
    pub fn of(values: &[&str]) -> Batch {
        Batch::at(values, now())
    }

    /// Creates records without keys, with this timestamp in milliseconds since 1970.
    pub fn at(values: &[&str], timestamp: i64) -> Batch {
        let value = |it: &&str| (None, Some(Bytes::copy_from_slice(it.as_bytes())), timestamp);
        Batch { records: values.iter().map(value).collect(), producer: (-1, -1, -1), attributes: 0 }
    }

    /// Creates records with or without keys, with the current time.
    pub fn keyed(records: &[(Option<&str>, &str)]) -> Batch {
        let mut batch = Batch::of(&[]);
        let bytes = |it: &str| Bytes::copy_from_slice(it.as_bytes());
        batch.records = records
            .iter()
            .map(|(key, value)| (key.map(bytes), Some(bytes(value)), now()))
            .collect();
        batch
    }

    /// Adds a record with its own timestamp.
    pub fn and(mut self, value: &str, timestamp: i64) -> Batch {
        self.records.push((None, Some(Bytes::copy_from_slice(value.as_bytes())), timestamp));
        self
    }

    /// Sets the idempotent producer of this batch, and its first sequence number.
    pub fn from_producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Batch {
        self.producer = (id, epoch, base_sequence);
        self
    }

    /// Sets the attributes of the batch: compression, timestamp type, transactional, control.
    pub fn with_attributes(mut self, attributes: i16) -> Batch {
        self.attributes = attributes;
        self
    }

    /// Encodes the batch as a producer does, with records compressed by `compress`, whose codec has
    /// the id `codec` in the attributes.
    pub fn encode_with(&self, codec: i16, compress: impl FnOnce(&[u8]) -> Vec<u8>) -> Bytes {
        let plain = self.clone().with_attributes(self.attributes | codec).encode();
        let mut batch = BytesMut::from(&plain[..RECORDS]);
        batch.put_slice(&compress(&plain[RECORDS..]));
        let length = batch.len() as i32 - 12;
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        with_right_crc(batch)
    }

    /// Encodes the batch as a producer does, with base offset 0 and a correct CRC.
    pub fn encode(&self) -> Bytes {
        let first = self.records.first().map_or(0, |it| it.2);
        let last = self.records.iter().map(|it| it.2).max().unwrap_or(first);
        let mut batch = BytesMut::new();
        batch.put_i64(0);
        batch.put_i32(0);
        batch.put_i32(-1);
        batch.put_i8(2);
        batch.put_u32(0);
        batch.put_i16(self.attributes);
        batch.put_i32(self.records.len() as i32 - 1);
        batch.put_i64(first);
        batch.put_i64(last);
        batch.put_i64(self.producer.0);
        batch.put_i16(self.producer.1);
        batch.put_i32(self.producer.2);
        batch.put_i32(self.records.len() as i32);
        for (delta, (key, value, timestamp)) in self.records.iter().enumerate() {
            put_record(&mut batch, delta as i64, timestamp - first, key.as_ref(), value.as_ref());
        }
        let length = batch.len() as i32 - 12;
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        with_right_crc(batch)
    }
}

/// Corrects the CRC of an encoded batch that was changed.
pub fn with_right_crc(mut batch: BytesMut) -> Bytes {
    let crc = crc32c::crc32c(&batch[ATTRIBUTES..]);
    batch[CRC..ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
    batch.freeze()
}

/// Returns the current time in milliseconds since 1970.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("the clock is after 1970").as_millis() as i64
}

/// Returns the base offset and the number of records of each batch in a fetched record set.
pub fn offsets(mut records: Bytes) -> Vec<(i64, i32)> {
    let mut batches = Vec::new();
    while records.len() >= 61 {
        let length = (&records[8..12]).get_i32() as usize + 12;
        if records.len() < length {
            break;
        }
        let batch = records.split_to(length);
        batches.push(((&batch[..8]).get_i64(), (&batch[57..61]).get_i32()));
    }
    batches
}

fn put_record(
    batch: &mut BytesMut,
    offset_delta: i64,
    timestamp_delta: i64,
    key: Option<&Bytes>,
    value: Option<&Bytes>,
) {
    let mut record = BytesMut::new();
    record.put_i8(0);
    put_varint(&mut record, timestamp_delta);
    put_varint(&mut record, offset_delta);
    put_bytes(&mut record, key);
    put_bytes(&mut record, value);
    put_varint(&mut record, 0);
    put_varint(batch, record.len() as i64);
    batch.put_slice(&record);
}

fn put_bytes(record: &mut BytesMut, bytes: Option<&Bytes>) {
    match bytes {
        None => put_varint(record, -1),
        Some(bytes) => {
            put_varint(record, bytes.len() as i64);
            record.put_slice(bytes);
        }
    }
}

fn put_varint(buffer: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        buffer.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    buffer.put_u8(rest as u8);
}
