//! The frame format of lz4, as Kafka's `Lz4BlockInputStream` reads it.
//!
//! Blocks are independent, and there is one frame: nothing is read after its end. The checksum and
//! the size of the whole content are not checked.

use twox_hash::XxHash32;

use super::source::{DecompressError, Fill, Source, make_room};

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const RESERVED_FLAGS: u8 = 0x03;
const HAS_CONTENT_CHECKSUM: u8 = 0x04;
const HAS_CONTENT_SIZE: u8 = 0x08;
const HAS_BLOCK_CHECKSUM: u8 = 0x10;
const IS_INDEPENDENT: u8 = 0x20;
const VERSION: u8 = 0xc0;
const VERSION_1: u8 = 0x40;
const UNCOMPRESSED: u32 = 1 << 31;
/// A byte of lz4 stands for at most 255 bytes of output.
const MAX_RATIO: usize = 255;
/// The number of bytes that a match has in addition to its encoded length.
const SHORTEST_MATCH: usize = 4;
/// The number of bytes at the end of a block that are literals.
const LAST_LITERALS: usize = 5;
/// The distance of the last match from the end of the largest block, in bytes.
const MATCH_LIMIT: usize = 12;

pub(super) struct Frame<'a> {
    rest: &'a [u8],
    flags: u8,
    max_block: usize,
    is_at_end: bool,
}

impl<'a> Frame<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, DecompressError> {
        Self::read_head(bytes).ok_or(DecompressError::Corrupt)
    }

    fn read_head(bytes: &'a [u8]) -> Option<Self> {
        let behind_magic = bytes.strip_prefix(&MAGIC)?;
        let [flags, sizes] = *behind_magic.first_chunk::<2>()?;
        let block_size = sizes >> 4;
        let is_known = flags & RESERVED_FLAGS == 0
            && flags & IS_INDEPENDENT != 0
            && flags & VERSION == VERSION_1
            && sizes & 0x0f == 0
            && (4..=7).contains(&block_size);
        let fields = if flags & HAS_CONTENT_SIZE != 0 { 10 } else { 2 };
        let (descriptor, rest) = behind_magic.split_at_checked(fields).filter(|_| is_known)?;
        let (checksum, rest) = rest.split_first()?;
        let is_right = *checksum == (XxHash32::oneshot(0, descriptor) >> 8) as u8;
        let max_block = 1 << (2 * block_size + 8);
        is_right.then_some(Self { rest, flags, max_block, is_at_end: false })
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn take_number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    fn end(&mut self) -> Result<Fill, DecompressError> {
        self.is_at_end = true;
        if self.flags & HAS_CONTENT_CHECKSUM != 0 {
            self.take_number().ok_or(DecompressError::Underflow)?;
        }
        Ok(Fill::End)
    }
}

impl Source for Frame<'_> {
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<Fill, DecompressError> {
        const CORRUPT: DecompressError = DecompressError::Corrupt;
        if self.is_at_end {
            return Ok(Fill::End);
        }
        let head = self.take_number().ok_or(CORRUPT)?;
        let size = (head & !UNCOMPRESSED) as usize;
        if size == 0 {
            return self.end();
        }
        let block = self.take(size).filter(|_| size <= self.max_block).ok_or(CORRUPT)?;
        let written = if head & UNCOMPRESSED == 0 {
            decompress(block, self.max_block, piece).ok_or(CORRUPT)?
        } else {
            make_room(piece, size);
            piece[..size].copy_from_slice(block);
            size
        };
        if self.flags & HAS_BLOCK_CHECKSUM != 0 {
            let checksum = self.take_number().ok_or(DecompressError::Underflow)?;
            if checksum != XxHash32::oneshot(0, block) {
                return Err(CORRUPT);
            }
        }
        Ok(Fill::Piece(written))
    }
}

/// Decompresses a block into `piece`, and returns the number of bytes; `None` if the C library
/// would reject the block.
fn decompress(block: &[u8], max_block: usize, piece: &mut Vec<u8>) -> Option<usize> {
    let room = max_block.min(block.len() * MAX_RATIO);
    make_room(piece, room);
    if refers_to_itself(block, max_block)? {
        return decompress_slowly(block, &mut piece[..room]);
    }
    lz4_flex::block::decompress_into(block, &mut piece[..room]).ok()
}

/// A part of a block: literals, and then bytes of the output again.
struct Sequence<'a> {
    literals: &'a [u8],
    /// Offset and length of the repeated bytes, `None` at the end of the block.
    repeated: Option<(usize, usize)>,
}

/// Takes the next sequence. The C library stops reading lengths so near the end that nothing valid
/// can follow.
fn next_sequence<'a>(rest: &mut &'a [u8]) -> Option<Sequence<'a>> {
    let (token, behind) = rest.split_first()?;
    *rest = behind;
    let literals = length(token >> 4, rest, 15)?;
    let (literals, behind) = rest.split_at_checked(literals)?;
    *rest = behind;
    if behind.is_empty() {
        return Some(Sequence { literals, repeated: None });
    }
    if behind.len() < 2 + 1 + LAST_LITERALS {
        return None;
    }
    let (offset, behind) = rest.split_first_chunk::<2>()?;
    *rest = behind;
    let repeated = length(token & 15, rest, LAST_LITERALS - 1)? + SHORTEST_MATCH;
    Some(Sequence { literals, repeated: Some((u16::from_le_bytes(*offset).into(), repeated)) })
}

/// Reads a length, of which the token holds `short`. At least `behind` bytes follow it.
fn length(short: u8, rest: &mut &[u8], behind: usize) -> Option<usize> {
    let mut length = usize::from(short);
    if short < 15 {
        return Some(length);
    }
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        length += usize::from(*byte);
        if after.len() < behind {
            return None;
        }
        if *byte < 255 {
            return Some(length);
        }
    }
}

/// Returns whether a sequence repeats bytes at an offset of 0, which the C library takes for zeros.
/// `None` for a block with an invalid end.
fn refers_to_itself(block: &[u8], max_block: usize) -> Option<bool> {
    let (mut rest, mut written, mut refers) = (block, 0, false);
    loop {
        let sequence = next_sequence(&mut rest)?;
        written += sequence.literals.len();
        let Some((offset, length)) = sequence.repeated else {
            return (written <= max_block).then_some(refers);
        };
        if written > max_block - MATCH_LIMIT {
            return None;
        }
        refers |= offset == 0;
        written += length;
        if written > max_block - LAST_LITERALS {
            return None;
        }
    }
}

fn decompress_slowly(block: &[u8], output: &mut [u8]) -> Option<usize> {
    let (mut rest, mut written) = (block, 0);
    loop {
        let Sequence { literals, repeated } = next_sequence(&mut rest)?;
        output.get_mut(written..written + literals.len())?.copy_from_slice(literals);
        written += literals.len();
        let Some((offset, length)) = repeated else {
            return Some(written);
        };
        let from = written.checked_sub(offset)?;
        for at in 0..length {
            let byte = if offset == 0 { 0 } else { output[from + at] };
            *output.get_mut(written + at)? = byte;
        }
        written += length;
    }
}
