//! The records inside a batch, walked without copying them.
//!
//! Bytes come from a socket, so every length is checked against the bytes that are left, and
//! nothing is allocated by a count that a batch claims.

use super::batch::BatchHeader;

/// An error of reading the records of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct MalformedRecord(pub(super) &'static str);

/// The fewest bytes a record takes: seven fields of one byte each.
const SMALLEST_RECORD: usize = 7;

/// One record, borrowed from its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordView<'a> {
    /// Offset relative to the batch's base offset.
    pub(crate) offset_delta: i32,
    /// Milliseconds since the batch's base timestamp.
    pub(crate) timestamp_delta: i64,
    /// The key, `None` if it is null.
    pub(crate) key: Option<&'a [u8]>,
    /// The value, `None` for a tombstone.
    pub(crate) value: Option<&'a [u8]>,
    /// The record as it is in the batch, size included.
    pub(super) bytes: &'a [u8],
    /// The bytes of the record after the timestamp.
    behind_timestamp: &'a [u8],
    /// The headers, after their count.
    headers: &'a [u8],
}

/// The records of one batch, first to last.
#[derive(Clone, Debug)]
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    left: i32,
    failed: bool,
}

impl<'a> Records<'a> {
    /// Returns the records of the batch with `header`, whose uncompressed records are `payload`.
    ///
    /// # Errors
    /// When the claimed count cannot fit into `payload`.
    pub(crate) fn new(header: &BatchHeader, payload: &'a [u8]) -> Result<Self, MalformedRecord> {
        let count = usize::try_from(header.record_count)
            .map_err(|_| MalformedRecord("the batch claims a negative number of records"))?;
        if count > payload.len() / SMALLEST_RECORD {
            return Err(MalformedRecord("the batch claims more records than it has room for"));
        }
        Ok(Self { rest: payload, left: header.record_count, failed: false })
    }

    fn read(&mut self) -> Result<RecordView<'a>, MalformedRecord> {
        let before = self.rest;
        let size =
            read_length(&mut self.rest)?.ok_or(MalformedRecord("a record has a negative size"))?;
        let mut view = RecordView::parse(take(&mut self.rest, size)?)?;
        view.bytes = &before[..before.len() - self.rest.len()];
        Ok(view)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordView<'a>, MalformedRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.left == 0 {
            self.failed = true;
            return (!self.rest.is_empty())
                .then_some(Err(MalformedRecord("the batch holds more bytes than its records")));
        }
        self.left -= 1;
        let record = self.read();
        self.failed = record.is_err();
        Some(record)
    }
}

fn read_record<'a>(record: &mut &'a [u8]) -> Result<RecordView<'a>, MalformedRecord> {
    // The attributes of a record are unused.
    take(record, 1)?;
    let timestamp_delta = read_varlong(record)?;
    let behind_timestamp = *record;
    let offset_delta = read_varint(record)?;
    let key = read_bytes(record)?;
    let value = read_bytes(record)?;
    let header_count = read_varint(record)?;
    if header_count < 0 {
        return Err(MalformedRecord("a record has a negative number of headers"));
    }
    let headers = *record;
    for _ in 0..header_count {
        read_bytes(record)?.ok_or(MalformedRecord("a record header has no key"))?;
        read_bytes(record)?;
    }
    if !record.is_empty() {
        return Err(MalformedRecord("a record is larger than its fields"));
    }
    let bytes = &[];
    Ok(RecordView { offset_delta, timestamp_delta, key, value, bytes, behind_timestamp, headers })
}

fn read_bytes<'a>(from: &mut &'a [u8]) -> Result<Option<&'a [u8]>, MalformedRecord> {
    match read_length(from)? {
        Some(length) => take(from, length).map(Some),
        None => Ok(None),
    }
}

fn read_length(from: &mut &[u8]) -> Result<Option<usize>, MalformedRecord> {
    Ok(usize::try_from(read_varint(from)?).ok())
}

fn take<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8], MalformedRecord> {
    let (taken, rest) =
        from.split_at_checked(length).ok_or(MalformedRecord("a record ends too early"))?;
    *from = rest;
    Ok(taken)
}

/// Reads a number of 32 bits. As in Kafka, bits of a fifth byte beyond them are ignored.
pub(super) fn read_varint(from: &mut &[u8]) -> Result<i32, MalformedRecord> {
    let mut value: u32 = 0;
    for (index, byte) in from.iter().enumerate().take(5) {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *from = &from[index + 1..];
            return Ok(unzigzag(value));
        }
    }
    Err(MalformedRecord("a record ends within a number"))
}

/// Returns the signed number of a zig-zag encoding, in which small numbers are short.
pub(super) fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

pub(super) fn read_varlong(from: &mut &[u8]) -> Result<i64, MalformedRecord> {
    let mut value: u64 = 0;
    for (index, byte) in from.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *from = &from[index + 1..];
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(MalformedRecord("a record ends within a number"))
}

impl<'a> RecordView<'a> {
    /// Reads a record from all the bytes after its size.
    pub(super) fn parse(mut body: &'a [u8]) -> Result<Self, MalformedRecord> {
        read_record(&mut body)
    }

    /// Returns the keys and values of the headers, in their order.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = self.headers;
        std::iter::from_fn(move || {
            let key = read_bytes(&mut rest).ok()??;
            Some((key, read_bytes(&mut rest).ok()?))
        })
    }

    /// Appends the record with another timestamp, in a batch whose base timestamp is another.
    pub(super) fn write_with_timestamp(&self, timestamp_delta: i64, to: &mut Vec<u8>) {
        let mut record = vec![0];
        write_varlong(&mut record, timestamp_delta);
        record.extend_from_slice(self.behind_timestamp);
        write_varlong(to, record.len() as i64);
        to.extend_from_slice(&record);
    }
}

/// Appends `value` as a zig-zag varint, as records encode their numbers.
pub(super) fn write_varlong(to: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        to.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    to.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_survive_encoding() {
        for value in [0, -1, 1, 63, -64, 64, i64::from(i32::MAX), i64::MIN, i64::MAX] {
            let mut bytes = Vec::new();
            write_varlong(&mut bytes, value);
            let mut rest = &bytes[..];
            assert_eq!(read_varlong(&mut rest), Ok(value));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_count_beyond_the_bytes_is_rejected_before_anything_is_read() {
        let header = BatchHeader::new(i32::MAX, 0, 0);
        assert!(Records::new(&header, &[0; 100]).is_err());
        let header = BatchHeader::new(-5, 0, 0);
        assert!(Records::new(&header, &[0; 100]).is_err());
    }

    #[test]
    fn bytes_after_the_last_record_are_an_error() {
        let header = BatchHeader::new(1, 0, 0);
        // One record: size 6, no key, no value, no headers; then a byte too many.
        let payload = [12, 0, 0, 0, 1, 1, 0, 9];
        let records: Vec<_> = Records::new(&header, &payload).unwrap().collect();
        assert_eq!(records.len(), 2);
        let record = records[0].unwrap();
        assert_eq!((record.key, record.value), (None, None));
        assert!(records[1].is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            count in any::<i32>(),
        ) {
            let mut header = BatchHeader::new(1, 0, 0);
            header.record_count = count;
            if let Ok(records) = Records::new(&header, &payload) {
                prop_assert!(records.count() <= payload.len() / SMALLEST_RECORD + 1);
            }
        }
    }
}
