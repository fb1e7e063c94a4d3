//! The value of a record in `__transaction_state`: the state of a transaction.
//!
//! Kafka 4.3 writes version 1, the first flexible one. Three of its tagged fields (the next
//! producer id, its epoch, the client's transaction version) belong to KIP-890's second version of
//! transactions: this cluster never writes them, and skips them when it reads.

use bytes::Bytes;

use super::primitives::{Reader, UnreadableRecord, Writer};
use crate::time::Timestamp;

/// The tag of the producer id that was in use before the present one.
const PREVIOUS_PRODUCER_ID: u32 = 0;

/// Stands for "no producer id".
const NONE: i64 = -1;

/// Topics, each with partitions.
type Topics = Vec<(String, Vec<i32>)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionLogValue {
    pub(crate) producer_id: i64,
    /// The producer id in use before the last change, −1 if there was none.
    pub(crate) previous_producer_id: i64,
    pub(crate) producer_epoch: i16,
    /// The time for which the transaction may stay open, in ms.
    pub(crate) timeout_ms: i32,
    /// The number of the state.
    pub(crate) status: i8,
    /// Topics and their partitions; `None` if the state is Empty.
    pub(crate) partitions: Option<Topics>,
    pub(crate) last_update_timestamp: Timestamp,
    /// The time at which the first partition was added, −1 if none was.
    pub(crate) start_timestamp: Timestamp,
}

impl TransactionLogValue {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(1);
        writer.int64(self.producer_id);
        writer.int16(self.producer_epoch);
        writer.int32(self.timeout_ms);
        writer.int8(self.status);
        match &self.partitions {
            None => writer.unsigned_varint(0),
            Some(topics) => {
                writer.compact_array_length(topics.len());
                for (topic, partitions) in topics {
                    writer.compact_string(topic);
                    writer.compact_array_length(partitions.len());
                    partitions.iter().for_each(|partition| writer.int32(*partition));
                    writer.unsigned_varint(0);
                }
            }
        }
        writer.int64(self.last_update_timestamp);
        writer.int64(self.start_timestamp);
        if self.previous_producer_id == NONE {
            writer.unsigned_varint(0);
        } else {
            writer.unsigned_varint(1);
            writer.unsigned_varint(PREVIOUS_PRODUCER_ID);
            writer.unsigned_varint(8);
            writer.int64(self.previous_producer_id);
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = Reader::new(bytes);
        let version = reader.int16()?;
        if !(0..=1).contains(&version) {
            return Err(UnreadableRecord);
        }
        let flexible = version >= 1;
        let mut value = Self {
            producer_id: reader.int64()?,
            previous_producer_id: NONE,
            producer_epoch: reader.int16()?,
            timeout_ms: reader.int32()?,
            status: reader.int8()?,
            partitions: decode_partitions(&mut reader, flexible)?,
            last_update_timestamp: reader.int64()?,
            start_timestamp: reader.int64()?,
        };
        if flexible {
            reader.tagged_fields(|tag, mut content| {
                if tag == PREVIOUS_PRODUCER_ID {
                    value.previous_producer_id = content.int64()?;
                }
                Ok(())
            })?;
        }
        Ok(value)
    }
}

fn decode_partitions(
    reader: &mut Reader<'_>,
    flexible: bool,
) -> Result<Option<Topics>, UnreadableRecord> {
    let Some(count) = reader.nullable_array_length(flexible)? else {
        return Ok(None);
    };
    let mut topics = Vec::new();
    for _ in 0..count {
        let topic = reader.string(flexible)?;
        let count = reader.array_length(flexible)?;
        let partitions = (0..count).map(|_| reader.int32()).collect::<Result<_, _>>()?;
        if flexible {
            reader.tagged_fields(|_, _| Ok(()))?;
        }
        topics.push((topic, partitions));
    }
    Ok(Some(topics))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    /// The same values as Apache Kafka 4.3 writes them in versions 0 and 1.
    const ONGOING: [&str; 2] = [
        "0000000000000000126700030000ea6001000000020006636f756e7473000000020000000000000002\
         00125f5f636f6e73756d65725f6f66667365747300000001000000110000019aa5db3d000000019aa5d9b660",
        "0001000000000000126700030000ea60010307636f756e74730300000000000000020013\
         5f5f636f6e73756d65725f6f6666736574730200000011000000019aa5db3d000000019aa5d9b66000",
    ];
    const EMPTY: [&str; 2] = [
        "0000000000000000126700000000ea6000ffffffff0000019aa5db3d00ffffffffffffffff",
        "0001000000000000126700000000ea6000000000019aa5db3d00ffffffffffffffff00",
    ];
    const COMPLETE: [&str; 2] = [
        "0000000000000000126700030000ea6004000000000000019aa5db3d000000019aa5d9b660",
        "0001000000000000126700030000ea6004010000019aa5db3d000000019aa5d9b66000",
    ];
    /// With the four tagged fields, three of which are KIP-890's.
    const TAGGED: &str = "0001000000000000126800000000ea6000000000019aa5db3d00ffffffffffffffff03\
         000800000000000012670108000000000000126902020002";

    fn ongoing() -> TransactionLogValue {
        TransactionLogValue {
            producer_id: 4711,
            previous_producer_id: -1,
            producer_epoch: 3,
            timeout_ms: 60_000,
            status: 1,
            partitions: Some(vec![
                ("counts".into(), vec![0, 2]),
                ("__consumer_offsets".into(), vec![17]),
            ]),
            last_update_timestamp: 1_763_719_200_000,
            start_timestamp: 1_763_719_100_000,
        }
    }

    fn empty() -> TransactionLogValue {
        let (status, partitions, start_timestamp) = (0, None, -1);
        TransactionLogValue { producer_epoch: 0, status, partitions, start_timestamp, ..ongoing() }
    }

    fn complete() -> TransactionLogValue {
        TransactionLogValue { status: 4, partitions: Some(Vec::new()), ..ongoing() }
    }

    fn hex(text: &str) -> Vec<u8> {
        from_hex(&text.replace(char::is_whitespace, ""))
    }

    #[test]
    fn kafka_writes_the_same_bytes() {
        assert_eq!(ongoing().encode(), hex(ONGOING[1]));
        assert_eq!(empty().encode(), hex(EMPTY[1]));
        assert_eq!(complete().encode(), hex(COMPLETE[1]));
    }

    #[test]
    fn every_version_is_read() {
        for (written, value) in [(ONGOING, ongoing()), (EMPTY, empty()), (COMPLETE, complete())] {
            for bytes in written {
                assert_eq!(TransactionLogValue::decode(&hex(bytes)), Ok(value.clone()));
            }
        }
    }

    #[test]
    fn the_previous_producer_id_is_read_and_fields_of_another_version_are_skipped() {
        let value =
            TransactionLogValue { producer_id: 4712, previous_producer_id: 4711, ..empty() };
        assert_eq!(TransactionLogValue::decode(&hex(TAGGED)), Ok(value.clone()));
        assert_eq!(TransactionLogValue::decode(&value.encode()), Ok(value));
    }

    proptest! {
        #[test]
        fn a_value_comes_back(
            producer_id: i64, previous_producer_id: i64, producer_epoch: i16, timeout_ms: i32,
            status: i8, last_update_timestamp: i64, start_timestamp: i64,
            partitions in proptest::option::of(proptest::collection::vec(
                (".{0,40}", proptest::collection::vec(any::<i32>(), 0..5)), 0..5)),
        ) {
            let value = TransactionLogValue {
                producer_id, previous_producer_id, producer_epoch, timeout_ms, status, partitions,
                last_update_timestamp, start_timestamp,
            };
            prop_assert_eq!(TransactionLogValue::decode(&value.encode()), Ok(value));
        }

        #[test]
        fn any_bytes_are_read_or_rejected(version in 0u8..3, bytes: Vec<u8>) {
            let _ = TransactionLogValue::decode(&[&[0, version], bytes.as_slice()].concat());
        }

        #[test]
        fn a_cut_value_is_rejected(version in 0usize..2, cut in 1usize..60) {
            let bytes = hex(ONGOING[version]);
            let kept = &bytes[..bytes.len() - cut];
            prop_assert_eq!(TransactionLogValue::decode(kept), Err(UnreadableRecord));
        }
    }
}
