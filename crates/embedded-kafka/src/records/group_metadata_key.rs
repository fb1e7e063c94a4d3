//! The key of a group's metadata: the group's id.

use bytes::Bytes;

use super::primitives::{Reader, UnreadableRecord, Writer};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupMetadataKey {
    pub(crate) group: String,
}

impl GroupMetadataKey {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(2);
        writer.string(&self.group);
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = Reader::new(bytes);
        if reader.int16()? != 2 {
            return Err(UnreadableRecord);
        }
        Ok(Self { group: reader.string(false)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    #[test]
    fn kafka_writes_the_same_bytes() {
        let key = GroupMetadataKey { group: "east-coast-dpt".into() };
        assert_eq!(key.encode(), from_hex("0002000e656173742d636f6173742d647074"));
    }

    #[test]
    fn a_key_of_another_kind_is_rejected() {
        assert_eq!(GroupMetadataKey::decode(&from_hex("0001000167")), Err(UnreadableRecord));
    }

    proptest! {
        #[test]
        fn a_key_comes_back(group in ".{0,80}") {
            let key = GroupMetadataKey { group };
            prop_assert_eq!(GroupMetadataKey::decode(&key.encode()), Ok(key));
        }

        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let _ = GroupMetadataKey::decode(&[&[0, 2], bytes.as_slice()].concat());
        }
    }
}
