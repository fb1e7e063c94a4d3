//! The subscription of a member of a consumer group, the value of [`ConsumerGroupKey::Member`].
//!
//! [`ConsumerGroupKey::Member`]: super::ConsumerGroupKey::Member

use std::collections::BTreeSet;

use bytes::Bytes;

use super::primitives::{Reader, UnreadableRecord, Writer};
use super::version_0::{read_names, read_version_0, write_names};

/// The subscription and metadata of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConsumerMemberValue {
    /// Set for static members (KIP-345).
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) topics: BTreeSet<String>,
    pub(crate) regex: Option<String>,
    /// The rebalance timeout: the milliseconds that the member may take to revoke partitions.
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) assignor: Option<String>,
    /// Set for members of the classic protocol.
    pub(crate) classic: Option<ClassicMember>,
}

/// The additional metadata of a member of the classic protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClassicMember {
    pub(crate) session_timeout_ms: i32,
    /// The names of assignors with the member's metadata for each, in the order of its preference.
    pub(crate) protocols: Vec<(String, Bytes)>,
}

impl ClassicMember {
    /// Returns the content of the tagged field: a byte that says that it is there, and the
    /// structure.
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

    fn decode(reader: &mut Reader<'_>) -> Result<Option<Self>, UnreadableRecord> {
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

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    #[test]
    fn kafka_writes_the_same_bytes() {
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
        assert_eq!(ConsumerMemberValue::decode(&bytes), Ok(member));
    }

    #[test]
    fn kafka_writes_the_same_bytes_for_a_member_of_the_classic_protocol() {
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
            // Kafka writes no null here for a former classic member.
            regex: Some(String::new()),
            rebalance_timeout_ms: 10_000,
            classic: Some(ClassicMember { session_timeout_ms: 10_000, protocols }),
            ..ConsumerMemberValue::default()
        };
        assert_eq!(member.encode(), bytes);
        assert_eq!(ConsumerMemberValue::decode(&bytes), Ok(member));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let value = [&[0, 0], bytes.as_slice()].concat();
            let _ = ConsumerMemberValue::decode(&value);
        }
    }
}
