//! Snappy, as snappy-java's `SnappyInputStream` reads it: blocks in its own framing, as the Java
//! client writes them, or one block without any, as librdkafka does.

use super::source::{DecompressError, Fill, Source, make_room};

/// The header of the framing, before two version numbers that only have to be there.
const MAGIC: &[u8] = b"\x82SNAPPY\0";
const HEAD: usize = 16;
/// The oldest version of the framing.
const OLDEST_VERSION: i32 = 1;
/// Three bytes of snappy stand for at most 64 bytes of output.
const MAX_RATIO: usize = 22;

pub(super) struct Blocks<'a> {
    rest: &'a [u8],
    is_framed: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, DecompressError> {
        if bytes.is_empty() {
            return Err(DecompressError::Corrupt);
        }
        let is_framed = bytes.len() >= HEAD && bytes.starts_with(MAGIC);
        Ok(Self { rest: &bytes[if is_framed { HEAD } else { 0 }..], is_framed })
    }

    /// Returns the next block, `None` at the end. The header of another stream may come before it.
    fn next_block(&mut self) -> Result<Option<&'a [u8]>, DecompressError> {
        if !self.is_framed {
            return Ok(Some(std::mem::take(&mut self.rest)).filter(|block| !block.is_empty()));
        }
        loop {
            let Some((length, behind)) = self.rest.split_first_chunk::<4>() else {
                return Ok(None);
            };
            if length[..] != MAGIC[..4] {
                let length = u32::from_be_bytes(*length) as usize;
                let block = behind.split_at_checked(length).ok_or(DecompressError::Corrupt)?;
                self.rest = block.1;
                return Ok(Some(block.0));
            }
            let (head, behind) =
                self.rest.split_at_checked(HEAD).ok_or(DecompressError::Corrupt)?;
            self.rest = behind;
            if !is_head(head)? {
                self.rest = &[];
            }
        }
    }
}

/// Returns whether another stream follows here.
fn is_head(head: &[u8]) -> Result<bool, DecompressError> {
    if !head.starts_with(MAGIC) {
        return Ok(false);
    }
    let version = head[8..].first_chunk().map_or(0, |version| i32::from_be_bytes(*version));
    if version < OLDEST_VERSION { Err(DecompressError::Corrupt) } else { Ok(true) }
}

impl Source for Blocks<'_> {
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<Fill, DecompressError> {
        while let Some(block) = self.next_block()? {
            let claimed = snap::raw::decompress_len(block).map_err(|_| DecompressError::Corrupt)?;
            if block.is_empty() || claimed > block.len().saturating_mul(MAX_RATIO) {
                return Err(DecompressError::Corrupt);
            }
            make_room(piece, claimed);
            let written = snap::raw::Decoder::new().decompress(block, piece);
            let written = written.map_err(|_| DecompressError::Corrupt)?;
            if written > 0 {
                return Ok(Fill::Piece(written));
            }
        }
        Ok(Fill::End)
    }
}
