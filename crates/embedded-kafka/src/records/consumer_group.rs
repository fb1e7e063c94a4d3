//! The records of a group of the new protocol (KIP-848): several for each group, so that a change
//! of one member writes little.
//!
//! The group's epoch, each member's subscription, the target assignment and what each member has
//! of it are records of their own. All are flexible, and version 0 of each is the only one. Tagged
//! fields that Kafka 4.3 may write beside them are skipped.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use uuid::Uuid;

use super::wire::{Malformed, Reader, Writer};
use crate::time::Timestamp;

/// Partitions of topics.
pub(crate) type Partitions = BTreeMap<Uuid, BTreeSet<i32>>;

/// The key of a record of such a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConsumerGroupKey {
    /// The group's epoch.
    Group { group: String },
    /// What a member subscribes to.
    Member { group: String, member: String },
    /// The epoch of the target assignment.
    Target { group: String },
    /// What a member is to have.
    TargetMember { group: String, member: String },
    /// What a member has.
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

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
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
            _ => return Err(Malformed),
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

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
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

/// What a member says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConsumerMemberValue {
    /// Set for static members (KIP-345).
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) topics: BTreeSet<String>,
    pub(crate) regex: Option<String>,
    /// Milliseconds that the member may take to give partitions up.
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) assignor: Option<String>,
    /// Set for members of the classic protocol.
    pub(crate) classic: Option<ClassicMember>,
}

/// What a member of the classic protocol says beside that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClassicMember {
    pub(crate) session_timeout_ms: i32,
    /// Names of assignors and what the member tells them, in the order of its preference.
    pub(crate) protocols: Vec<(String, Bytes)>,
}

impl ClassicMember {
    /// The content of the tagged field: a byte that says that it is there, and the structure.
    fn encode(&self) -> Bytes {
        let mut writer = Writer::untyped();
        writer.int8(1);
        writer.int32(self.session_timeout_ms);
        writer.compact_array_length(self.protocols.len());
        for (name, metadata) in &self.protocols {
            writer.compact_string(name);
            writer.compact_bytes(metadata);
            writer.unsigned_varint(0);
        }
        writer.unsigned_varint(0);
        writer.finish()
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        if reader.int8()? < 0 {
            return Ok(None);
        }
        let session_timeout_ms = reader.int32()?;
        let mut protocols = Vec::new();
        for _ in 0..reader.array_length(true)? {
            protocols.push((reader.string(true)?, reader.bytes(true)?));
            reader.tagged_fields(|_, _| Ok(()))?;
        }
        reader.tagged_fields(|_, _| Ok(()))?;
        Ok(Some(Self { session_timeout_ms, protocols }))
    }
}

impl ConsumerMemberValue {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(0);
        writer.compact_nullable_string(self.instance_id.as_deref());
        writer.compact_nullable_string(self.rack_id.as_deref());
        writer.compact_string(&self.client_id);
        writer.compact_string(&self.client_host);
        write_names(&mut writer, &self.topics);
        writer.compact_nullable_string(self.regex.as_deref());
        writer.int32(self.rebalance_timeout_ms);
        writer.compact_nullable_string(self.assignor.as_deref());
        match &self.classic {
            None => writer.unsigned_varint(0),
            Some(classic) => {
                let content = classic.encode();
                writer.unsigned_varint(1);
                writer.unsigned_varint(0);
                writer.unsigned_varint(u32::try_from(content.len()).unwrap_or(u32::MAX));
                writer.raw(&content);
            }
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = read_version_0(bytes)?;
        let mut value = Self {
            instance_id: reader.nullable_string(true)?,
            rack_id: reader.nullable_string(true)?,
            client_id: reader.string(true)?,
            client_host: reader.string(true)?,
            topics: read_names(&mut reader)?,
            regex: reader.nullable_string(true)?,
            rebalance_timeout_ms: reader.int32()?,
            assignor: reader.nullable_string(true)?,
            classic: None,
        };
        reader.tagged_fields(|tag, mut content| {
            if tag == 0 {
                value.classic = ClassicMember::decode(&mut content)?;
            }
            Ok(())
        })?;
        Ok(value)
    }
}

/// The value of [`ConsumerGroupKey::Target`].
pub(crate) fn encode_target_epoch(epoch: i32) -> Bytes {
    let mut writer = Writer::new(0);
    writer.int32(epoch);
    writer.unsigned_varint(0);
    writer.finish()
}

pub(crate) fn decode_target_epoch(bytes: &[u8]) -> Result<i32, Malformed> {
    let mut reader = read_version_0(bytes)?;
    let epoch = reader.int32()?;
    reader.tagged_fields(|_, _| Ok(()))?;
    Ok(epoch)
}

/// The value of [`ConsumerGroupKey::TargetMember`].
pub(crate) fn encode_target(target: &Partitions) -> Bytes {
    let mut writer = Writer::new(0);
    write_partitions(&mut writer, target);
    writer.unsigned_varint(0);
    writer.finish()
}

pub(crate) fn decode_target(bytes: &[u8]) -> Result<Partitions, Malformed> {
    let mut reader = read_version_0(bytes)?;
    let target = read_partitions(&mut reader)?;
    reader.tagged_fields(|_, _| Ok(()))?;
    Ok(target)
}

/// How far a member is on its way to its target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Reconciliation {
    /// It has what its epoch says.
    #[default]
    Stable,
    /// It has still to give partitions up.
    Revoking,
    /// It waits for partitions that others have still to give up.
    Waiting,
}

/// What a member has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CurrentAssignmentValue {
    pub(crate) epoch: i32,
    pub(crate) previous_epoch: i32,
    pub(crate) state: Reconciliation,
    pub(crate) assigned: Partitions,
    /// What the member was told to give up and may still read.
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

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = read_version_0(bytes)?;
        let value = Self {
            epoch: reader.int32()?,
            previous_epoch: reader.int32()?,
            state: match reader.int8()? {
                1 => Reconciliation::Stable,
                2 => Reconciliation::Revoking,
                3 => Reconciliation::Waiting,
                _ => return Err(Malformed),
            },
            assigned: read_partitions(&mut reader)?,
            revoking: read_partitions(&mut reader)?,
        };
        reader.tagged_fields(|_, _| Ok(()))?;
        Ok(value)
    }
}

/// The value of [`ConsumerGroupKey::Regex`]: the topics found, and when.
pub(crate) fn encode_regex(topics: &BTreeSet<String>, timestamp: Timestamp) -> Bytes {
    let mut writer = Writer::new(0);
    write_names(&mut writer, topics);
    // The version of the cluster's metadata, which is not counted here.
    writer.int64(0);
    writer.int64(timestamp);
    writer.unsigned_varint(0);
    writer.finish()
}

pub(crate) fn decode_regex(bytes: &[u8]) -> Result<BTreeSet<String>, Malformed> {
    let mut reader = read_version_0(bytes)?;
    let topics = read_names(&mut reader)?;
    let (_, _) = (reader.int64()?, reader.int64()?);
    reader.tagged_fields(|_, _| Ok(()))?;
    Ok(topics)
}

fn read_version_0(bytes: &[u8]) -> Result<Reader<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.int16()? == 0 { Ok(reader) } else { Err(Malformed) }
}

fn write_names(writer: &mut Writer, names: &BTreeSet<String>) {
    writer.compact_array_length(names.len());
    for name in names {
        writer.compact_string(name);
    }
}

fn read_names(reader: &mut Reader<'_>) -> Result<BTreeSet<String>, Malformed> {
    (0..reader.array_length(true)?).map(|_| reader.string(true)).collect()
}

fn write_partitions(writer: &mut Writer, topics: &Partitions) {
    writer.compact_array_length(topics.len());
    for (topic, partitions) in topics {
        writer.uuid(*topic);
        writer.compact_array_length(partitions.len());
        for partition in partitions {
            writer.int32(*partition);
        }
        writer.unsigned_varint(0);
    }
}

fn read_partitions(reader: &mut Reader<'_>) -> Result<Partitions, Malformed> {
    let mut topics = Partitions::new();
    for _ in 0..reader.array_length(true)? {
        let topic = reader.uuid()?;
        let count = reader.array_length(true)?;
        let partitions = (0..count).map(|_| reader.int32()).collect::<Result<_, _>>()?;
        reader.tagged_fields(|_, _| Ok(()))?;
        topics.insert(topic, partitions);
    }
    Ok(topics)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::testing::from_hex;
    use super::*;

    const TOPIC: Uuid = Uuid::from_u128(0x0102030405060708090a0b0c0d0e0f10);

    fn partitions(partitions: &[i32]) -> Partitions {
        [(TOPIC, partitions.iter().copied().collect())].into()
    }

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

    #[test]
    fn kafka_writes_the_same_values() {
        let rows = [(0, "00000000000700"), (99, "0000000000070100080000000000000063")];
        for (metadata_hash, bytes) in rows {
            let value = ConsumerGroupValue { epoch: 7, metadata_hash };
            assert_eq!(value.encode(), from_hex(bytes));
            assert_eq!(ConsumerGroupValue::decode(&from_hex(bytes)), Ok(value));
        }
        let bytes = from_hex(
            "000007676174652d31000872646b61666b610b2f3132372e302e302e310309616972706f72747308\
             666c696768747300000493e00672616e676500",
        );
        let member = ConsumerMemberValue {
            instance_id: Some("gate-1".into()),
            client_id: "rdkafka".into(),
            client_host: "/127.0.0.1".into(),
            topics: ["airports".into(), "flights".into()].into(),
            rebalance_timeout_ms: 300_000,
            assignor: Some("range".into()),
            ..ConsumerMemberValue::default()
        };
        assert_eq!(member.encode(), bytes);
        assert_eq!(ConsumerMemberValue::decode(&bytes), Ok(member.clone()));
        let bytes = from_hex(
            "0000000006\
             70726f62650b2f3132372e302e302e3102106738746f702d37383831373833353701000027100001003b\
             01000027100213636f6f70657261746976652d737469636b7920000100000001000f6738746f702d3738\
             38313738333537ffffffff000000000000",
        );
        let metadata = Bytes::copy_from_slice(&bytes[bytes.len() - 33..bytes.len() - 2]);
        let protocols = vec![("cooperative-sticky".to_owned(), metadata)];
        let member = ConsumerMemberValue {
            client_id: "probe".into(),
            client_host: "/127.0.0.1".into(),
            topics: ["g8top-788178357".into()].into(),
            // Kafka writes no null here for who was a classic member.
            regex: Some(String::new()),
            rebalance_timeout_ms: 10_000,
            classic: Some(ClassicMember { session_timeout_ms: 10_000, protocols }),
            ..ConsumerMemberValue::default()
        };
        assert_eq!(member.encode(), bytes);
        assert_eq!(ConsumerMemberValue::decode(&bytes), Ok(member));
        assert_eq!(encode_target_epoch(7), from_hex("00000000000700"));
        let bytes = from_hex("0000020102030405060708090a0b0c0d0e0f100300000000000000020000");
        assert_eq!(encode_target(&partitions(&[0, 2])), bytes);
        assert_eq!(decode_target(&bytes), Ok(partitions(&[0, 2])));
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

    #[test]
    fn the_topics_of_a_regular_expression_are_read_as_kafka_writes_them() {
        let bytes = from_hex("00000209616972706f7274730000000000000003000000000000000900");
        assert_eq!(decode_regex(&bytes), Ok(["airports".to_owned()].into()));
        let topics = ["airports".to_owned()].into();
        assert_eq!(decode_regex(&encode_regex(&topics, 9)), Ok(topics));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let value = [&[0, 0], bytes.as_slice()].concat();
            let _ = ConsumerGroupValue::decode(&value);
            let _ = ConsumerMemberValue::decode(&value);
            let _ = decode_target_epoch(&value);
            let _ = decode_target(&value);
            let _ = CurrentAssignmentValue::decode(&value);
            let _ = decode_regex(&value);
            let _ = ConsumerGroupKey::decode(&bytes);
        }
    }
}
