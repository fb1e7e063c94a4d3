//! Batches that the broker itself writes: the records of its coordinators.

use bytes::Bytes;

use crate::time::Timestamp;

use super::batch::BatchHeader;
use super::records::write_varlong;
use super::validate::ValidBatch;

/// An uncompressed batch that grows record by record.
#[derive(Debug)]
pub(crate) struct BatchBuilder {
    timestamp: Timestamp,
    kind: Kind,
    payload: Vec<u8>,
    record_count: i32,
}

/// The producer of the records.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Plain,
    Transactional { producer_id: i64, producer_epoch: i16 },
    Control { producer_id: i64, producer_epoch: i16 },
}

impl BatchBuilder {
    /// Returns an empty batch, whose records all carry `timestamp`.
    pub(crate) fn new(timestamp: Timestamp) -> Self {
        Self { timestamp, kind: Kind::Plain, payload: Vec::new(), record_count: 0 }
    }

    /// Returns an empty batch of a producer's transaction: offsets that it commits.
    pub(crate) fn transactional(
        timestamp: Timestamp,
        producer_id: i64,
        producer_epoch: i16,
    ) -> Self {
        Self { kind: Kind::Transactional { producer_id, producer_epoch }, ..Self::new(timestamp) }
    }

    /// Returns an empty batch for a marker, which ends a producer's transaction.
    pub(super) fn control(timestamp: Timestamp, producer_id: i64, producer_epoch: i16) -> Self {
        Self { kind: Kind::Control { producer_id, producer_epoch }, ..Self::new(timestamp) }
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

    /// Returns the batch, or `None` when no record was added or 2 GiB are exceeded.
    pub(crate) fn build(self) -> Option<ValidBatch> {
        if self.record_count == 0 {
            return None;
        }
        let mut header = BatchHeader::new(self.record_count, self.timestamp, self.timestamp);
        header.set_payload(super::compression::Compression::None, self.payload.len()).ok()?;
        match self.kind {
            Kind::Plain => {}
            Kind::Transactional { producer_id, producer_epoch } => {
                header.set_transactional(producer_id, producer_epoch);
                // The records of a coordinator have no sequence numbers: in Kafka each of its
                // batches begins at 0.
                header.base_sequence = 0;
            }
            Kind::Control { producer_id, producer_epoch } => {
                header.set_transactional(producer_id, producer_epoch);
                header.set_control();
            }
        }
        header.seal(&self.payload);
        Some(ValidBatch::of_broker(header, Bytes::from(self.payload)))
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
    fn a_transactional_batch_names_its_producer() {
        let mut builder = BatchBuilder::transactional(1_700, 7, 2);
        builder.push(Some(b"group"), Some(b"offset"));
        let batch = builder.build().unwrap();
        let header = batch.header();
        assert!(header.is_transactional() && !header.is_control());
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (7, 2, 0));
        let bytes = super::super::test_batches::to_bytes(&batch);
        assert!(super::super::batch::has_valid_crc(header, &bytes));
    }

    #[test]
    fn an_empty_batch_is_none() {
        assert!(BatchBuilder::new(0).build().is_none());
    }
}
