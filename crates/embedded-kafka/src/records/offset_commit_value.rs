//! The value of a committed offset.
//!
//! Kafka 4.3 writes version 4, the first flexible one. Only a client of OffsetCommit 2 to 4 that
//! asked for a retention time of its own gets version 1, the one version that holds an expiry.

use bytes::Bytes;
use uuid::Uuid;

use super::primitives::{Reader, UnreadableRecord, Writer};
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetCommitValue {
    /// The next offset to read.
    pub(crate) offset: i64,
    /// The leader epoch of the last record that was read, −1 if unknown (since version 3).
    pub(crate) leader_epoch: i32,
    /// The client's metadata for the offset.
    pub(crate) metadata: String,
    pub(crate) commit_timestamp: Timestamp,
    /// The time at which the offset expires, −1 if the group decides (version 1 alone).
    pub(crate) expire_timestamp: Timestamp,
    /// The topic's id, nil if the client did not name it (since version 4).
    pub(crate) topic_id: Uuid,
}

impl OffsetCommitValue {
    pub(crate) fn encode(&self) -> Bytes {
        if self.expire_timestamp == -1 { self.encode_flexible() } else { self.encode_expiring() }
    }

    fn encode_expiring(&self) -> Bytes {
        let mut writer = Writer::new(1);
        writer.int64(self.offset);
        writer.string(&self.metadata);
        writer.int64(self.commit_timestamp);
        writer.int64(self.expire_timestamp);
        writer.finish()
    }

    fn encode_flexible(&self) -> Bytes {
        let mut writer = Writer::new(4);
        writer.int64(self.offset);
        writer.int32(self.leader_epoch);
        writer.compact_string(&self.metadata);
        writer.int64(self.commit_timestamp);
        if self.topic_id.is_nil() {
            writer.unsigned_varint(0);
        } else {
            writer.unsigned_varint(1);
            writer.unsigned_varint(0);
            writer.unsigned_varint(16);
            writer.uuid(self.topic_id);
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = Reader::new(bytes);
        let version = reader.int16()?;
        if !(0..=4).contains(&version) {
            return Err(UnreadableRecord);
        }
        let offset = reader.int64()?;
        let leader_epoch = if version >= 3 { reader.int32()? } else { -1 };
        let metadata = reader.string(version >= 4)?;
        let commit_timestamp = reader.int64()?;
        let expire_timestamp = if version == 1 { reader.int64()? } else { -1 };
        let mut topic_id = Uuid::nil();
        if version >= 4 {
            reader.tagged_fields(|tag, mut content| {
                if tag == 0 {
                    topic_id = content.uuid()?;
                }
                Ok(())
            })?;
        }
        Ok(Self { offset, leader_epoch, metadata, commit_timestamp, expire_timestamp, topic_id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    /// The same commit as Apache Kafka 4.3 writes it in versions 0 to 4.
    const WRITTEN_BY_KAFKA: [&str; 5] = [
        "00000000000000001ecc00036ec3a90000019aa5db3d00",
        "00010000000000001ecc00036ec3a90000019aa5db3d000000019aa5dcc3a0",
        "00020000000000001ecc00036ec3a90000019aa5db3d00",
        "00030000000000001ecc0000000500036ec3a90000019aa5db3d00",
        "00040000000000001ecc00000005046ec3a90000019aa5db3d0000",
    ];
    const WRITTEN_WITH_A_TOPIC_ID: &str = "00040000000000001ecc00000005046ec3a90000019aa5db3d0001001001020304\
         05060708090a0b0c0d0e0f10";

    fn committed(leader_epoch: i32, expire_timestamp: i64) -> OffsetCommitValue {
        OffsetCommitValue {
            offset: 7884,
            leader_epoch,
            metadata: "né".into(),
            commit_timestamp: 1_763_719_200_000,
            expire_timestamp,
            topic_id: Uuid::nil(),
        }
    }

    #[test]
    fn kafka_writes_the_same_bytes() {
        assert_eq!(committed(5, -1).encode(), from_hex(WRITTEN_BY_KAFKA[4]));
        let expiring = committed(-1, 1_763_719_300_000);
        assert_eq!(expiring.encode(), from_hex(WRITTEN_BY_KAFKA[1]));
        let topic_id = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
        let with_id = OffsetCommitValue { topic_id, ..committed(5, -1) };
        assert_eq!(with_id.encode(), from_hex(WRITTEN_WITH_A_TOPIC_ID));
    }

    #[test]
    fn every_version_is_read() {
        let expected = [
            committed(-1, -1),
            committed(-1, 1_763_719_300_000),
            committed(-1, -1),
            committed(5, -1),
            committed(5, -1),
        ];
        for (bytes, expected) in WRITTEN_BY_KAFKA.iter().zip(expected) {
            assert_eq!(OffsetCommitValue::decode(&from_hex(bytes)), Ok(expected));
        }
    }

    proptest! {
        #[test]
        fn a_value_comes_back(
            offset: i64, leader_epoch: i32, metadata in ".{0,300}",
            commit_timestamp: i64, topic_id: u128,
        ) {
            let value = OffsetCommitValue {
                offset, leader_epoch, metadata, commit_timestamp, expire_timestamp: -1,
                topic_id: Uuid::from_u128(topic_id),
            };
            prop_assert_eq!(OffsetCommitValue::decode(&value.encode()), Ok(value));
        }

        #[test]
        fn any_bytes_are_read_or_rejected(version in 0u8..6, bytes: Vec<u8>) {
            let _ = OffsetCommitValue::decode(&[&[0, version], bytes.as_slice()].concat());
        }

        #[test]
        fn a_cut_value_is_rejected(version in 0usize..5, cut in 1usize..20) {
            let bytes = from_hex(WRITTEN_BY_KAFKA[version]);
            let kept = &bytes[..bytes.len() - cut];
            prop_assert_eq!(OffsetCommitValue::decode(kept), Err(UnreadableRecord));
        }
    }
}
