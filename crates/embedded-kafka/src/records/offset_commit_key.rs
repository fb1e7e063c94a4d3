//! The key of a committed offset: its group, topic and partition.
//!
//! Kinds 0 and 1 differ in nothing but the number; Kafka has written 1 since 0.9.

use bytes::Bytes;

use super::primitives::{Reader, UnreadableRecord, Writer};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetCommitKey {
    pub(crate) group: String,
    pub(crate) topic: String,
    pub(crate) partition: i32,
}

impl OffsetCommitKey {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(1);
        writer.string(&self.group);
        writer.string(&self.topic);
        writer.int32(self.partition);
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = Reader::new(bytes);
        if !(0..=1).contains(&reader.int16()?) {
            return Err(UnreadableRecord);
        }
        Ok(Self {
            group: reader.string(false)?,
            topic: reader.string(false)?,
            partition: reader.int32()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    const WRITTEN_BY_KAFKA: &str =
        "0001000e656173742d636f6173742d6470740008616972706f72747300000002";

    #[test]
    fn kafka_writes_the_same_bytes() {
        let key = OffsetCommitKey {
            group: "east-coast-dpt".into(),
            topic: "airports".into(),
            partition: 2,
        };
        assert_eq!(key.encode(), from_hex(WRITTEN_BY_KAFKA));
        let legacy = format!("0000{}", &WRITTEN_BY_KAFKA[4..]);
        assert_eq!(OffsetCommitKey::decode(&from_hex(&legacy)), Ok(key));
    }

    proptest! {
        #[test]
        fn a_key_comes_back(group in ".{0,40}", topic in ".{0,40}", partition: i32) {
            let key = OffsetCommitKey { group, topic, partition };
            prop_assert_eq!(OffsetCommitKey::decode(&key.encode()), Ok(key));
        }

        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let _ = OffsetCommitKey::decode(&bytes);
        }

        #[test]
        fn a_cut_key_is_rejected(length in 0usize..32) {
            let bytes = &from_hex(WRITTEN_BY_KAFKA)[..length];
            prop_assert_eq!(OffsetCommitKey::decode(bytes), Err(UnreadableRecord));
        }
    }
}
