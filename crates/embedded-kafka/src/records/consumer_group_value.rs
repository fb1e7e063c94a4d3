//! The epoch of a consumer group, the value of [`ConsumerGroupKey::Group`].
//!
//! [`ConsumerGroupKey::Group`]: super::ConsumerGroupKey::Group

use bytes::Bytes;

use super::primitives::{UnreadableRecord, Writer};
use super::version_0::read_version_0;

/// The epoch of a group, and a hash of the topics that it was computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConsumerGroupValue {
    pub(crate) epoch: i32,
    pub(crate) metadata_hash: i64,
}

impl ConsumerGroupValue {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(0);
        writer.int32(self.epoch);
        if self.metadata_hash == 0 {
            writer.unsigned_varint(0);
        } else {
            for value in [1, 0, 8] {
                writer.unsigned_varint(value);
            }
            writer.int64(self.metadata_hash);
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = read_version_0(bytes)?;
        let epoch = reader.int32()?;
        let mut metadata_hash = 0;
        reader.tagged_fields(|tag, mut content| {
            if tag == 0 {
                metadata_hash = content.int64()?;
            }
            Ok(())
        })?;
        Ok(Self { epoch, metadata_hash })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    #[test]
    fn kafka_writes_the_same_bytes() {
        let rows = [(0, "00000000000700"), (99, "0000000000070100080000000000000063")];
        for (metadata_hash, bytes) in rows {
            let value = ConsumerGroupValue { epoch: 7, metadata_hash };
            assert_eq!(value.encode(), from_hex(bytes));
            assert_eq!(ConsumerGroupValue::decode(&from_hex(bytes)), Ok(value));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let value = [&[0, 0], bytes.as_slice()].concat();
            let _ = ConsumerGroupValue::decode(&value);
        }
    }
}
