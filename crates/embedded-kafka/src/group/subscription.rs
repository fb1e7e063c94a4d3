//! The embedded protocol of consumers: the subscriptions in members' metadata, and their
//! assignments. The coordinator reads them to find the topics in use, and when it assigns for
//! classic members itself.
//!
//! Every version of the format begins as version 0 does, and unknown higher versions continue as
//! the highest known one.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, Bytes, BytesMut};

/// Partitions by the names of their topics.
pub(super) type NamedPartitions = BTreeMap<String, BTreeSet<i32>>;

/// The metadata of a member for its assignor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) version: i16,
    pub(super) topics: BTreeSet<String>,
    /// The owned partitions: since version 1, empty before.
    pub(super) owned: NamedPartitions,
    /// The rack, since version 3.
    pub(super) rack_id: Option<String>,
}

impl Subscription {
    /// Returns the subscription, or `None` if the bytes are none.
    pub(super) fn decode(metadata: &[u8]) -> Option<Self> {
        let mut rest = metadata;
        let (version, topics) = beginning(&mut rest)?;
        let user_data = i32::from_be_bytes(take(&mut rest)?);
        rest = rest.get(usize::try_from(user_data).unwrap_or(0)..)?;
        let owned = if version >= 1 { named(&mut rest)? } else { NamedPartitions::new() };
        if version >= 2 {
            take::<4>(&mut rest)?;
        }
        let rack_id = if version >= 3 { string(&mut rest)? } else { None };
        Some(Self { version, topics, owned, rack_id })
    }
}

/// Returns the partitions of an assignment, or `None` if the bytes are none.
pub(super) fn decode_assignment(assignment: &[u8]) -> Option<NamedPartitions> {
    let mut rest = assignment;
    let version = i16::from_be_bytes(take(&mut rest)?);
    if version < 0 { None } else { named(&mut rest) }
}

/// Returns an assignment without data of the assignor.
pub(super) fn encode_assignment(version: i16, partitions: &NamedPartitions) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(version);
    bytes.put_i32(i32::try_from(partitions.len()).unwrap_or(i32::MAX));
    for (topic, partitions) in partitions {
        // A topic's name has 249 bytes at most.
        bytes.put_i16(i16::try_from(topic.len()).unwrap_or(i16::MAX));
        bytes.put_slice(topic.as_bytes());
        bytes.put_i32(i32::try_from(partitions.len()).unwrap_or(i32::MAX));
        partitions.iter().for_each(|partition| bytes.put_i32(*partition));
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

fn named(rest: &mut &[u8]) -> Option<NamedPartitions> {
    let mut all = NamedPartitions::new();
    for _ in 0..u32::from_be_bytes(take(rest)?) {
        let partitions = all.entry(string(rest)??).or_default();
        for _ in 0..u32::from_be_bytes(take(rest)?) {
            partitions.insert(i32::from_be_bytes(take(rest)?));
        }
    }
    Some(all)
}

/// Returns a string, which may be null. `None` if the bytes are none.
fn string(rest: &mut &[u8]) -> Option<Option<String>> {
    let Ok(length) = usize::try_from(i16::from_be_bytes(take(rest)?)) else {
        return Some(None);
    };
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(Some(std::str::from_utf8(text).ok()?.to_owned()))
}

/// Returns the topics, or `None` if the bytes are no subscription. Bytes after them are ignored.
pub(super) fn subscribed_topics(mut metadata: &[u8]) -> Option<BTreeSet<String>> {
    beginning(&mut metadata).map(|(_, topics)| topics)
}

/// Returns the version of a subscription, and its topics.
fn beginning(rest: &mut &[u8]) -> Option<(i16, BTreeSet<String>)> {
    let version = i16::from_be_bytes(take(rest)?);
    if version < 0 {
        return None;
    }
    let mut topics = BTreeSet::new();
    // Nothing is allocated for the count: it is only a claim, and the bytes run out before it does.
    for _ in 0..u32::from_be_bytes(take(rest)?) {
        topics.insert(string(rest)??);
    }
    Some((version, topics))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
pub(super) mod testing {
    use bytes::{BufMut, Bytes, BytesMut};

    /// Returns a subscription as librdkafka's range assignor sends it (version 1).
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
    fn each_version_of_a_subscription_says_more() {
        let mut bytes = BytesMut::from(&subscription(&["flights"])[..]);
        bytes.truncate(bytes.len() - 4);
        bytes.extend_from_slice(&[0, 0, 0, 1, 0, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 7]);
        let owned = NamedPartitions::from([("a".to_owned(), [7].into())]);
        let read = |version: u8, bytes: &BytesMut| {
            let mut bytes = bytes.clone();
            bytes[1] = version;
            Subscription::decode(&bytes).map(|it| (it.owned, it.rack_id))
        };
        assert_eq!(read(0, &bytes), Some((NamedPartitions::new(), None)));
        assert_eq!(read(1, &bytes), Some((owned.clone(), None)));
        assert_eq!(read(2, &bytes), None);
        bytes.extend_from_slice(&[0, 0, 0, 5, 0, 1, b'r']);
        assert_eq!(read(3, &bytes), Some((owned, Some("r".to_owned()))));
    }

    #[test]
    fn the_topics_of_a_subscription_are_found() {
        let topics = subscribed_topics(&subscription(&["airports", "flights"]));
        assert_eq!(topics, Some(["airports".to_owned(), "flights".to_owned()].into()));
        assert_eq!(subscribed_topics(&subscription(&[])), Some(BTreeSet::new()));
    }

    #[test]
    fn bytes_that_are_no_subscription_are_rejected() {
        assert_eq!(subscribed_topics(b""), None);
        assert_eq!(subscribed_topics(&[0, 1, 0, 0, 0, 1, 0, 9, b'a']), None);
        assert_eq!(subscribed_topics(&[0, 1, 0xff, 0xff, 0xff, 0xff, 0, 1, b'a']), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let _ = subscribed_topics(&bytes);
            let _ = Subscription::decode(&bytes);
            let _ = decode_assignment(&bytes);
        }

        #[test]
        fn an_assignment_is_read_back(
            version in 0i16..4, named: BTreeMap<String, BTreeSet<i32>>,
        ) {
            let bytes = encode_assignment(version, &named);
            prop_assert_eq!(decode_assignment(&bytes), Some(named));
        }
    }
}
