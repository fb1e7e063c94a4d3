//! Record batches as a program looks at them: decompressed and decoded, with what their header says
//! about the producer.

use bytes::Bytes;

use crate::log::{BatchHeader, EndTransactionMarker, HEADER_SIZE, MAX_DECOMPRESSED_BYTES, Records};

/// The bytes are not record batches that can be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the records cannot be decoded: {0}")]
pub struct UnreadableBatch(String);

/// The end of a transaction, as its marker in a partition records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// The records of the transaction are committed.
    Commit,
    /// Consumers of committed records skip the records of the transaction.
    Abort,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The offset; in a request, the position in its batch.
    pub offset: i64,
    /// The timestamp in ms since 1970.
    pub timestamp: i64,
    /// The key, `None` if it is null.
    pub key: Option<Bytes>,
    /// The value, `None` for a tombstone.
    pub value: Option<Bytes>,
    /// The headers in their order. Bytes of a name that are not UTF-8 are replaced.
    pub headers: Vec<(String, Option<Bytes>)>,
}

/// A batch of records of one producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordBatch {
    /// The offset of the first record; 0 in a request.
    pub base_offset: i64,
    /// The offset of the last record, which compaction may have removed.
    pub last_offset: i64,
    /// The leader epoch in which the batch was appended.
    pub leader_epoch: i32,
    /// The id of an idempotent producer, -1 for others.
    pub producer_id: i64,
    /// The epoch of an idempotent producer, -1 for others.
    pub producer_epoch: i16,
    /// The sequence number of the first record, -1 without an idempotent producer.
    pub base_sequence: i32,
    /// Tells whether the records belong to a transaction.
    pub is_transactional: bool,
    /// Tells whether only brokers and clients' libraries read the batch, such as the end of a
    /// transaction. It has no records then.
    pub is_control: bool,
    /// The marker, if the batch ends a transaction.
    pub marker: Option<Marker>,
    /// The number of records that its header claims.
    pub record_count: i32,
    /// The records, unless only the headers were decoded.
    pub records: Vec<Record>,
}

impl RecordBatch {
    /// Decodes all batches in `bytes`: the records of a partition in a Produce request or in a
    /// Fetch response. Of a batch that is cut off at the end, nothing is returned.
    ///
    /// # Errors
    /// [`UnreadableBatch`] if the bytes are damaged, or need more than 128 MiB of memory.
    pub fn decode_all(bytes: &Bytes) -> Result<Vec<Self>, UnreadableBatch> {
        Self::each(bytes, Self::decode)
    }

    /// Decodes the headers of all batches in `bytes`, as [`decode_all`](Self::decode_all) does,
    /// without decompressing their records.
    ///
    /// # Errors
    /// [`UnreadableBatch`] if the bytes are damaged.
    pub fn decode_headers(bytes: &Bytes) -> Result<Vec<Self>, UnreadableBatch> {
        Self::each(bytes, |header, payload| match header.is_control() {
            true => Self::decode(header, payload),
            false => Ok(Self::without_records(header)),
        })
    }

    fn each(
        bytes: &Bytes,
        decode: impl Fn(&BatchHeader, &Bytes) -> Result<Self, UnreadableBatch>,
    ) -> Result<Vec<Self>, UnreadableBatch> {
        let mut batches = Vec::new();
        let mut rest = bytes.clone();
        while rest.len() >= HEADER_SIZE {
            let header = BatchHeader::parse(&rest).map_err(unreadable)?;
            if header.size() > rest.len() {
                break;
            }
            let batch = rest.split_to(header.size());
            batches.push(decode(&header, &batch.slice(HEADER_SIZE..))?);
        }
        Ok(batches)
    }

    /// Returns the sequence number of a record of this batch, `None` without an idempotent
    /// producer. Sequence numbers wrap to 0 after `i32::MAX`.
    pub fn sequence_of(&self, record: &Record) -> Option<i32> {
        if self.base_sequence < 0 {
            return None;
        }
        let sequence = i64::from(self.base_sequence) + (record.offset - self.base_offset);
        i32::try_from(sequence.rem_euclid(1 << 31)).ok()
    }

    fn decode(header: &BatchHeader, payload: &Bytes) -> Result<Self, UnreadableBatch> {
        let codec = header.compression().ok_or_else(|| unreadable("unknown compression"))?;
        let payload = codec.decompress(payload, MAX_DECOMPRESSED_BYTES).map_err(unreadable)?;
        let marker = EndTransactionMarker::read(header, &payload)
            .map(|marker| if marker.commit { Marker::Commit } else { Marker::Abort });
        let mut records = Vec::new();
        if !header.is_control() {
            for view in Records::new(header, &payload).map_err(unreadable)? {
                let view = view.map_err(unreadable)?;
                let owned = |bytes: Option<&[u8]>| bytes.map(|bytes| payload.slice_ref(bytes));
                let headers = view.headers().map(|(name, value)| {
                    (String::from_utf8_lossy(name).into_owned(), owned(value))
                });
                records.push(Record {
                    offset: header.base_offset.saturating_add(i64::from(view.offset_delta)),
                    timestamp: header.record_timestamp(view.timestamp_delta),
                    key: owned(view.key),
                    value: owned(view.value),
                    headers: headers.collect(),
                });
            }
        }
        Ok(Self { marker, records, ..Self::without_records(header) })
    }

    fn without_records(header: &BatchHeader) -> Self {
        Self {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            leader_epoch: header.leader_epoch,
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
            is_transactional: header.is_transactional(),
            is_control: header.is_control(),
            marker: None,
            record_count: header.record_count,
            records: Vec::new(),
        }
    }
}

fn unreadable(reason: impl ToString) -> UnreadableBatch {
    UnreadableBatch(reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Compression;
    use crate::log::test_batches::{batch, batch_with, to_bytes};

    const CODECS: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    #[test]
    fn batches_of_every_codec_are_decoded() {
        let records = [(1_000, Some("FRA"), "50.03"), (1_007, None, "8.57")];
        let batches = CODECS.map(|codec| to_bytes(&batch(&records, codec)));
        let decoded = RecordBatch::decode_all(&batches.concat().into()).unwrap();
        assert_eq!(decoded.len(), CODECS.len());
        let headers = || vec![("h".to_owned(), None)];
        let (key, value) = (Some("FRA".into()), Some("50.03".into()));
        let first = Record { offset: 0, timestamp: 1_000, key, value, headers: headers() };
        let value = Some("8.57".into());
        let second = Record { offset: 1, timestamp: 1_007, key: None, value, headers: headers() };
        let headers = RecordBatch::decode_headers(&batches.concat().into()).unwrap();
        for (batch, header) in decoded.into_iter().zip(headers) {
            assert_eq!((header.record_count, header.last_offset), (2, batch.last_offset));
            assert_eq!(header, RecordBatch { records: Vec::new(), ..batch.clone() });
            assert_eq!(batch.records, [first.clone(), second.clone()]);
            assert_eq!((batch.producer_id, batch.marker), (-1, None));
            assert_eq!(batch.sequence_of(&second), None);
        }
    }

    #[test]
    fn sequence_numbers_wrap_and_a_batch_that_is_cut_off_is_left_out() {
        let records = [(0, None, "a"), (0, None, "b")];
        let whole = to_bytes(&batch_with(&records, Compression::None, |header| {
            (header.producer_id, header.producer_epoch) = (7, 2);
            header.base_sequence = i32::MAX;
        }));
        let both = [&whole[..], &whole[..whole.len() - 1]].concat();
        let decoded = RecordBatch::decode_all(&both.into()).unwrap();
        let [batch] = &decoded[..] else { panic!("{decoded:?}") };
        let sequences: Vec<_> = batch.records.iter().map(|it| batch.sequence_of(it)).collect();
        assert_eq!(sequences, [Some(i32::MAX), Some(0)]);
        assert_eq!((batch.producer_id, batch.producer_epoch), (7, 2));
    }

    #[test]
    fn damage_is_an_error() {
        let mut bytes = to_bytes(&batch(&[(0, None, "value")], Compression::Gzip)).to_vec();
        bytes[HEADER_SIZE] ^= 0xff;
        assert!(RecordBatch::decode_all(&bytes.into()).is_err());
        assert!(RecordBatch::decode_all(&Bytes::from_static(&[0; HEADER_SIZE])).is_err());
    }
}
