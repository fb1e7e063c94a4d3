//! The primitives of Kafka's record formats: integers, strings, bytes, arrays and tagged fields.
//!
//! A record may come from a damaged log, so every length is checked against the bytes that are left
//! before anything is allocated, and nothing here panics.

use bytes::{BufMut, Bytes, BytesMut};

/// The bytes are not a record of the kind that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record is cut short or not in a format that Kafka writes")]
pub(crate) struct UnreadableRecord;

/// Reads primitives from the front of a slice.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns how many bytes are left.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], UnreadableRecord> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(UnreadableRecord)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], UnreadableRecord> {
        self.take(N)?.try_into().map_err(|_| UnreadableRecord)
    }

    pub(super) fn int8(&mut self) -> Result<i8, UnreadableRecord> {
        self.array().map(i8::from_be_bytes)
    }

    pub(super) fn int16(&mut self) -> Result<i16, UnreadableRecord> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn int32(&mut self) -> Result<i32, UnreadableRecord> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn int64(&mut self) -> Result<i64, UnreadableRecord> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn uuid(&mut self) -> Result<uuid::Uuid, UnreadableRecord> {
        self.array().map(uuid::Uuid::from_bytes)
    }

    pub(super) fn unsigned_varint(&mut self) -> Result<u32, UnreadableRecord> {
        let mut value = 0u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| UnreadableRecord);
            }
        }
        Err(UnreadableRecord)
    }

    /// Reads a length before its content: `None` for null. Compact lengths (of flexible versions)
    /// are one more than the length, and zero means null.
    fn length(&mut self, compact: bool, wide: bool) -> Result<Option<usize>, UnreadableRecord> {
        if compact {
            return Ok(self.unsigned_varint()?.checked_sub(1).map(|length| length as usize));
        }
        let length = if wide { self.int32()? } else { i32::from(self.int16()?) };
        match length {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| UnreadableRecord),
        }
    }

    pub(super) fn nullable_string(
        &mut self,
        compact: bool,
    ) -> Result<Option<String>, UnreadableRecord> {
        let Some(length) = self.length(compact, false)? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| UnreadableRecord)?;
        Ok(Some(text.to_owned()))
    }

    pub(super) fn string(&mut self, compact: bool) -> Result<String, UnreadableRecord> {
        self.nullable_string(compact)?.ok_or(UnreadableRecord)
    }

    pub(super) fn bytes(&mut self, compact: bool) -> Result<Bytes, UnreadableRecord> {
        let length = self.length(compact, true)?.ok_or(UnreadableRecord)?;
        self.take(length).map(Bytes::copy_from_slice)
    }

    /// Reads the number of elements of an array, which is at most the number of bytes left: no
    /// element of any format here is empty.
    pub(super) fn array_length(&mut self, compact: bool) -> Result<usize, UnreadableRecord> {
        self.nullable_array_length(compact)?.ok_or(UnreadableRecord)
    }

    pub(super) fn nullable_array_length(
        &mut self,
        compact: bool,
    ) -> Result<Option<usize>, UnreadableRecord> {
        let length = self.length(compact, true)?;
        if length.unwrap_or(0) <= self.remaining() { Ok(length) } else { Err(UnreadableRecord) }
    }

    /// Calls `known` with each tag and its content; tags that it does not know are skipped.
    pub(super) fn tagged_fields(
        &mut self,
        mut known: impl FnMut(u32, Reader<'a>) -> Result<(), UnreadableRecord>,
    ) -> Result<(), UnreadableRecord> {
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let length = self.unsigned_varint()? as usize;
            known(tag, Reader::new(self.take(length)?))?;
        }
        Ok(())
    }
}

/// Writes primitives to the end of a buffer.
pub(super) struct Writer {
    bytes: BytesMut,
}

impl Writer {
    /// Creates a writer of a record that begins with `kind`, the kind of a key or the version of a
    /// value.
    pub(super) fn new(kind: i16) -> Self {
        let mut bytes = BytesMut::new();
        bytes.put_i16(kind);
        Self { bytes }
    }

    /// Creates a writer of a part of a record.
    pub(super) fn untyped() -> Self {
        Self { bytes: BytesMut::new() }
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.put_slice(bytes);
    }

    pub(super) fn compact_bytes(&mut self, bytes: &[u8]) {
        self.compact_array_length(bytes.len());
        self.raw(bytes);
    }

    pub(super) fn finish(self) -> Bytes {
        self.bytes.freeze()
    }

    pub(super) fn int8(&mut self, value: i8) {
        self.bytes.put_i8(value);
    }

    pub(super) fn int16(&mut self, value: i16) {
        self.bytes.put_i16(value);
    }

    pub(super) fn int32(&mut self, value: i32) {
        self.bytes.put_i32(value);
    }

    pub(super) fn int64(&mut self, value: i64) {
        self.bytes.put_i64(value);
    }

    pub(super) fn uuid(&mut self, value: uuid::Uuid) {
        self.bytes.put_slice(value.as_bytes());
    }

    pub(super) fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.put_u8(value as u8);
    }

    /// Writes a string with a length of two bytes. A string that is too long for it is cut at the
    /// last whole character: names of groups, topics and clients came with such a length.
    pub(super) fn string(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(i16::MAX as usize)];
        self.bytes.put_i16(text.len() as i16);
        self.bytes.put_slice(text.as_bytes());
    }

    pub(super) fn nullable_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.bytes.put_i16(-1),
        }
    }

    /// Writes a string of a flexible version, with a length of variable size.
    pub(super) fn compact_string(&mut self, text: &str) {
        self.unsigned_varint(u32::try_from(text.len() + 1).unwrap_or(u32::MAX));
        self.bytes.put_slice(text.as_bytes());
    }

    pub(super) fn compact_nullable_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.compact_string(text),
            None => self.unsigned_varint(0),
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.int32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        self.bytes.put_slice(bytes);
    }

    /// Writes the length of an array in a flexible version.
    pub(super) fn compact_array_length(&mut self, length: usize) {
        self.unsigned_varint(u32::try_from(length + 1).unwrap_or(u32::MAX));
    }

    pub(super) fn array_length(&mut self, length: usize) {
        self.int32(i32::try_from(length).unwrap_or(i32::MAX));
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! Golden bytes are written as the hexadecimal text that Apache Kafka's own classes printed.

    pub(in crate::records) fn from_hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_length_beyond_the_end_is_malformed() {
        assert_eq!(Reader::new(&[0x7f, 0xff]).string(false), Err(UnreadableRecord));
        assert_eq!(Reader::new(&[0x7f, 0xff, 0xff, 0xff]).bytes(false), Err(UnreadableRecord));
        assert_eq!(
            Reader::new(&[0x7f, 0xff, 0xff, 0xff, 1]).array_length(false),
            Err(UnreadableRecord)
        );
        assert_eq!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).string(true),
            Err(UnreadableRecord)
        );
    }

    #[test]
    fn a_negative_length_other_than_null_is_malformed() {
        assert_eq!(Reader::new(&[0xff, 0xfe]).nullable_string(false), Err(UnreadableRecord));
        assert_eq!(Reader::new(&[0xff, 0xff]).nullable_string(false), Ok(None));
    }

    proptest! {
        #[test]
        fn a_varint_comes_back(value: u32) {
            let mut writer = Writer::new(0);
            writer.unsigned_varint(value);
            let bytes = writer.finish();
            prop_assert_eq!(Reader::new(&bytes[2..]).unsigned_varint(), Ok(value));
        }

        #[test]
        fn unknown_tags_are_skipped(tag in 0u32..1000, content: Vec<u8>) {
            let mut writer = Writer::new(0);
            writer.unsigned_varint(1);
            writer.unsigned_varint(tag);
            writer.unsigned_varint(content.len() as u32);
            writer.bytes.put_slice(&content);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes[2..]);
            prop_assert_eq!(reader.tagged_fields(|_, _| Ok(())), Ok(()));
            prop_assert_eq!(reader.remaining(), 0);
        }
    }
}
