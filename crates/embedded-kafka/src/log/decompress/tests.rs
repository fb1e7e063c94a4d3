//! Streams of each codec: the bytes that are read, and the limits that always hold.

use proptest::prelude::*;

use super::super::compression::Compression;
use super::*;

const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

fn read(codec: Compression, bytes: &[u8], cap: usize) -> Result<Vec<u8>, DecompressError> {
    let mut output = Vec::new();
    Decompressed::new(codec, bytes, cap)?.read_to_end(&mut output)?;
    Ok(output)
}

#[test]
fn every_codec_is_read_byte_by_byte_in_pieces_and_past() {
    let text: Vec<u8> = (0..200_000_u32).flat_map(|it| (it / 7).to_le_bytes()).collect();
    for codec in CODECS {
        let compressed = codec.compress(&text).unwrap();
        let mut from = Decompressed::new(codec, &compressed, 1 << 20).unwrap();
        assert_eq!(from.byte(), Ok(Some(text[0])), "{codec:?}");
        assert_eq!(from.skip(99_999), Ok(true));
        let mut part = Vec::new();
        assert_eq!(from.read(200_000, &mut part), Ok(true));
        assert_eq!(part, text[100_000..300_000]);
        assert_eq!(from.skip(text.len() - 300_001), Ok(true));
        assert_eq!(from.byte(), Ok(text.last().copied()));
        assert_eq!((from.byte(), from.skip(1)), (Ok(None), Ok(false)), "{codec:?}");
    }
}

#[test]
fn bytes_after_a_stream_are_read_where_kafka_reads_them() {
    for (codec, expected) in [
        (Compression::Gzip, "oneone"),
        (Compression::Snappy, "oneone"),
        (Compression::Lz4, "one"),
        (Compression::Zstd, "oneone"),
    ] {
        let twice = codec.compress(b"one").unwrap().repeat(2);
        assert_eq!(read(codec, &twice, 100).unwrap(), expected.as_bytes(), "{codec:?}");
    }
}

#[test]
fn output_stops_at_the_cap() {
    let zeros = vec![0; 1 << 20];
    for codec in CODECS {
        let compressed = codec.compress(&zeros).unwrap();
        let stopped = read(codec, &compressed, 1 << 16);
        assert_eq!(stopped, Err(DecompressError::TooLarge(1 << 16)), "{codec:?}");
    }
}

#[test]
fn no_piece_is_larger_than_its_bytes_can_stand_for() {
    // A block of snappy that claims a gigabyte, and a frame of lz4 with blocks of 4 MiB that holds
    // six bytes.
    let gigabyte = [0x80, 0x80, 0x80, 0x80, 4, 0, 0, 0, 0];
    let mut blocks = snappy::Blocks::new(&gigabyte).unwrap();
    let mut piece = Vec::new();
    assert!(blocks.fill(&mut piece).is_err());
    let block = lz4_flex::block::compress(b"sixsix");
    let descriptor = [0x60, 0x70];
    let checksum = (twox_hash::XxHash32::oneshot(0, &descriptor) >> 8) as u8;
    let head = [&[0x04, 0x22, 0x4d, 0x18][..], &descriptor, &[checksum]].concat();
    let frame = [&head[..], &(block.len() as u32).to_le_bytes(), &block, &[0; 4]].concat();
    let mut frame = lz4::Frame::new(&frame).unwrap();
    assert!(matches!(frame.fill(&mut piece), Ok(Fill::Piece(6))));
    assert!(piece.len() < 4_000, "{} bytes", piece.len());
}

#[test]
fn a_window_of_128_mib_takes_no_memory_by_itself() {
    // One uncompressed block of three bytes.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 0x19, 0, 0, b'o', b'n', b'e'];
    assert_eq!(read(Compression::Zstd, &frame, 100).unwrap(), b"one");
    let larger = [0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 0x19, 0, 0, b'o', b'n', b'e'];
    assert_eq!(read(Compression::Zstd, &larger, 100), Err(DecompressError::Corrupt));
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(
        text in proptest::collection::vec(any::<u8>(), 0..400),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for codec in CODECS {
            let _ = read(codec, &text, 1 << 16);
            let repeated = text.repeat(3);
            let mut compressed = codec.compress(&repeated).unwrap();
            for (at, value) in &changes {
                if !compressed.is_empty() {
                    let at = at.index(compressed.len());
                    compressed[at] = *value;
                }
            }
            let _ = read(codec, &compressed, 1 << 16);
        }
    }
}
