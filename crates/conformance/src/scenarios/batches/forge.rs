//! Builds batches in which any part can be wrong, with a correct checksum.
//!
//! All timestamps are fixed, so that a batch has the same bytes in every run.

use bytes::{BufMut, Bytes, BytesMut};
use wire_client::batch::with_right_crc;

use super::codec::Codec;

/// The timestamp of the first record, in November 2023.
pub(super) const BASE: i64 = 1_700_000_000_000;

/// Bytes with the length before them, which can be wrong.
pub(super) type Field = (i64, Vec<u8>);

/// Makes a field with its correct length.
pub(super) fn field(bytes: &[u8]) -> Field {
    (bytes.len() as i64, bytes.to_vec())
}

/// Makes a field that is null.
pub(super) fn null() -> Field {
    (-1, Vec::new())
}

/// A record, part by part.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// Replaces the size before the record.
    pub(super) size: Option<i64>,
    pub(super) attributes: u8,
    /// The timestamp delta, encoded.
    pub(super) timestamp: Vec<u8>,
    /// The offset delta, encoded.
    pub(super) offset: Vec<u8>,
    pub(super) key: Field,
    pub(super) value: Field,
    /// Replaces the number before the headers.
    pub(super) header_count: Option<i64>,
    pub(super) headers: Vec<(Field, Field)>,
    /// Bytes after the last header.
    pub(super) behind: Vec<u8>,
}

impl Record {
    fn new(timestamp: i64, offset: i64, key: &str, value: &str) -> Self {
        Self {
            size: None,
            attributes: 0,
            timestamp: varint(timestamp),
            offset: varint(offset),
            key: field(key.as_bytes()),
            value: field(value.as_bytes()),
            header_count: None,
            headers: Vec::new(),
            behind: Vec::new(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = vec![self.attributes];
        body.extend(&self.timestamp);
        body.extend(&self.offset);
        put(&mut body, &self.key);
        put(&mut body, &self.value);
        body.extend(varint(self.header_count.unwrap_or(self.headers.len() as i64)));
        for (key, value) in &self.headers {
            put(&mut body, key);
            put(&mut body, value);
        }
        body.extend(&self.behind);
        let mut record = varint(self.size.unwrap_or(body.len() as i64));
        record.extend(body);
        record
    }

    /// Returns the correct size of the record.
    pub(super) fn own_size(&self) -> i64 {
        let whole = Self { size: Some(0), ..self.clone() };
        whole.encode().len() as i64 - 1
    }
}

/// A batch, part by part. The second of its three records is the latest.
#[derive(Debug, Clone)]
pub(super) struct Forged {
    pub(super) records: Vec<Record>,
    /// Bytes after the last record, inside the compressed part.
    pub(super) tail: Vec<u8>,
    /// The number of bytes that are cut off from the records before compression.
    pub(super) cut: usize,
    pub(super) base_offset: i64,
    /// The difference of the length field from the correct length.
    pub(super) extra_length: i32,
    /// Replaces the length field.
    pub(super) length: Option<i32>,
    pub(super) leader_epoch: i32,
    pub(super) magic: i8,
    /// The difference of the checksum from the correct one.
    pub(super) wrong_crc: u32,
    /// The attributes, without the codec.
    pub(super) attributes: i16,
    pub(super) last_offset_delta: i32,
    pub(super) base_timestamp: i64,
    pub(super) max_timestamp: i64,
    pub(super) producer: (i64, i16, i32),
    pub(super) count: i32,
    /// The number of copies of the batch in the request.
    pub(super) times: usize,
    /// Bytes after the batch.
    pub(super) behind: Vec<u8>,
}

impl Forged {
    /// Makes a correct batch.
    pub(super) fn good() -> Self {
        let mut middle = Record::new(20, 1, "EWR", "Newark");
        middle.headers = vec![(field(b"h"), field(b"1")), (field(b"h"), null())];
        let records =
            vec![Record::new(0, 0, "JFK", "New York"), middle, Record::new(10, 2, "LGA", "Queens")];
        Self {
            records,
            tail: Vec::new(),
            cut: 0,
            base_offset: 0,
            extra_length: 0,
            length: None,
            leader_epoch: -1,
            magic: 2,
            wrong_crc: 0,
            attributes: 0,
            last_offset_delta: 2,
            base_timestamp: BASE,
            max_timestamp: BASE + 20,
            producer: (-1, -1, -1),
            count: 3,
            times: 1,
            behind: Vec::new(),
        }
    }

    /// Returns the uncompressed records.
    pub(super) fn payload(&self) -> Vec<u8> {
        let mut payload: Vec<u8> = self.records.iter().flat_map(Record::encode).collect();
        payload.extend(&self.tail);
        payload.truncate(payload.len().saturating_sub(self.cut));
        payload
    }

    /// Returns the bytes of a request, compressed with `codec`.
    pub(super) fn encode(&self, codec: Codec) -> Bytes {
        self.around(codec.id(), &codec.compress(&self.payload()))
    }

    /// Returns the bytes of a request with `payload` in place of the records, and `codec` in the
    /// attributes.
    pub(super) fn around(&self, codec: i16, payload: &[u8]) -> Bytes {
        let mut batch = BytesMut::new();
        batch.put_i64(self.base_offset);
        let length = payload.len() as i32 + 49 + self.extra_length;
        batch.put_i32(self.length.unwrap_or(length));
        batch.put_i32(self.leader_epoch);
        batch.put_i8(self.magic);
        batch.put_u32(0);
        batch.put_i16(self.attributes | codec);
        batch.put_i32(self.last_offset_delta);
        batch.put_i64(self.base_timestamp);
        batch.put_i64(self.max_timestamp);
        batch.put_i64(self.producer.0);
        batch.put_i16(self.producer.1);
        batch.put_i32(self.producer.2);
        batch.put_i32(self.count);
        batch.put_slice(payload);
        let mut batch = BytesMut::from(&with_right_crc(batch)[..]);
        batch[17] ^= self.wrong_crc as u8;
        [&batch.repeat(self.times)[..], &self.behind].concat().into()
    }
}

fn put(to: &mut Vec<u8>, (length, bytes): &Field) {
    to.extend(varint(*length));
    to.extend(bytes);
}

/// Encodes a number as records do.
pub(super) fn varint(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}
