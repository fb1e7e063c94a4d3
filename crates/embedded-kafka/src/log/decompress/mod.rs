//! Decompressing the records of a batch piece by piece, as Kafka does.
//!
//! Each codec decides, as Kafka's own decompressor does, what counts as the end, as damage or as
//! bytes to ignore: Java's for gzip, snappy-java's, Kafka's own for lz4, and libzstd. A reader
//! holds one piece at a time. No piece is larger than the compressed bytes can stand for, whatever
//! they claim, and the total stops at the reader's cap.

mod gzip;
mod lz4;
mod snappy;
mod source;
mod zstd;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::compression::Compression;

pub(crate) use source::DecompressError;

use source::{Fill, Source, make_room};

/// The decompressed bytes of a codec, read front to back.
pub(crate) struct Decompressed<'a> {
    source: Box<dyn Source + 'a>,
    piece: Vec<u8>,
    at: usize,
    end: usize,
    left: usize,
    cap: usize,
}

impl Compression {
    /// Decompresses `bytes` to at most `cap` bytes.
    pub(crate) fn decompress(self, bytes: &Bytes, cap: usize) -> Result<Bytes, DecompressError> {
        if self == Self::None {
            return Ok(bytes.clone());
        }
        let mut output = Vec::new();
        Decompressed::new(self, bytes, cap)?.read_to_end(&mut output)?;
        Ok(output.into())
    }
}

impl<'a> Decompressed<'a> {
    /// Begins to decompress `bytes`, to at most `cap` bytes.
    ///
    /// # Errors
    /// When the bytes do not begin as the codec's streams do.
    pub(crate) fn new(
        codec: Compression,
        bytes: &'a [u8],
        cap: usize,
    ) -> Result<Self, DecompressError> {
        let source: Box<dyn Source + 'a> = match codec {
            Compression::None => Box::new(Plain(bytes)),
            Compression::Gzip => Box::new(gzip::Members::new(bytes)?),
            Compression::Snappy => Box::new(snappy::Blocks::new(bytes)?),
            Compression::Lz4 => Box::new(lz4::Frame::new(bytes)?),
            Compression::Zstd => Box::new(zstd::Frames::new(bytes)),
        };
        Ok(Self { source, piece: Vec::new(), at: 0, end: 0, left: cap, cap })
    }

    /// Returns the bytes that are decompressed and not read yet.
    pub(crate) fn ready(&self) -> &[u8] {
        &self.piece[self.at..self.end]
    }

    /// Marks so many bytes of [`ready`](Self::ready) as read.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.end);
    }

    /// Reads the next piece, once the last one is read. Returns whether it has any bytes: Kafka
    /// finds nothing in an empty block of lz4, though more may follow.
    fn next(&mut self) -> Result<bool, DecompressError> {
        (self.at, self.end) = (0, 0);
        let Fill::Piece(bytes) = self.source.fill(&mut self.piece)? else {
            return Ok(false);
        };
        self.left = self.left.checked_sub(bytes).ok_or(DecompressError::TooLarge(self.cap))?;
        self.end = bytes;
        Ok(bytes > 0)
    }

    /// Returns the next byte, `None` if Kafka finds none.
    pub(crate) fn byte(&mut self) -> Result<Option<u8>, DecompressError> {
        if self.at == self.end && !self.next()? {
            return Ok(None);
        }
        self.at += 1;
        Ok(Some(self.piece[self.at - 1]))
    }

    /// Skips `count` bytes. Returns whether there were as many.
    pub(crate) fn skip(&mut self, count: usize) -> Result<bool, DecompressError> {
        let mut left = count;
        loop {
            let here = left.min(self.end - self.at);
            self.at += here;
            left -= here;
            if left == 0 {
                return Ok(true);
            }
            // Kafka reads one byte if it finds nothing to skip: that passes over an empty block,
            // and finds the end.
            if !self.next()? {
                match self.byte()? {
                    Some(_) => left -= 1,
                    None => return Ok(false),
                }
            }
        }
    }

    /// Appends `count` bytes to `to`. Returns whether there were as many.
    pub(crate) fn read(&mut self, count: usize, to: &mut Vec<u8>) -> Result<bool, DecompressError> {
        let mut left = count;
        loop {
            let here = left.min(self.end - self.at);
            to.extend_from_slice(&self.piece[self.at..self.at + here]);
            self.at += here;
            left -= here;
            if left == 0 {
                return Ok(true);
            }
            if !self.next()? {
                return Ok(false);
            }
        }
    }

    /// Appends everything that is left to `to`.
    pub(crate) fn read_to_end(&mut self, to: &mut Vec<u8>) -> Result<(), DecompressError> {
        loop {
            to.extend_from_slice(&self.piece[self.at..self.end]);
            if !self.next()? {
                return Ok(());
            }
        }
    }
}

/// Records that are not compressed: one piece.
struct Plain<'a>(&'a [u8]);

impl Source for Plain<'_> {
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<Fill, DecompressError> {
        if self.0.is_empty() {
            return Ok(Fill::End);
        }
        make_room(piece, self.0.len());
        piece[..self.0.len()].copy_from_slice(self.0);
        Ok(Fill::Piece(std::mem::take(&mut self.0).len()))
    }
}
