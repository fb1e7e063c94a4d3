//! Batches that the broker itself writes: what coordinators remember.

use bytes::Bytes;

use crate::time::Timestamp;

use super::batch::BatchHeader;
use super::records::write_varlong;
use super::validate::ValidBatch;

/// An uncompressed batch that grows record by record.
#[derive(Debug)]
pub(crate) struct BatchBuilder {
    timestamp: Timestamp,
    payload: Vec<u8>,
    record_count: i32,
}

impl BatchBuilder {
    /// An empty batch, whose records all carry `timestamp`.
    pub(crate) fn new(timestamp: Timestamp) -> Self {
        Self { timestamp, payload: Vec::new(), record_count: 0 }
    }

    /// Adds a record. A value of `None` is a tombstone, which deletes the key on compaction.
    pub(crate) fn push(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) {
        let mut record =
            Vec::with_capacity(16 + key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len));
        record.push(0);
        write_varlong(&mut record, 0);
        write_varlong(&mut record, i64::from(self.record_count));
        write_bytes(&mut record, key);
        write_bytes(&mut record, value);
        write_varlong(&mut record, 0);
        write_varlong(&mut self.payload, record.len() as i64);
        self.payload.extend_from_slice(&record);
        self.record_count += 1;
    }

    /// The batch, or `None` when no record was added or 2 GiB are exceeded.
    pub(crate) fn build(self) -> Option<ValidBatch> {
        if self.record_count == 0 {
            return None;
        }
        let mut header = BatchHeader::new(self.record_count, self.timestamp, self.timestamp);
        header.set_payload(super::compression::Compression::None, self.payload.len()).ok()?;
        header.seal(&self.payload);
        Some(ValidBatch::new(header, Bytes::from(self.payload)))
    }
}

fn write_bytes(to: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            write_varlong(to, bytes.len() as i64);
            to.extend_from_slice(bytes);
        }
        None => write_varlong(to, -1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::Records;
    use super::*;

    #[test]
    fn built_records_are_read_back() {
        let mut builder = BatchBuilder::new(1_700);
        builder.push(Some(b"group"), Some(b"offset"));
        builder.push(Some(b"group"), None);
        let batch = builder.build().unwrap();
        let records: Vec<_> = Records::new(batch.header(), batch.payload())
            .unwrap()
            .map(Result::unwrap)
            .map(|record| (record.offset_delta, record.key, record.value))
            .collect();
        assert_eq!(
            records,
            [(0, Some(&b"group"[..]), Some(&b"offset"[..])), (1, Some(&b"group"[..]), None)]
        );
        assert_eq!(batch.header().max_timestamp, 1_700);
    }

    #[test]
    fn an_empty_batch_is_none() {
        assert!(BatchBuilder::new(0).build().is_none());
    }
}
