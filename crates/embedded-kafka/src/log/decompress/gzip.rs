//! gzip (RFC 1952), as Java's `GZIPInputStream` reads it.
//!
//! Members follow one another. Bytes after a member that are no member are ignored, and a few of
//! them are not even checked.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::source::{DecompressError, Fill, Source, make_room};

/// Bytes of a piece, as in Kafka: a damaged byte makes its whole piece unreadable.
const PIECE: usize = 16 * 1024;
/// Kafka hands compressed bytes to the inflater in parts of this size.
const PART: usize = 8 * 1024;
/// Checksum and size of a member.
const TRAILER: usize = 8;
/// The smallest header and trailer: fewer bytes after a member's end are no member.
const SMALLEST_MEMBER: usize = 18;

const HAS_HEADER_CHECKSUM: u8 = 2;
const HAS_EXTRA_FIELD: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

pub(super) struct Members<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The end of the part that the inflater received.
    part_end: usize,
    inflater: Decompress,
    checksum: Crc,
    is_at_end: bool,
}

impl<'a> Members<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, DecompressError> {
        let at = header(bytes).ok_or(DecompressError::Corrupt)?;
        let (inflater, checksum) = (Decompress::new(false), Crc::new());
        Ok(Self { bytes, at, part_end: at, inflater, checksum, is_at_end: false })
    }

    /// Checks the end of a member and goes to the next one.
    fn end_member(&mut self) -> Result<(), DecompressError> {
        let trailer = self.bytes[self.at..].first_chunk::<TRAILER>();
        let [a, b, c, d, size @ ..] = trailer.ok_or(DecompressError::Corrupt)?;
        if u32::from_le_bytes([*a, *b, *c, *d]) != self.checksum.sum()
            || u32::from_le_bytes(*size) != self.inflater.total_out() as u32
        {
            return Err(DecompressError::Corrupt);
        }
        let is_more_likely =
            self.bytes.len() > self.part_end || self.part_end - self.at > TRAILER + SMALLEST_MEMBER;
        self.at += TRAILER;
        match header(&self.bytes[self.at..]).filter(|_| is_more_likely) {
            Some(size) => {
                self.at += size;
                self.part_end = self.part_end.max(self.at);
                self.inflater.reset(false);
                self.checksum.reset();
            }
            None => self.is_at_end = true,
        }
        Ok(())
    }
}

impl Source for Members<'_> {
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<Fill, DecompressError> {
        make_room(piece, PIECE);
        while !self.is_at_end {
            let (read, written) = (self.inflater.total_in(), self.inflater.total_out());
            if self.at == self.part_end {
                self.part_end = (self.at + PART).min(self.bytes.len());
            }
            let input = &self.bytes[self.at..self.part_end];
            let status = self.inflater.decompress(input, piece, FlushDecompress::None);
            let status = status.map_err(|_| DecompressError::Corrupt)?;
            let read = (self.inflater.total_in() - read) as usize;
            let written = (self.inflater.total_out() - written) as usize;
            self.at += read;
            self.checksum.update(&piece[..written]);
            if written > 0 {
                return Ok(Fill::Piece(written));
            }
            match status {
                Status::StreamEnd => self.end_member()?,
                _ if read == 0 => return Err(DecompressError::Corrupt),
                _ => {}
            }
        }
        Ok(Fill::End)
    }
}

/// Returns the size of the member's header at the start of `bytes`, `None` if there is no header.
fn header(bytes: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags, ..] = *bytes.first_chunk::<10>()? else {
        return None;
    };
    let mut at = 10;
    if flags & HAS_EXTRA_FIELD != 0 {
        let length = bytes.get(at..)?.first_chunk::<2>()?;
        at += 2 + usize::from(u16::from_le_bytes(*length));
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            at += bytes.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    let fields = bytes.get(..at)?;
    if flags & HAS_HEADER_CHECKSUM != 0 {
        let given = u16::from_le_bytes(*bytes[at..].first_chunk::<2>()?);
        let mut checksum = Crc::new();
        checksum.update(fields);
        (given == checksum.sum() as u16).then_some(())?;
        at += 2;
    }
    Some(at)
}
