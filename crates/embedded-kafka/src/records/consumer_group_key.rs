//! The key of a record of a consumer group (KIP-848): several for each group, so that a change of
//! one member writes little.
//!
//! The group's epoch, each member's subscription, the target assignment and each member's current
//! assignment are records of their own, with a file for each value.

use bytes::Bytes;

use super::primitives::{Reader, UnreadableRecord, Writer};

/// The key of a record of such a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConsumerGroupKey {
    /// The group's epoch.
    Group { group: String },
    /// The subscription of a member.
    Member { group: String, member: String },
    /// The epoch of the target assignment.
    Target { group: String },
    /// The target assignment of a member.
    TargetMember { group: String, member: String },
    /// The current assignment of a member.
    Current { group: String, member: String },
    /// The topics that match a regular expression.
    Regex { group: String, regex: String },
}

impl ConsumerGroupKey {
    pub(crate) fn encode(&self) -> Bytes {
        let (kind, group, second) = match self {
            Self::Group { group } => (3, group, None),
            Self::Member { group, member } => (5, group, Some(member)),
            Self::Target { group } => (6, group, None),
            Self::TargetMember { group, member } => (7, group, Some(member)),
            Self::Current { group, member } => (8, group, Some(member)),
            Self::Regex { group, regex } => (16, group, Some(regex)),
        };
        let mut writer = Writer::new(kind);
        writer.string(group);
        if let Some(second) = second {
            writer.string(second);
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = Reader::new(bytes);
        let kind = reader.int16()?;
        let group = reader.string(false)?;
        Ok(match kind {
            3 => Self::Group { group },
            5 => Self::Member { group, member: reader.string(false)? },
            6 => Self::Target { group },
            7 => Self::TargetMember { group, member: reader.string(false)? },
            8 => Self::Current { group, member: reader.string(false)? },
            16 => Self::Regex { group, regex: reader.string(false)? },
            _ => return Err(UnreadableRecord),
        })
    }

    pub(crate) fn group(&self) -> &str {
        match self {
            Self::Group { group }
            | Self::Member { group, .. }
            | Self::Target { group }
            | Self::TargetMember { group, .. }
            | Self::Current { group, .. }
            | Self::Regex { group, .. } => group,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    #[test]
    fn kafka_writes_the_same_keys() {
        let (group, member) = (|| "east".to_owned(), || "m-1".to_owned());
        let rows = [
            (ConsumerGroupKey::Group { group: group() }, "0003000465617374"),
            (
                ConsumerGroupKey::Member { group: group(), member: member() },
                "000500046561737400036d2d31",
            ),
            (ConsumerGroupKey::Target { group: group() }, "0006000465617374"),
            (
                ConsumerGroupKey::TargetMember { group: group(), member: member() },
                "000700046561737400036d2d31",
            ),
            (
                ConsumerGroupKey::Current { group: group(), member: member() },
                "000800046561737400036d2d31",
            ),
            (
                ConsumerGroupKey::Regex { group: group(), regex: "a.*".into() },
                "00100004656173740003612e2a",
            ),
        ];
        for (key, bytes) in rows {
            assert_eq!(key.encode(), from_hex(bytes));
            assert_eq!(ConsumerGroupKey::decode(&from_hex(bytes)), Ok(key));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let _ = ConsumerGroupKey::decode(&bytes);
        }
    }
}
