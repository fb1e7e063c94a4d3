//! The position of a message in its file: a path of numbers between the prefix and the message.
//!
//! The first message of a file is `[0]`, the second message inside the fourth is `[3, 1]`. The
//! numbers are zigzag varints, after a varint that counts them. `[0]`, the most frequent path, is
//! encoded as a single byte 0.

use prost_reflect::{FileDescriptor, MessageDescriptor};

/// The maximum depth of a message, deeper than in any real file.
const MOST: usize = 100;

/// Returns the position of a message in its file.
pub(super) fn of(message: &MessageDescriptor) -> Vec<usize> {
    let mut indexes = Vec::new();
    let mut next = Some(message.clone());
    while let Some(message) = next {
        next = message.parent_message();
        let position = match &next {
            Some(parent) => parent.child_messages().position(|it| it == message),
            None => message.parent_file().messages().position(|it| it == message),
        };
        indexes.push(position.expect("a message is among its parent's"));
    }
    indexes.reverse();
    indexes
}

/// Returns the message at a position.
pub(super) fn find(file: &FileDescriptor, indexes: &[usize]) -> Option<MessageDescriptor> {
    let (first, inner) = indexes.split_first()?;
    let first = file.messages().nth(*first)?;
    inner.iter().try_fold(first, |message, index| message.child_messages().nth(*index))
}

pub(super) fn encode(indexes: &[usize]) -> Vec<u8> {
    if indexes == [0] {
        return vec![0];
    }
    let mut bytes = Vec::new();
    for number in std::iter::once(indexes.len()).chain(indexes.iter().copied()) {
        // Zigzag doubles numbers that are not negative.
        prost::encoding::encode_varint(2 * number as u64, &mut bytes);
    }
    bytes
}

/// Decodes the position, and returns the bytes after it.
pub(super) fn decode(mut bytes: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let length = number(&mut bytes)?;
    if length == 0 {
        return Some((vec![0], bytes));
    }
    if length > MOST {
        return None;
    }
    let indexes = (0..length).map(|_| number(&mut bytes)).collect::<Option<Vec<usize>>>()?;
    Some((indexes, bytes))
}

fn number(bytes: &mut &[u8]) -> Option<usize> {
    let zigzag = prost::encoding::decode_varint(bytes).ok()?;
    if zigzag % 2 == 1 {
        return None;
    }
    usize::try_from(zigzag / 2).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::compile::compile;

    #[test]
    fn positions_are_encoded_as_by_confluent() {
        let rows: [(&[usize], &[u8]); 4] =
            [(&[0], &[0]), (&[1], &[2, 2]), (&[3, 1], &[4, 6, 2]), (&[70, 0], &[4, 140, 1, 0])];
        for (indexes, expected) in rows {
            assert_eq!(encode(indexes), expected);
            let with_more = [expected, &[9]].concat();
            assert_eq!(decode(&with_more), Some((indexes.to_vec(), [9].as_slice())));
        }
        // [0] in the long form, which readers must accept, too.
        assert_eq!(decode(&[2, 0]), Some((vec![0], [].as_slice())));
    }

    #[test]
    fn damaged_positions_are_rejected() {
        let rows: [&[u8]; 5] = [&[], &[1], &[4, 2], &[0xff; 11], &[0xfe, 0xff, 0xff, 0x0f]];
        for bytes in rows {
            assert_eq!(decode(bytes), None);
        }
    }

    #[test]
    fn a_message_is_found_at_its_position() {
        let text = r#"syntax = "proto3"; message A {} message B { message C {} message D {} }"#;
        let file = compile(text, &[]).unwrap();
        for (name, expected) in [("A", vec![0]), ("B", vec![1]), ("B.D", vec![1, 1])] {
            let message = file.parent_pool().get_message_by_name(name).unwrap();
            assert_eq!(of(&message), expected);
            assert_eq!(find(&file, &expected), Some(message));
        }
        assert_eq!(find(&file, &[2]), None);
        assert_eq!(find(&file, &[]), None);
    }
}
