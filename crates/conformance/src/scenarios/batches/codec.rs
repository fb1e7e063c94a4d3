//! The codecs of a batch, as producers use them.

use std::io::{Read, Write};

use bytes::Bytes;

use super::framing::{framed, unframed};

/// The compression of the records of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    pub(super) const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Returns its bits in a batch's attributes.
    pub(super) fn id(self) -> i16 {
        Self::ALL.iter().position(|it| *it == self).unwrap_or(0) as i16
    }

    pub(super) fn of(attributes: i16) -> Option<Self> {
        Self::ALL.get(usize::from((attributes & 7) as u8)).copied()
    }

    /// Returns its name as a value of `compression.type`.
    pub(super) fn name(self) -> &'static str {
        ["uncompressed", "gzip", "snappy", "lz4", "zstd"][self.id() as usize]
    }

    /// Compresses `records` as a client does.
    pub(super) fn compress(self, records: &[u8]) -> Vec<u8> {
        const IN_MEMORY: &str = "compressing in memory does not fail";
        match self {
            Self::None => records.to_vec(),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                encoder.write_all(records).expect(IN_MEMORY);
                encoder.finish().expect(IN_MEMORY)
            }
            Self::Snappy => framed(&[records]),
            Self::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(records).expect(IN_MEMORY);
                encoder.finish().expect(IN_MEMORY)
            }
            Self::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                ruzstd::encoding::compress_to_vec(records, level)
            }
        }
    }

    /// Decompresses the records of a stored batch.
    pub(super) fn decompress(self, bytes: &Bytes) -> Option<Bytes> {
        let mut records = Vec::new();
        match self {
            Self::None => return Some(bytes.clone()),
            Self::Gzip => {
                flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut records).ok()?;
            }
            Self::Snappy => return unframed(bytes).map(Bytes::from),
            Self::Lz4 => {
                let mut decoder = lz4_flex::frame::FrameDecoder::new(&bytes[..]);
                decoder.read_to_end(&mut records).ok()?;
            }
            Self::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(&bytes[..]);
                decoder.ok()?.read_to_end(&mut records).ok()?;
            }
        }
        Some(records.into())
    }
}
