//! Zstd frames (RFC 8878).

use twox_hash::XxHash64;

use super::payload::{Payload, with_zeros};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const CHECKSUM: u8 = 0x04;
const SINGLE_SEGMENT: u8 = 0x20;
/// A window of 1 KiB.
const SMALL_WINDOW: u8 = 0;

/// Makes a block that contains `bytes` uncompressed.
fn raw(bytes: &[u8], is_last: bool) -> Vec<u8> {
    let head = u32::from(is_last) | (bytes.len() as u32) << 3;
    [&head.to_le_bytes()[..3], bytes].concat()
}

/// Makes a block of this type and size that ends the frame.
fn last(kind: u32, size: u32, bytes: &[u8]) -> Vec<u8> {
    [&(1 | kind << 1 | size << 3).to_le_bytes()[..3], bytes].concat()
}

/// Makes a frame with this descriptor and window around `content`.
fn frame(descriptor: u8, fields: &[u8], content: &[u8]) -> Vec<u8> {
    [&MAGIC[..], &[descriptor], fields, content].concat()
}

fn plain(records: &[u8]) -> Vec<u8> {
    frame(0, &[SMALL_WINDOW], &raw(records, true))
}

pub(super) fn payloads(records: &[u8]) -> Vec<(&'static str, Vec<Payload>)> {
    vec![("heads", heads(records)), ("blocks", blocks(records)), ("frames", frames(records))]
}

fn heads(records: &[u8]) -> Vec<Payload> {
    let whole = raw(records, true);
    let windowed = |exponent: u8| frame(0, &[exponent << 3], &whole);
    let sized = |size: u8| frame(SINGLE_SEGMENT, &[size], &whole);
    let checked = |by: u32| {
        let checksum = XxHash64::oneshot(0, records) as u32 ^ by;
        [frame(CHECKSUM, &[SMALL_WINDOW], &whole), checksum.to_le_bytes().to_vec()].concat()
    };
    let huge = [SMALL_WINDOW, 0, 0, 0, 0, 0, 0, 0, 1];
    vec![
        ("a window of 1 KiB", windowed(0)),
        ("a window of 8 MiB", windowed(13)),
        ("a window of 128 MiB", windowed(17)),
        ("a window of 144 MiB", frame(0, &[17 << 3 | 1], &whole)),
        ("a window of 256 MiB", windowed(18)),
        ("a window of 2 TiB", windowed(31)),
        ("its content size and no window", sized(records.len() as u8)),
        ("a content size of one more", sized(records.len() as u8 + 1)),
        ("a content size of one less", sized(records.len() as u8 - 1)),
        ("a content size of 2 PiB", frame(0xc0, &huge, &whole)),
        ("a single segment of 2 PiB", frame(0xc0 | SINGLE_SEGMENT, &huge[1..], &whole)),
        ("a dictionary", frame(1, &[SMALL_WINDOW, 7], &whole)),
        ("dictionary 0", frame(1, &[SMALL_WINDOW, 0], &whole)),
        ("the unused bit", frame(0x10, &[SMALL_WINDOW], &whole)),
        ("the reserved bit", frame(0x08, &[SMALL_WINDOW], &whole)),
        ("its checksum", checked(0)),
        ("another checksum", checked(1)),
        ("no checksum where one belongs", frame(CHECKSUM, &[SMALL_WINDOW], &whole)),
    ]
}

fn blocks(records: &[u8]) -> Vec<Payload> {
    let (first, second) = records.split_at(30);
    let of = |parts: &[&[u8]]| frame(0, &[SMALL_WINDOW], &parts.concat());
    let zeros = with_zeros(2_000);
    vec![
        ("two blocks", of(&[&raw(first, false), &raw(second, true)])),
        ("an empty block at the end", of(&[&raw(records, false), &raw(&[], true)])),
        ("no last block", of(&[&raw(records, false)])),
        ("a block of a repeated byte", of(&[&raw(records, false), &last(1, 2, &[0])])),
        ("a block of a reserved type", of(&[&last(3, 2, &[0, 0])])),
        ("a block that is larger than its window", of(&[&raw(&zeros, true)])),
        ("a block of more than 128 KiB", of(&[&last(0, 131_073, records)])),
        ("a repeated byte of more than 128 KiB", of(&[&last(1, 200_000, &[0])])),
        ("a compressed block of one byte", of(&[&last(2, 1, &[0])])),
        ("a compressed block of garbage", of(&[&last(2, 20, &[0x5a; 20])])),
    ]
}

fn frames(records: &[u8]) -> Vec<Payload> {
    let (first, second) = records.split_at(30);
    let skippable = [0x5a, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    let old = [0x27, 0xb5, 0x2f, 0xfd];
    vec![
        ("two frames", [plain(first), plain(second)].concat()),
        ("an empty frame between", [plain(first), plain(&[]), plain(second)].concat()),
        ("an empty frame behind", [plain(records), plain(&[])].concat()),
        ("a skippable frame in front", [&skippable[..], &plain(records)].concat()),
        ("a skippable frame between", [&plain(first)[..], &skippable, &plain(second)].concat()),
        ("a skippable frame behind", [&plain(records)[..], &skippable].concat()),
        ("half of a skippable frame behind", [&plain(records)[..], &skippable[..10]].concat()),
        ("half of a frame behind", [&plain(records)[..], &plain(records)[..12]].concat()),
        ("only a skippable frame", skippable.to_vec()),
        ("no magic", plain(records)[4..].to_vec()),
        ("a frame of version 0.7", [&old[..], &plain(records)[4..]].concat()),
    ]
}
