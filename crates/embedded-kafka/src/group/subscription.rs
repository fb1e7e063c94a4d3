//! The topics in a consumer's subscription: the one look that the coordinator takes into what
//! members tell their assignor.
//!
//! Every version of the format begins as version 0 does: two bytes of version, then the topics.

use std::collections::BTreeSet;

/// The topics, or `None` if the bytes are no subscription.
pub(super) fn subscribed_topics(metadata: &[u8]) -> Option<BTreeSet<String>> {
    let (version, mut rest) = metadata.split_first_chunk::<2>()?;
    if i16::from_be_bytes(*version) < 0 {
        return None;
    }
    let count = u32::from_be_bytes(take(&mut rest)?);
    let mut topics = BTreeSet::new();
    // Nothing is set aside for the count: it is only a claim, and the bytes run out before it does.
    for _ in 0..count {
        let length = usize::try_from(i16::from_be_bytes(take(&mut rest)?)).ok()?;
        let (topic, after) = rest.split_at_checked(length)?;
        topics.insert(std::str::from_utf8(topic).ok()?.to_owned());
        rest = after;
    }
    Some(topics)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
pub(super) mod testing {
    use bytes::{BufMut, Bytes, BytesMut};

    /// A subscription as librdkafka's range assignor sends it (version 1).
    pub(in crate::group) fn subscription(topics: &[&str]) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_i16(1);
        bytes.put_i32(topics.len() as i32);
        for topic in topics {
            bytes.put_i16(topic.len() as i16);
            bytes.put_slice(topic.as_bytes());
        }
        bytes.put_i32(-1);
        bytes.put_i32(0);
        bytes.freeze()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::subscription;
    use super::*;

    #[test]
    fn the_topics_of_a_subscription_are_found() {
        let topics = subscribed_topics(&subscription(&["airports", "flights"]));
        assert_eq!(topics, Some(["airports".to_owned(), "flights".to_owned()].into()));
        assert_eq!(subscribed_topics(&subscription(&[])), Some(BTreeSet::new()));
    }

    #[test]
    fn what_is_no_subscription_is_refused() {
        assert_eq!(subscribed_topics(b""), None);
        assert_eq!(subscribed_topics(&[0, 1, 0, 0, 0, 1, 0, 9, b'a']), None);
        assert_eq!(subscribed_topics(&[0, 1, 0xff, 0xff, 0xff, 0xff, 0, 1, b'a']), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = subscribed_topics(&bytes);
        }
    }
}
