//! The codecs of record batches: gzip, snappy, lz4 and zstd.
//!
//! A batch is stored and served as it came, unless a topic's `compression.type` asks for another
//! codec. [`super::decompress`] reads each codec.

use std::io::Write;

/// The codec that compresses the records of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// No compression (`uncompressed`).
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

/// The head of the framing that snappy-java puts around snappy blocks, before two version numbers.
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
/// The block size that snappy-java uses, and that every reader of its framing accepts.
const XERIAL_BLOCK: usize = 32 * 1024;

impl Compression {
    /// Returns the codec with this id in a batch's attributes.
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

    /// Returns the codec's id in a batch's attributes.
    pub(crate) fn id(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
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
    use bytes::Bytes;

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
}
