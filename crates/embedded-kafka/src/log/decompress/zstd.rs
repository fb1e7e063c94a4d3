//! zstd (RFC 8878), as libzstd reads it for Kafka.
//!
//! Frames follow one another, and skippable ones are passed over. The decoder keeps a window, which
//! may be 128 MiB; its memory grows with what it has decoded, not with the window that a frame
//! claims.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::source::{DecompressError, Fill, Source, make_room};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The magic of a skippable frame except the low half of its first byte, which may be anything.
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
const RESERVED: u8 = 0x08;
const SINGLE_SEGMENT: u8 = 0x20;
const HAS_CHECKSUM: u8 = 0x04;
/// The largest window that libzstd accepts by default.
const MAX_WINDOW: u64 = (1 << 27) + 1;
/// Kafka hands compressed bytes to libzstd in parts of this size.
const PART: usize = 128 * 1024 + 3;
const BLOCK_HEAD: usize = 3;

pub(super) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    frame: Option<Frame>,
    /// The end of the last frame.
    frame_end: Option<usize>,
    /// Tells whether the whole of a frame that is cut short is read.
    is_cut: bool,
}

/// A frame that is being read.
struct Frame {
    decoder: Box<FrameDecoder>,
    content_size: Option<u64>,
    has_checksum: bool,
    decoded: u64,
}

/// The header in front of a frame's blocks.
struct Head {
    window: u64,
    content_size: Option<u64>,
    has_checksum: bool,
    has_dictionary: bool,
}

impl<'a> Frames<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, frame: None, frame_end: None, is_cut: false }
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Returns the result for a frame that ends too early: Kafka does not notice it after another
    /// frame that came in the same part.
    fn cut_short(&mut self) -> Result<Fill, DecompressError> {
        self.is_cut = true;
        let last_part = (self.bytes.len() - 1) / PART * PART;
        match self.frame_end {
            Some(end) if end > last_part => Ok(Fill::End),
            _ => Err(DecompressError::Corrupt),
        }
    }

    /// Begins the next frame. Returns whether its header is complete.
    fn begin(&mut self) -> Result<bool, DecompressError> {
        let rest = self.rest();
        let magic = &rest[..rest.len().min(4)];
        if is_skippable(magic) {
            return Ok(self.skip());
        }
        if !MAGIC.starts_with(magic) {
            return Err(DecompressError::Corrupt);
        }
        let Some(head) = rest.get(4..).and_then(Head::read) else {
            let is_reserved = rest.get(4).is_some_and(|descriptor| descriptor & RESERVED != 0);
            return if is_reserved { Err(DecompressError::Corrupt) } else { Ok(false) };
        };
        if head.window > MAX_WINDOW || head.has_dictionary {
            return Err(DecompressError::Corrupt);
        }
        let mut decoder = Box::new(FrameDecoder::new());
        decoder.set_max_window_size(MAX_WINDOW);
        let mut source = rest;
        decoder.init(&mut source).map_err(|_| DecompressError::Corrupt)?;
        self.at = self.bytes.len() - source.len();
        let Head { content_size, has_checksum, .. } = head;
        self.frame = Some(Frame { decoder, content_size, has_checksum, decoded: 0 });
        Ok(true)
    }

    /// Skips a skippable frame. Returns whether it is whole.
    fn skip(&mut self) -> bool {
        let size = self.rest().get(4..).and_then(|rest| rest.first_chunk());
        let end = size.map(|size| self.at + 8 + u32::from_le_bytes(*size) as usize);
        let whole = end.filter(|end| *end <= self.bytes.len());
        if let Some(end) = whole {
            self.at = end;
            self.frame_end = whole;
        }
        whole.is_some()
    }

    /// Returns the rest of an uncompressed block that is cut short, which libzstd passes on as it
    /// comes; `None` if the next block is whole.
    fn cut_block(&self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let Some((&[a, b, c], behind)) = rest.split_first_chunk::<BLOCK_HEAD>() else {
            return Some(&[]);
        };
        let head = u32::from_le_bytes([a, b, c, 0]);
        let (kind, size) = (head >> 1 & 3, (head >> 3) as usize);
        let has_checksum = self.frame.as_ref().is_some_and(|frame| frame.has_checksum);
        let needed = if kind == 1 { 1 } else { size };
        let checksum = if head & 1 == 1 && has_checksum { 4 } else { 0 };
        match kind {
            // A reserved kind is rejected before any byte after it is needed.
            3 => None,
            0 if behind.len() < needed + checksum => Some(&behind[..behind.len().min(size)]),
            _ if behind.len() < needed + checksum => Some(&[]),
            _ => None,
        }
    }
}

impl Source for Frames<'_> {
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<Fill, DecompressError> {
        loop {
            if self.is_cut {
                return self.cut_short();
            }
            if self.frame.is_none() {
                if self.rest().is_empty() {
                    return Ok(Fill::End);
                }
                if !self.begin()? {
                    return self.cut_short();
                }
                continue;
            }
            if let Some(cut) = self.cut_block() {
                self.is_cut = true;
                if cut.is_empty() {
                    continue;
                }
                make_room(piece, cut.len());
                piece[..cut.len()].copy_from_slice(cut);
                return Ok(Fill::Piece(cut.len()));
            }
            let mut source = self.rest();
            let Some(frame) = &mut self.frame else { continue };
            let written = frame.decode_block(&mut source, piece)?;
            let is_finished = frame.decoder.is_finished();
            self.at = self.bytes.len() - source.len();
            if is_finished {
                self.frame = None;
                self.frame_end = Some(self.at);
            }
            if written > 0 {
                return Ok(Fill::Piece(written));
            }
        }
    }
}

impl Frame {
    /// Decodes one block, and puts the bytes before the window into `piece`.
    fn decode_block(
        &mut self,
        source: &mut &[u8],
        piece: &mut Vec<u8>,
    ) -> Result<usize, DecompressError> {
        let decoder = &mut self.decoder;
        decoder
            .decode_blocks(source, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(|_| DecompressError::Corrupt)?;
        let ready = decoder.can_collect();
        make_room(piece, ready);
        let written = std::io::Read::read(&mut **decoder, &mut piece[..ready]);
        let written = written.map_err(|_| DecompressError::Corrupt)?;
        self.decoded += written as u64;
        if decoder.is_finished() {
            let has_its_size = self.content_size.is_none_or(|size| size == self.decoded);
            let sum = decoder.get_checksum_from_data();
            let has_its_sum = sum.is_none() || sum == decoder.get_calculated_checksum();
            if !has_its_size || !has_its_sum {
                return Err(DecompressError::Corrupt);
            }
        }
        Ok(written)
    }
}

/// Returns whether these first bytes can be a skippable frame's.
fn is_skippable(magic: &[u8]) -> bool {
    let mut pairs = magic.iter().zip(&SKIPPABLE).enumerate();
    pairs.all(
        |(at, (byte, expected))| if at == 0 { byte & 0xf0 == *expected } else { byte == expected },
    )
}

impl Head {
    /// Reads the header after the magic, `None` if it is incomplete or its reserved bit is set.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&descriptor, mut rest) = bytes.split_first()?;
        let mut number = |size: usize| {
            let (field, behind) = rest.split_at_checked(size)?;
            rest = behind;
            let bytes = field.iter().rev();
            Some(bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
        };
        let is_single = descriptor & SINGLE_SEGMENT != 0;
        let window = if is_single { 0 } else { number(1)? };
        let dictionary = number([0, 1, 2, 4][usize::from(descriptor & 3)])?;
        let content_size = match descriptor >> 6 {
            0 if is_single => Some(number(1)?),
            0 => None,
            1 => Some(number(2)? + 256),
            2 => Some(number(4)?),
            _ => Some(number(8)?),
        };
        let base = 1 << (10 + (window >> 3));
        let window = if is_single { content_size? } else { base + base / 8 * (window & 7) };
        let has_checksum = descriptor & HAS_CHECKSUM != 0;
        let head = Self { window, content_size, has_checksum, has_dictionary: dictionary != 0 };
        (descriptor & RESERVED == 0).then_some(head)
    }
}
