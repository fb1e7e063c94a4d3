//! The topics that match a regular expression of a member, the value of
//! [`ConsumerGroupKey::Regex`].
//!
//! [`ConsumerGroupKey::Regex`]: super::ConsumerGroupKey::Regex

use std::collections::BTreeSet;

use bytes::Bytes;

use super::primitives::{UnreadableRecord, Writer};
use super::version_0::{read_names, read_version_0, write_names};
use crate::time::Timestamp;

/// Encodes the matching topics, and the time of the match.
pub(crate) fn encode_regex(topics: &BTreeSet<String>, timestamp: Timestamp) -> Bytes {
    let mut writer = Writer::new(0);
    write_names(&mut writer, topics);
    // The version of the cluster's metadata, which this cluster does not count.
    writer.int64(0);
    writer.int64(timestamp);
    writer.unsigned_varint(0);
    writer.finish()
}

pub(crate) fn decode_regex(bytes: &[u8]) -> Result<BTreeSet<String>, UnreadableRecord> {
    let mut reader = read_version_0(bytes)?;
    let topics = read_names(&mut reader)?;
    let (_, _) = (reader.int64()?, reader.int64()?);
    reader.tagged_fields(|_, _| Ok(()))?;
    Ok(topics)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    #[test]
    fn the_topics_of_a_regular_expression_are_read_as_kafka_writes_them() {
        let bytes = from_hex("00000209616972706f7274730000000000000003000000000000000900");
        assert_eq!(decode_regex(&bytes), Ok(["airports".to_owned()].into()));
        let topics = ["airports".to_owned()].into();
        assert_eq!(decode_regex(&encode_regex(&topics, 9)), Ok(topics));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let value = [&[0, 0], bytes.as_slice()].concat();
            let _ = decode_regex(&value);
        }
    }
}
