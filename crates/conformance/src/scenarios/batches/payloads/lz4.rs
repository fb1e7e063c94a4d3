//! LZ4 frames.

use std::io::Write;

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use twox_hash::XxHash32;

use super::payload::{Payload, with_zeros};

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// Independent blocks, version 1.
const FLAGS: u8 = 0x60;
const BLOCK_CHECKSUM: u8 = 0x10;
const CONTENT_SIZE: u8 = 0x08;
const CONTENT_CHECKSUM: u8 = 0x04;
const UNCOMPRESSED: u32 = 1 << 31;
/// Blocks of at most 64 KiB.
const SMALL_BLOCKS: u8 = 0x40;

fn encoded(info: FrameInfo, records: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(records).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Makes the header of a frame with these flags, and `fields` between them and their checksum.
fn head(flags: u8, sizes: u8, fields: &[u8]) -> Vec<u8> {
    let descriptor = [&[flags, sizes][..], fields].concat();
    let checksum = (XxHash32::oneshot(0, &descriptor) >> 8) as u8;
    [&MAGIC[..], &descriptor, &[checksum]].concat()
}

fn block(bytes: &[u8]) -> Vec<u8> {
    let bytes = lz4_flex::block::compress(bytes);
    [&(bytes.len() as u32).to_le_bytes()[..], &bytes].concat()
}

fn stored(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32 | UNCOMPRESSED).to_le_bytes()[..], bytes].concat()
}

/// Makes a frame of one block with this header, and bytes after its end.
fn frame(head: Vec<u8>, records: &[u8], behind: &[u8]) -> Vec<u8> {
    [&head[..], &block(records), &[0; 4], behind].concat()
}

pub(super) fn payloads(records: &[u8]) -> Vec<(&'static str, Vec<Payload>)> {
    vec![("heads", heads(records)), ("blocks", blocks(records)), ("frames", frames(records))]
}

fn heads(records: &[u8]) -> Vec<Payload> {
    let with = |flags, sizes| frame(head(flags, sizes, &[]), records, &[]);
    let mut wrong = with(FLAGS, SMALL_BLOCKS);
    wrong[6] ^= 1;
    let size = |bytes: u64| {
        frame(head(FLAGS | CONTENT_SIZE, SMALL_BLOCKS, &bytes.to_le_bytes()), records, &[])
    };
    let sized = |size| encoded(FrameInfo::new().block_size(size), records);
    vec![
        ("blocks of 64 KiB", sized(BlockSize::Max64KB)),
        ("blocks of 256 KiB", sized(BlockSize::Max256KB)),
        ("blocks of 1 MiB", sized(BlockSize::Max1MB)),
        ("blocks of 4 MiB", sized(BlockSize::Max4MB)),
        ("blocks of 4 KiB", with(FLAGS, 0x30)),
        ("a reserved bit of the sizes", with(FLAGS, 0xc0)),
        ("a low bit of the sizes", with(FLAGS, 0x41)),
        ("a reserved flag", with(FLAGS | 2, SMALL_BLOCKS)),
        ("a dictionary", frame(head(FLAGS | 1, SMALL_BLOCKS, &[1, 0, 0, 0]), records, &[])),
        ("version 0", with(0x20, SMALL_BLOCKS)),
        ("version 2", with(0xa0, SMALL_BLOCKS)),
        ("dependent blocks", encoded(FrameInfo::new().block_mode(BlockMode::Linked), records)),
        ("a wrong checksum of the head", wrong),
        ("its content size", size(records.len() as u64)),
        ("another content size", size(records.len() as u64 + 1)),
        ("a content size of 1 EiB", size(1 << 60)),
    ]
}

fn blocks(records: &[u8]) -> Vec<Payload> {
    let (first, second) = records.split_at(30);
    let plain = head(FLAGS, SMALL_BLOCKS, &[]);
    let of = |parts: &[&[u8]]| [&plain[..], &parts.concat()].concat();
    let checked = |by: u32, contents: bool| {
        let whole = if contents { block(records) } else { stored(records) };
        let checksum = XxHash32::oneshot(0, &whole[4..]) ^ by;
        let head = head(FLAGS | BLOCK_CHECKSUM, SMALL_BLOCKS, &[]);
        [&head[..], &whole, &checksum.to_le_bytes(), &[0; 4]].concat()
    };
    let mut beyond = block(records);
    beyond.splice(..4, 65_537_u32.to_le_bytes());
    vec![
        ("two blocks", of(&[&block(first), &block(second), &[0; 4]])),
        ("an uncompressed block", of(&[&stored(records), &[0; 4]])),
        ("an uncompressed block behind a compressed one", {
            of(&[&block(first), &stored(second), &[0; 4]])
        }),
        ("an empty uncompressed block", of(&[&block(records), &stored(&[]), &[0; 4]])),
        ("an empty block", of(&[&block(first), &block(&[]), &block(second), &[0; 4]])),
        ("its checksum", checked(0, true)),
        ("another checksum", checked(1, true)),
        ("the checksum of an uncompressed block", checked(0, false)),
        ("another checksum of an uncompressed block", checked(1, false)),
        ("no checksum where one belongs", {
            [&head(FLAGS | BLOCK_CHECKSUM, SMALL_BLOCKS, &[])[..], &block(records)].concat()
        }),
        ("no end mark", of(&[&block(records)])),
        ("half of an end mark", of(&[&block(records), &[0; 2]])),
        ("a block of more bytes than there are", of(&[&block(records)[..40]])),
        ("a block beyond the largest", of(&[&beyond, &[0; 4]])),
        ("a block that is larger than the largest when decompressed", {
            let records = with_zeros(70_000);
            of(&[&block(&records[..70_000]), &block(&records[70_000..]), &[0; 4]])
        }),
        ("a block that refers to where it stands", {
            let odd = [0x32, records[0], records[1], records[2], 0, 0];
            let odd = [&odd[..], &[0xf0, 20], &records[9..44]].concat();
            let size = (odd.len() as u32).to_le_bytes();
            of(&[&size, &odd, &block(&records[44..]), &[0; 4]])
        }),
        ("a block that ends with what it refers to", {
            of(&[&block(records), &[4, 0, 0, 0], &[0x14, 0, 1, 0], &[0; 4]])
        }),
        (
            "a block that refers to what is not there",
            of(&[&[3, 0, 0, 0, 0x04, 0xff, 0xff], &[0; 4]]),
        ),
    ]
}

fn frames(records: &[u8]) -> Vec<Payload> {
    let (first, second) = records.split_at(30);
    let plain = |part| frame(head(FLAGS, SMALL_BLOCKS, &[]), part, &[]);
    let contents = |by: u32| {
        let checksum = XxHash32::oneshot(0, records) ^ by;
        frame(head(FLAGS | CONTENT_CHECKSUM, SMALL_BLOCKS, &[]), records, &checksum.to_le_bytes())
    };
    let unchecked = || frame(head(FLAGS | CONTENT_CHECKSUM, SMALL_BLOCKS, &[]), records, &[]);
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    vec![
        ("a checksum of its content", contents(0)),
        ("another checksum of its content", contents(1)),
        ("no checksum of its content where one belongs", unchecked()),
        ("two frames", [plain(first), plain(second)].concat()),
        ("two frames, all in the first", [plain(records), plain(&[])].concat()),
        ("a skippable frame in front", [&skippable[..], &plain(records)].concat()),
        ("a skippable frame behind", [&plain(records)[..], &skippable].concat()),
        ("a legacy frame", [&[0x02, 0x21, 0x4c, 0x18][..], &block(records)].concat()),
    ]
}
