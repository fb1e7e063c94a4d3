//! The codecs of record batches: gzip, snappy, lz4 and zstd.
//!
//! A batch is stored and served as it came. The codecs run only where the broker has to look inside
//! one, or where a topic's `compression.type` asks for another codec. Nothing is allocated by a size
//! that compressed bytes claim: output grows as it is produced and stops at the caller's cap.

use std::io::{Read, Write};

use bytes::Bytes;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Not at all (`uncompressed`).
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy blocks, raw or in the framing of the Java library snappy-java.
    Snappy,
    /// The lz4 frame format.
    Lz4,
    /// RFC 8878.
    Zstd,
}

/// Why compressed records could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecompressError {
    /// The output is larger than the caller is willing to hold.
    #[error("the records are larger than {0} bytes when decompressed")]
    TooLarge(usize),
    /// The bytes are not what the codec writes.
    #[error("the records cannot be decompressed")]
    Corrupt,
}

/// The head of the framing that snappy-java puts around snappy blocks, before two version numbers.
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;
/// The block size that snappy-java uses, and every reader of its framing copes with.
const XERIAL_BLOCK: usize = 32 * 1024;
/// Three bytes of snappy stand for at most 64 bytes of output.
const SNAPPY_MAX_RATIO: usize = 22;
/// The largest window that the zstd command line tool reads without being asked to. The decoder's
/// memory grows with what it has decoded, not with the window that a frame claims.
const ZSTD_MAX_WINDOW: u64 = 128 * 1024 * 1024;

impl Compression {
    /// The codec with this id in a batch's attributes.
    pub(crate) fn from_id(id: i16) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The codec's id in a batch's attributes.
    pub(crate) fn id(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// Decompresses `bytes` to at most `cap` bytes.
    pub(crate) fn decompress(self, bytes: &Bytes, cap: usize) -> Result<Bytes, DecompressError> {
        let output = match self {
            Self::None => return Ok(bytes.clone()),
            Self::Gzip => read_all(flate2::read::MultiGzDecoder::new(&bytes[..]), cap)?,
            Self::Snappy => snappy_decompress(bytes, cap)?,
            Self::Lz4 => read_all(lz4_flex::frame::FrameDecoder::new(&bytes[..]), cap)?,
            Self::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(
                    &bytes[..],
                    ZSTD_MAX_WINDOW,
                );
                read_all(decoder.map_err(|_| DecompressError::Corrupt)?, cap)?
            }
        };
        Ok(output.into())
    }

    /// Compresses `bytes`.
    ///
    /// # Errors
    /// When the codec cannot take the input, such as a snappy block beyond 4 GiB.
    pub(crate) fn compress(self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(bytes.to_vec()),
            Self::Gzip => {
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Snappy => snappy_compress(bytes),
            Self::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(bytes)?;
                encoder.finish().map_err(std::io::Error::other)
            }
            Self::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                Ok(ruzstd::encoding::compress_to_vec(bytes, level))
            }
        }
    }
}

fn read_all(reader: impl Read, cap: usize) -> Result<Vec<u8>, DecompressError> {
    let mut output = Vec::new();
    let limit = (cap as u64).saturating_add(1);
    reader.take(limit).read_to_end(&mut output).map_err(|_| DecompressError::Corrupt)?;
    if output.len() > cap {
        return Err(DecompressError::TooLarge(cap));
    }
    Ok(output)
}

/// librdkafka writes raw snappy, the Java client writes framed blocks; both are read everywhere.
fn snappy_decompress(bytes: &[u8], cap: usize) -> Result<Vec<u8>, DecompressError> {
    let mut output = Vec::new();
    if !bytes.starts_with(XERIAL_MAGIC) {
        snappy_block(bytes, cap, &mut output)?;
        return Ok(output);
    }
    let mut rest = bytes.get(XERIAL_HEADER..).ok_or(DecompressError::Corrupt)?;
    while let Some((length, blocks)) = rest.split_first_chunk::<4>() {
        let length =
            usize::try_from(i32::from_be_bytes(*length)).map_err(|_| DecompressError::Corrupt)?;
        let block = blocks.get(..length).ok_or(DecompressError::Corrupt)?;
        snappy_block(block, cap, &mut output)?;
        rest = &blocks[length..];
    }
    if rest.is_empty() { Ok(output) } else { Err(DecompressError::Corrupt) }
}

fn snappy_block(block: &[u8], cap: usize, output: &mut Vec<u8>) -> Result<(), DecompressError> {
    let claimed = snap::raw::decompress_len(block).map_err(|_| DecompressError::Corrupt)?;
    if claimed > cap.saturating_sub(output.len()) {
        return Err(DecompressError::TooLarge(cap));
    }
    if claimed > block.len().saturating_mul(SNAPPY_MAX_RATIO) {
        return Err(DecompressError::Corrupt);
    }
    let start = output.len();
    output.resize(start + claimed, 0);
    let written = snap::raw::Decoder::new()
        .decompress(block, &mut output[start..])
        .map_err(|_| DecompressError::Corrupt)?;
    output.truncate(start + written);
    Ok(())
}

fn snappy_compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut output = Vec::from(XERIAL_MAGIC);
    // The version that wrote the stream, and the oldest that can read it.
    output.extend_from_slice(&1_i32.to_be_bytes());
    output.extend_from_slice(&1_i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for chunk in bytes.chunks(XERIAL_BLOCK) {
        let block = encoder.compress_vec(chunk).map_err(std::io::Error::other)?;
        output.extend_from_slice(&(block.len() as u32).to_be_bytes());
        output.extend_from_slice(&block);
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CODECS: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    #[test]
    fn every_codec_reads_what_it_wrote() {
        let text = Bytes::from(b"partition leader epoch ".repeat(10_000));
        for codec in CODECS {
            let compressed = Bytes::from(codec.compress(&text).unwrap());
            assert_eq!(codec.decompress(&compressed, 1 << 20).unwrap(), text, "{codec:?}");
            assert_eq!(Compression::from_id(codec.id()), Some(codec));
        }
    }

    #[test]
    fn snappy_without_framing_is_read_too() {
        let raw = snap::raw::Encoder::new().compress_vec(b"as librdkafka sends it").unwrap();
        let text = Compression::Snappy.decompress(&raw.into(), 100).unwrap();
        assert_eq!(&text[..], b"as librdkafka sends it");
    }

    #[test]
    fn output_stops_at_the_cap() {
        let zeros = vec![0; 1 << 20];
        for codec in &CODECS[1..] {
            let compressed = Bytes::from(codec.compress(&zeros).unwrap());
            assert_eq!(
                codec.decompress(&compressed, 1 << 16),
                Err(DecompressError::TooLarge(1 << 16)),
                "{codec:?}"
            );
        }
    }

    #[test]
    fn a_snappy_block_cannot_claim_more_than_snappy_can_hold() {
        let mut block = vec![0x80, 0x80, 0x80, 0x20];
        block.extend_from_slice(&[0; 8]);
        assert_eq!(
            Compression::Snappy.decompress(&block.into(), 1 << 30),
            Err(DecompressError::Corrupt)
        );
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            text in proptest::collection::vec(any::<u8>(), 0..400),
            at in any::<prop::sample::Index>(),
            value in any::<u8>(),
        ) {
            for codec in CODECS {
                let _ = codec.decompress(&text.clone().into(), 1 << 16);
                let mut compressed = codec.compress(&text).unwrap();
                if !compressed.is_empty() {
                    let at = at.index(compressed.len());
                    compressed[at] = value;
                }
                let _ = codec.decompress(&compressed.into(), 1 << 16);
            }
        }
    }
}
