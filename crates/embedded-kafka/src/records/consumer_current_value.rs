//! The current assignment of a member of a consumer group, the value of
//! [`ConsumerGroupKey::Current`].
//!
//! [`ConsumerGroupKey::Current`]: super::ConsumerGroupKey::Current

use bytes::Bytes;

use super::primitives::{UnreadableRecord, Writer};
use super::version_0::{Partitions, read_partitions, read_version_0, write_partitions};

/// The state of a member on its way to its target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Reconciliation {
    /// Stable: it has the assignment of its epoch.
    #[default]
    Stable,
    /// Unrevoked partitions: it still has to revoke some.
    Revoking,
    /// Unreleased partitions: it waits for partitions that other members still have to revoke.
    Waiting,
}

/// The current assignment of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CurrentAssignmentValue {
    pub(crate) epoch: i32,
    pub(crate) previous_epoch: i32,
    pub(crate) state: Reconciliation,
    pub(crate) assigned: Partitions,
    /// The partitions that the member must revoke and may still read.
    pub(crate) revoking: Partitions,
}

impl CurrentAssignmentValue {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(0);
        writer.int32(self.epoch);
        writer.int32(self.previous_epoch);
        writer.int8(match self.state {
            Reconciliation::Stable => 1,
            Reconciliation::Revoking => 2,
            Reconciliation::Waiting => 3,
        });
        write_partitions(&mut writer, &self.assigned);
        write_partitions(&mut writer, &self.revoking);
        writer.unsigned_varint(0);
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = read_version_0(bytes)?;
        let value = Self {
            epoch: reader.int32()?,
            previous_epoch: reader.int32()?,
            state: match reader.int8()? {
                1 => Reconciliation::Stable,
                2 => Reconciliation::Revoking,
                3 => Reconciliation::Waiting,
                _ => return Err(UnreadableRecord),
            },
            assigned: read_partitions(&mut reader)?,
            revoking: read_partitions(&mut reader)?,
        };
        reader.tagged_fields(|_, _| Ok(()))?;
        Ok(value)
    }
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
        let bytes = from_hex(
            "0000000000070000000601020102030405060708090a0b0c0d0e0f1003000000000000000200\
             020102030405060708090a0b0c0d0e0f1002000000010000",
        );
        let current = CurrentAssignmentValue {
            epoch: 7,
            previous_epoch: 6,
            state: Reconciliation::Stable,
            assigned: partitions(&[0, 2]),
            revoking: partitions(&[1]),
        };
        assert_eq!(current.encode(), bytes);
        assert_eq!(CurrentAssignmentValue::decode(&bytes), Ok(current));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let value = [&[0, 0], bytes.as_slice()].concat();
            let _ = CurrentAssignmentValue::decode(&value);
        }
    }
}
