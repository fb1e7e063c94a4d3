//! The value of a group's metadata: its generation, its members and their assignments.
//!
//! Kafka 4.3 writes version 3. Version 4, the first flexible one, is read but not written yet, so
//! that older brokers still understand the log after a downgrade (KIP-915).

use bytes::Bytes;

use super::primitives::{Reader, UnreadableRecord, Writer};
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupMetadataValue {
    /// The protocol type: `consumer`, `connect` or another; empty for a group that no member has
    /// joined yet.
    pub(crate) protocol_type: String,
    pub(crate) generation: i32,
    /// The assignor that the members agreed on, none while the group is empty.
    pub(crate) protocol: Option<String>,
    pub(crate) leader: Option<String>,
    /// The time at which the group entered its state, −1 if unknown (since version 2).
    pub(crate) current_state_timestamp: Timestamp,
    pub(crate) members: Vec<MemberMetadata>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberMetadata {
    pub(crate) member_id: String,
    /// Set for static members (since version 3, KIP-345).
    pub(crate) group_instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    /// Milliseconds, −1 if unknown (since version 1).
    pub(crate) rebalance_timeout: i32,
    /// Milliseconds.
    pub(crate) session_timeout: i32,
    /// The member's metadata for the selected protocol.
    pub(crate) subscription: Bytes,
    pub(crate) assignment: Bytes,
}

impl GroupMetadataValue {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(3);
        writer.string(&self.protocol_type);
        writer.int32(self.generation);
        writer.nullable_string(self.protocol.as_deref());
        writer.nullable_string(self.leader.as_deref());
        writer.int64(self.current_state_timestamp);
        writer.array_length(self.members.len());
        for member in &self.members {
            member.encode(&mut writer);
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = Reader::new(bytes);
        let version = reader.int16()?;
        if !(0..=4).contains(&version) {
            return Err(UnreadableRecord);
        }
        let compact = version >= 4;
        let protocol_type = reader.string(compact)?;
        let generation = reader.int32()?;
        let protocol = reader.nullable_string(compact)?;
        let leader = reader.nullable_string(compact)?;
        let current_state_timestamp = if version >= 2 { reader.int64()? } else { -1 };
        let mut members = Vec::new();
        for _ in 0..reader.array_length(compact)? {
            members.push(MemberMetadata::decode(&mut reader, version)?);
        }
        if compact {
            reader.tagged_fields(|_, _| Ok(()))?;
        }
        Ok(Self { protocol_type, generation, protocol, leader, current_state_timestamp, members })
    }
}

impl MemberMetadata {
    fn encode(&self, writer: &mut Writer) {
        writer.string(&self.member_id);
        writer.nullable_string(self.group_instance_id.as_deref());
        writer.string(&self.client_id);
        writer.string(&self.client_host);
        writer.int32(self.rebalance_timeout);
        writer.int32(self.session_timeout);
        writer.bytes(&self.subscription);
        writer.bytes(&self.assignment);
    }

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, UnreadableRecord> {
        let compact = version >= 4;
        let member = Self {
            member_id: reader.string(compact)?,
            group_instance_id: if version >= 3 { reader.nullable_string(compact)? } else { None },
            client_id: reader.string(compact)?,
            client_host: reader.string(compact)?,
            rebalance_timeout: if version >= 1 { reader.int32()? } else { -1 },
            session_timeout: reader.int32()?,
            subscription: reader.bytes(compact)?,
            assignment: reader.bytes(compact)?,
        };
        if compact {
            reader.tagged_fields(|_, _| Ok(()))?;
        }
        Ok(member)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    /// A group of two, the first a static member, as Apache Kafka 4.3 writes it in versions 0 to 4.
    const WRITTEN_BY_KAFKA: [&str; 5] = [
        "00000008636f6e73756d657200000003000572616e6765000972646b61666b612d31000000020009\
         72646b61666b612d31000772646b61666b61000a2f3132372e302e302e310000afc8000000030001\
         02000000020908000972646b61666b612d32000772646b61666b61000a2f3132372e302e302e3100\
         00afc80000000000000000",
        "00010008636f6e73756d657200000003000572616e6765000972646b61666b612d31000000020009\
         72646b61666b612d31000772646b61666b61000a2f3132372e302e302e31000493e00000afc80000\
         0003000102000000020908000972646b61666b612d32000772646b61666b61000a2f3132372e302e\
         302e31000493e00000afc80000000000000000",
        "00020008636f6e73756d657200000003000572616e6765000972646b61666b612d310000019aa5db\
         3d0000000002000972646b61666b612d31000772646b61666b61000a2f3132372e302e302e310004\
         93e00000afc800000003000102000000020908000972646b61666b612d32000772646b61666b6100\
         0a2f3132372e302e302e31000493e00000afc80000000000000000",
        "00030008636f6e73756d657200000003000572616e6765000972646b61666b612d310000019aa5db\
         3d0000000002000972646b61666b612d310006676174652d31000772646b61666b61000a2f313237\
         2e302e302e31000493e00000afc800000003000102000000020908000972646b61666b612d32ffff\
         000772646b61666b61000a2f3132372e302e302e31000493e00000afc80000000000000000",
        "000409636f6e73756d6572000000030672616e67650a72646b61666b612d310000019aa5db3d0003\
         0a72646b61666b612d3107676174652d310872646b61666b610b2f3132372e302e302e31000493e0\
         0000afc804000102030908000a72646b61666b612d32000872646b61666b610b2f3132372e302e30\
         2e31000493e00000afc801010000",
    ];
    const EMPTY_WRITTEN_BY_KAFKA: &str = "0003000000000000ffffffff0000019aa5db3d0000000000";

    /// Returns the group above with the fields of a version.
    fn group(version: i16) -> GroupMetadataValue {
        let member = |id: &str, instance: Option<&str>, subscription: &[u8], assignment: &[u8]| {
            MemberMetadata {
                member_id: id.into(),
                group_instance_id: instance.filter(|_| version >= 3).map(Into::into),
                client_id: "rdkafka".into(),
                client_host: "/127.0.0.1".into(),
                rebalance_timeout: if version >= 1 { 300_000 } else { -1 },
                session_timeout: 45_000,
                subscription: Bytes::copy_from_slice(subscription),
                assignment: Bytes::copy_from_slice(assignment),
            }
        };
        GroupMetadataValue {
            protocol_type: "consumer".into(),
            generation: 3,
            protocol: Some("range".into()),
            leader: Some("rdkafka-1".into()),
            current_state_timestamp: if version >= 2 { 1_763_719_200_000 } else { -1 },
            members: vec![
                member("rdkafka-1", Some("gate-1"), &[0, 1, 2], &[9, 8]),
                member("rdkafka-2", None, &[], &[]),
            ],
        }
    }

    #[test]
    fn kafka_writes_the_same_bytes() {
        assert_eq!(group(3).encode(), from_hex(WRITTEN_BY_KAFKA[3]));
        let empty = GroupMetadataValue {
            protocol_type: String::new(),
            generation: 0,
            protocol: None,
            leader: None,
            current_state_timestamp: 1_763_719_200_000,
            members: Vec::new(),
        };
        assert_eq!(empty.encode(), from_hex(EMPTY_WRITTEN_BY_KAFKA));
    }

    #[test]
    fn every_version_is_read() {
        for (version, bytes) in (0..).zip(WRITTEN_BY_KAFKA) {
            assert_eq!(GroupMetadataValue::decode(&from_hex(bytes)), Ok(group(version)));
        }
    }

    #[test]
    fn a_claimed_number_of_members_allocates_nothing() {
        let mut bytes = from_hex(EMPTY_WRITTEN_BY_KAFKA);
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&i32::MAX.to_be_bytes());
        assert_eq!(GroupMetadataValue::decode(&bytes), Err(UnreadableRecord));
    }

    proptest! {
        #[test]
        fn a_value_comes_back(
            protocol_type in ".{0,20}", generation: i32,
            protocol in proptest::option::of(".{0,20}"), leader in proptest::option::of(".{0,40}"),
            members in proptest::collection::vec(
                (".{0,20}", proptest::option::of(".{0,20}"), any::<i32>(), any::<Vec<u8>>()), 0..5,
            ),
        ) {
            let members = members.into_iter().map(|(id, instance, timeout, content)| MemberMetadata {
                member_id: id.clone(),
                group_instance_id: instance,
                client_id: id,
                client_host: "/127.0.0.1".into(),
                rebalance_timeout: timeout,
                session_timeout: timeout,
                subscription: content.clone().into(),
                assignment: content.into(),
            });
            let value = GroupMetadataValue {
                protocol_type, generation, protocol, leader, current_state_timestamp: 7,
                members: members.collect(),
            };
            prop_assert_eq!(GroupMetadataValue::decode(&value.encode()), Ok(value));
        }

        #[test]
        fn any_bytes_are_read_or_rejected(version in 0u8..6, bytes: Vec<u8>) {
            let _ = GroupMetadataValue::decode(&[&[0, version], bytes.as_slice()].concat());
        }

        #[test]
        fn a_cut_value_is_rejected(version in 0usize..5, cut in 1usize..100) {
            let bytes = from_hex(WRITTEN_BY_KAFKA[version]);
            let kept = &bytes[..bytes.len() - cut];
            prop_assert_eq!(GroupMetadataValue::decode(kept), Err(UnreadableRecord));
        }
    }
}
