//! The records of a batch, one at a time, while they are decompressed.
//!
//! Kafka reads them in two ways. In a compressed batch that it stores as it came, Kafka reads past
//! keys and values ([`skim`]), and does not compare a record with the size in front of it. When
//! Kafka needs the records themselves, it takes each of them by its size ([`walk`]).

use std::ops::ControlFlow;

use super::batch::BatchHeader;
use super::compression::Compression;
use super::decompress::{DecompressError, Decompressed};
use super::records::{self, MalformedRecord, RecordView, Records, unzigzag};

/// The most bytes that the records of one batch may take when decompressed. Kafka holds a piece of
/// them at a time as well, but has no such limit: a megabyte of zstd keeps it busy with 30 GB.
pub(crate) const MAX_DECOMPRESSED_BYTES: usize = 128 * 1024 * 1024;

/// An error that makes the records of a batch unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The bytes are no records.
    #[error("{0}")]
    Malformed(&'static str),
    /// The records cannot be decompressed.
    #[error(transparent)]
    Decompress(DecompressError),
}

impl From<MalformedRecord> for Unreadable {
    fn from(error: MalformedRecord) -> Self {
        Self::Malformed(error.0)
    }
}

impl From<DecompressError> for Unreadable {
    fn from(error: DecompressError) -> Self {
        Self::Decompress(error)
    }
}

/// Decompresses the records of the batch with `header`, which `payload` follows.
///
/// # Errors
/// When the bytes do not begin as the codec's do, or no codec has the batch's id.
pub(super) fn decompress<'a>(
    header: &BatchHeader,
    payload: &'a [u8],
) -> Result<Decompressed<'a>, Unreadable> {
    let codec = header.compression().ok_or(Unreadable::Decompress(DecompressError::Corrupt))?;
    Ok(Decompressed::new(codec, payload, MAX_DECOMPRESSED_BYTES)?)
}

/// Passes all records of a batch to `on_record`, in their order, until it breaks off.
pub(super) fn walk<B>(
    header: &BatchHeader,
    payload: &[u8],
    mut on_record: impl FnMut(&RecordView<'_>) -> ControlFlow<B>,
) -> Result<Option<B>, Unreadable> {
    if header.compression() == Some(Compression::None) {
        for record in Records::new(header, payload)? {
            if let ControlFlow::Break(found) = on_record(&record?) {
                return Ok(Some(found));
            }
        }
        return Ok(None);
    }
    let mut from = decompress(header, payload)?;
    let mut body = Vec::new();
    for left in (0..header.record_count).rev() {
        let size = usize::try_from(read_varint(&mut from)?);
        let size = size.map_err(|_| Unreadable::Malformed("a record has a negative size"))?;
        body.clear();
        if !from.read(size, &mut body)? {
            return Err(Unreadable::Malformed("a record ends too early"));
        }
        let record = RecordView::parse(&body)?;
        if left == 0 {
            expect_end(&mut from)?;
        }
        if let ControlFlow::Break(found) = on_record(&record) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Checks that nothing follows the last record.
pub(super) fn expect_end(from: &mut Decompressed<'_>) -> Result<(), Unreadable> {
    match from.byte()? {
        Some(_) => Err(Unreadable::Malformed("the batch holds more bytes than its records")),
        None => Ok(()),
    }
}

/// The known fields of a record that was read past.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skimmed {
    pub(super) offset_delta: i32,
    pub(super) timestamp_delta: i64,
    /// The key's length, negative if it is null.
    pub(super) key_size: i32,
    /// The value's length, negative if it is null.
    pub(super) value_size: i32,
}

/// Reads past the next record.
pub(super) fn skim(from: &mut Decompressed<'_>) -> Result<Skimmed, Unreadable> {
    let mut ready = from.ready();
    let before = ready.len();
    if let Some(skimmed) = skim_slice(&mut ready) {
        let read = before - ready.len();
        from.consume(read);
        return Ok(skimmed);
    }
    if read_varint(from)? < 0 {
        return Err(Unreadable::Malformed("a record has a negative size"));
    }
    skim_body(from).map_err(|error| match error {
        Unreadable::Decompress(DecompressError::Underflow) => {
            Unreadable::Malformed("a record ends within a checksum")
        }
        other => other,
    })
}

/// Reads past a record that is here in full, as most are. `None` leaves it to the slower path to
/// find out what is missing or wrong.
fn skim_slice(from: &mut &[u8]) -> Option<Skimmed> {
    let skip = |from: &mut &[u8]| {
        let size = records::read_varint(from).ok()?;
        *from = from.get(usize::try_from(size).unwrap_or(0)..)?;
        Some(size)
    };
    records::read_varint(from).ok().filter(|size| *size >= 0)?;
    *from = from.get(1..)?;
    let timestamp_delta = records::read_varlong(from).ok()?;
    let offset_delta = records::read_varint(from).ok()?;
    let key_size = skip(from)?;
    let value_size = skip(from)?;
    for _ in 0..records::read_varint(from).ok().filter(|headers| *headers >= 0)? {
        skip(from).filter(|size| *size >= 0)?;
        skip(from)?;
    }
    Some(Skimmed { offset_delta, timestamp_delta, key_size, value_size })
}

fn skim_body(from: &mut Decompressed<'_>) -> Result<Skimmed, Unreadable> {
    // Attributes. If the bytes end here, the next number reports it.
    from.byte()?;
    let timestamp_delta = read_varlong(from)?;
    let offset_delta = read_varint(from)?;
    let key_size = skip_field(from)?;
    let value_size = skip_field(from)?;
    let headers = read_varint(from)?;
    if headers < 0 {
        return Err(Unreadable::Malformed("a record has a negative number of headers"));
    }
    for _ in 0..headers {
        if skip_field(from)? < 0 {
            return Err(Unreadable::Malformed("a record header has no key"));
        }
        skip_field(from)?;
    }
    Ok(Skimmed { offset_delta, timestamp_delta, key_size, value_size })
}

/// Reads a length and skips as many bytes; none if the length is negative.
fn skip_field(from: &mut Decompressed<'_>) -> Result<i32, Unreadable> {
    let size = read_varint(from)?;
    if !from.skip(usize::try_from(size).unwrap_or(0))? {
        return Err(Unreadable::Malformed("a record ends too early"));
    }
    Ok(size)
}

/// Returns a number of at most `bytes` bytes.
fn read_number(from: &mut Decompressed<'_>, bytes: usize) -> Result<u64, Unreadable> {
    let mut value: u64 = 0;
    for index in 0..bytes {
        let byte = from.byte()?;
        let byte = byte.ok_or(Unreadable::Malformed("a record ends within a number"))?;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Unreadable::Malformed("a number in a record does not end"))
}

/// Reads a number of 32 bits. As in Kafka, bits of a fifth byte beyond them are ignored.
pub(super) fn read_varint(from: &mut Decompressed<'_>) -> Result<i32, Unreadable> {
    // Most numbers are short, and here already.
    if let [byte @ ..0x80, ..] = *from.ready() {
        from.consume(1);
        return Ok(unzigzag(u32::from(byte)));
    }
    Ok(unzigzag(read_number(from, 5)? as u32))
}

fn read_varlong(from: &mut Decompressed<'_>) -> Result<i64, Unreadable> {
    let value = read_number(from, 10)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}
