//! The partitions that a member of a group reads, from the bytes that the group's leader wrote.
//!
//! The broker passes the assignment on without looking inside; its layout is the consumer
//! protocol's (`ConsumerProtocolAssignment`): version, topics with their partitions, user data.

/// The topics in an assignment; none where the bytes are not a consumer's.
pub(crate) fn assigned_topics(bytes: &[u8]) -> Vec<String> {
    let mut reader = Reader { left: bytes };
    let mut topics = Vec::new();
    // The version adds fields at the end only.
    let Some(count) = reader.int16().and_then(|_version| reader.int32()) else {
        return topics;
    };
    for _ in 0..count {
        let Some(topic) = reader.topic() else {
            return topics;
        };
        topics.push(topic);
    }
    topics
}

struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A topic's name; the partitions behind it are skipped.
    fn topic(&mut self) -> Option<String> {
        let length = usize::try_from(self.int16()?).ok()?;
        let name = String::from_utf8(self.take(length)?.to_vec()).ok()?;
        let partitions = usize::try_from(self.int32()?).ok()?;
        self.take(partitions.checked_mul(size_of::<i32>())?)?;
        Some(name)
    }

    fn int16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn int32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(length)?;
        self.left = left;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_TOPICS: &[u8] = b"\0\x01\0\0\0\x02\
        \0\x01a\0\0\0\x02\0\0\0\0\0\0\0\x01\
        \0\x02bc\0\0\0\0\
        \xff\xff\xff\xff";

    #[test]
    fn the_topics_of_an_assignment_are_read() {
        assert_eq!(assigned_topics(TWO_TOPICS), ["a", "bc"]);
    }

    #[test]
    fn cut_or_foreign_bytes_end_the_list() {
        for length in 0..TWO_TOPICS.len() {
            assert!(assigned_topics(&TWO_TOPICS[..length]).len() <= 2);
        }
        assert!(assigned_topics(b"\0\0\x7f\xff\xff\xff\x7f\xff").is_empty());
    }
}
