//! The target assignment of a consumer group: its epoch, the value of [`ConsumerGroupKey::Target`],
//! and each member's part of it, the value of [`ConsumerGroupKey::TargetMember`].
//!
//! [`ConsumerGroupKey::Target`]: super::ConsumerGroupKey::Target
//! [`ConsumerGroupKey::TargetMember`]: super::ConsumerGroupKey::TargetMember

use bytes::Bytes;

use super::primitives::{UnreadableRecord, Writer};
use super::version_0::{Partitions, read_partitions, read_version_0, write_partitions};

/// Encodes the epoch of the target assignment.
pub(crate) fn encode_target_epoch(epoch: i32) -> Bytes {
    let mut writer = Writer::new(0);
    writer.int32(epoch);
    writer.unsigned_varint(0);
    writer.finish()
}

pub(crate) fn decode_target_epoch(bytes: &[u8]) -> Result<i32, UnreadableRecord> {
    let mut reader = read_version_0(bytes)?;
    let epoch = reader.int32()?;
    reader.tagged_fields(|_, _| Ok(()))?;
    Ok(epoch)
}

/// Encodes the target assignment of a member.
pub(crate) fn encode_target(target: &Partitions) -> Bytes {
    let mut writer = Writer::new(0);
    write_partitions(&mut writer, target);
    writer.unsigned_varint(0);
    writer.finish()
}

pub(crate) fn decode_target(bytes: &[u8]) -> Result<Partitions, UnreadableRecord> {
    let mut reader = read_version_0(bytes)?;
    let target = read_partitions(&mut reader)?;
    reader.tagged_fields(|_, _| Ok(()))?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    const TOPIC: Uuid = Uuid::from_u128(0x0102030405060708090a0b0c0d0e0f10);

    fn partitions(partitions: &[i32]) -> Partitions {
        [(TOPIC, partitions.iter().copied().collect())].into()
    }

    #[test]
    fn kafka_writes_the_same_bytes() {
        assert_eq!(encode_target_epoch(7), from_hex("00000000000700"));
        let bytes = from_hex("0000020102030405060708090a0b0c0d0e0f100300000000000000020000");
        assert_eq!(encode_target(&partitions(&[0, 2])), bytes);
        assert_eq!(decode_target(&bytes), Ok(partitions(&[0, 2])));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let value = [&[0, 0], bytes.as_slice()].concat();
            let _ = decode_target_epoch(&value);
            let _ = decode_target(&value);
        }
    }
}
