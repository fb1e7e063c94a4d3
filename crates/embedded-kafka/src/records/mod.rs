//! The records that coordinators keep, byte for byte as Apache Kafka writes them.
//!
//! A key and a value each begin with two bytes. Those of a key are the kind of the record (0 and 1:
//! a committed offset, 2: a group, 3 to 16: a group of KIP-848); those of a value are its version.
//! Older versions are read, too, and the ones that Kafka 4.3 writes are written, so that Kafka's
//! formatters (`kafka-dump-log --offsets-decoder`) print the log of `__consumer_offsets`.
//!
//! Each has a file; `primitives` holds what they share, and `version_0` the common part of the
//! values of a consumer group. The keys of `__transaction_state` have numbers of their own,
//! independent of those of `__consumer_offsets`.

mod consumer_current_value;
mod consumer_group_key;
mod consumer_group_value;
mod consumer_member_value;
mod consumer_regex_value;
mod consumer_target_value;
mod group_metadata_key;
mod group_metadata_value;
mod offset_commit_key;
mod offset_commit_value;
mod primitives;
mod transaction_log_key;
mod transaction_log_value;
mod version_0;

pub(crate) use consumer_current_value::{CurrentAssignmentValue, Reconciliation};
pub(crate) use consumer_group_key::ConsumerGroupKey;
pub(crate) use consumer_group_value::ConsumerGroupValue;
pub(crate) use consumer_member_value::{ClassicMember, ConsumerMemberValue};
pub(crate) use consumer_regex_value::{decode_regex, encode_regex};
pub(crate) use consumer_target_value::{
    decode_target, decode_target_epoch, encode_target, encode_target_epoch,
};
pub(crate) use group_metadata_key::GroupMetadataKey;
pub(crate) use group_metadata_value::{GroupMetadataValue, MemberMetadata};
pub(crate) use offset_commit_key::OffsetCommitKey;
pub(crate) use offset_commit_value::OffsetCommitValue;
pub(crate) use primitives::UnreadableRecord;
pub(crate) use transaction_log_key::TransactionLogKey;
pub(crate) use transaction_log_value::TransactionLogValue;
pub(crate) use version_0::Partitions;

/// The subject of a record in `__consumer_offsets`, by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OffsetsKey {
    /// A committed offset.
    Offset(OffsetCommitKey),
    /// A group's generation, members and their assignment.
    Group(GroupMetadataKey),
    /// A part of a group of KIP-848.
    ConsumerGroup(ConsumerGroupKey),
    /// A kind that this coordinator does not store, such as share groups.
    Unknown(i16),
}

impl OffsetsKey {
    /// Reads a key by its kind.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        match primitives::Reader::new(bytes).int16()? {
            0 | 1 => OffsetCommitKey::decode(bytes).map(Self::Offset),
            2 => GroupMetadataKey::decode(bytes).map(Self::Group),
            3 | 5..=8 | 16 => ConsumerGroupKey::decode(bytes).map(Self::ConsumerGroup),
            kind => Ok(Self::Unknown(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_by_its_kind() {
        let offset = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 };
        let group = GroupMetadataKey { group: "g".into() };
        assert_eq!(OffsetsKey::decode(&offset.encode()), Ok(OffsetsKey::Offset(offset)));
        assert_eq!(OffsetsKey::decode(&group.encode()), Ok(OffsetsKey::Group(group)));
    }

    #[test]
    fn an_unknown_kind_is_named_and_not_read() {
        assert_eq!(OffsetsKey::decode(&[0, 11, 99]), Ok(OffsetsKey::Unknown(11)));
        assert_eq!(OffsetsKey::decode(&[0]), Err(UnreadableRecord));
    }
}
