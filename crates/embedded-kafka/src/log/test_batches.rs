//! Batches for the tests of the log, as a producer would send them.

use bytes::Bytes;

use crate::time::Timestamp;

use super::batch::BatchHeader;
use super::compression::Compression;
use super::records::write_varlong;
use super::validate::ValidBatch;

/// A record of a test: timestamp, key, value.
pub(crate) type TestRecord = (Timestamp, Option<&'static str>, &'static str);

/// Returns the records in the encoding that a batch holds.
pub(super) fn payload(records: &[TestRecord]) -> Vec<u8> {
    let base = records.first().map_or(0, |record| record.0);
    let mut payload = Vec::new();
    for (delta, (timestamp, key, value)) in (0..).zip(records) {
        let mut record = vec![0];
        write_varlong(&mut record, timestamp - base);
        write_varlong(&mut record, delta);
        match key {
            Some(key) => {
                write_varlong(&mut record, key.len() as i64);
                record.extend_from_slice(key.as_bytes());
            }
            None => write_varlong(&mut record, -1),
        }
        write_varlong(&mut record, value.len() as i64);
        record.extend_from_slice(value.as_bytes());
        // One header without a value.
        write_varlong(&mut record, 1);
        write_varlong(&mut record, 1);
        record.push(b'h');
        write_varlong(&mut record, -1);
        write_varlong(&mut payload, record.len() as i64);
        payload.extend_from_slice(&record);
    }
    payload
}

/// Returns a batch of these records, with a valid CRC.
pub(crate) fn batch(records: &[TestRecord], codec: Compression) -> ValidBatch {
    batch_with(records, codec, |_| {})
}

/// Returns a batch of these records whose header was changed before its CRC was computed.
pub(crate) fn batch_with(
    records: &[TestRecord],
    codec: Compression,
    change: impl FnOnce(&mut BatchHeader),
) -> ValidBatch {
    let base = records.first().map_or(0, |record| record.0);
    let max = records.iter().map(|record| record.0).max().unwrap_or(base);
    let mut header = BatchHeader::new(records.len() as i32, base, max);
    let payload = codec.compress(&payload(records)).unwrap();
    header.set_payload(codec, payload.len()).unwrap();
    change(&mut header);
    header.seal(&payload);
    ValidBatch::new(header, payload.into())
}

/// Returns the bytes of a batch.
pub(crate) fn to_bytes(batch: &ValidBatch) -> Bytes {
    let mut bytes = batch.header().to_bytes().to_vec();
    bytes.extend_from_slice(batch.payload());
    bytes.into()
}

/// Returns the headers of the batches in `bytes`, which are all whole.
pub(super) fn headers(mut bytes: &[u8]) -> Vec<BatchHeader> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let header = BatchHeader::parse(bytes).unwrap();
        assert!(super::batch::has_valid_crc(&header, &bytes[..header.size()]));
        bytes = &bytes[header.size()..];
        headers.push(header);
    }
    headers
}
