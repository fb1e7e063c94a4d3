//! Snappy, raw and in the framings of snappy-java and of the format's own description.

use super::Payload;

/// What snappy-java puts in front of its blocks, with its version and the oldest that can read it.
fn head(version: i32, compatible: i32) -> Vec<u8> {
    [b"\x82SNAPPY\0", &version.to_be_bytes()[..], &compatible.to_be_bytes()].concat()
}

fn raw(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).expect("a batch fits into a block")
}

/// A block behind a length that is wrong by `by`.
fn block(bytes: &[u8], by: i32) -> Vec<u8> {
    let bytes = raw(bytes);
    [&(bytes.len() as i32 + by).to_be_bytes()[..], &bytes].concat()
}

/// Blocks in the framing of snappy-java.
pub(in super::super) fn framed(blocks: &[&[u8]]) -> Vec<u8> {
    let blocks = blocks.iter().map(|it| block(it, 0)).collect::<Vec<_>>().concat();
    [head(1, 1), blocks].concat()
}

/// The opposite of [`framed`]; bytes that are not framed are one block.
pub(in super::super) fn unframed(bytes: &[u8]) -> Option<Vec<u8>> {
    let Some(mut rest) = bytes.strip_prefix(&b"\x82SNAPPY\0"[..]).and_then(|it| it.get(8..)) else {
        return snap::raw::Decoder::new().decompress_vec(bytes).ok();
    };
    let mut records = Vec::new();
    while let Some((length, blocks)) = rest.split_first_chunk::<4>() {
        let (block, behind) = blocks.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        records.extend(snap::raw::Decoder::new().decompress_vec(block).ok()?);
        rest = behind;
    }
    Some(records)
}

pub(super) fn payloads(records: &[u8]) -> Vec<(&'static str, Vec<Payload>)> {
    vec![("framings", framings(records)), ("blocks", blocks(records))]
}

fn framings(records: &[u8]) -> Vec<Payload> {
    let of_version = |version, compatible| [head(version, compatible), block(records, 0)].concat();
    let mut other_magic = of_version(1, 1);
    other_magic[3] = b'X';
    let mut own_framing = Vec::new();
    let mut encoder = snap::write::FrameEncoder::new(&mut own_framing);
    std::io::Write::write_all(&mut encoder, records).expect("memory takes it");
    drop(encoder);
    vec![
        ("raw", raw(records)),
        ("raw and a byte behind it", [&raw(records)[..], &[0]].concat()),
        ("version 0", of_version(0, 0)),
        ("version 1 that version 0 can read", of_version(1, 0)),
        ("version 9 that only version 9 can read", of_version(9, 9)),
        ("another magic", other_magic),
        ("the framing of snappy's own description", own_framing),
        ("only a head", head(1, 1)),
        ("half of a head", head(1, 1)[..10].to_vec()),
    ]
}

fn blocks(records: &[u8]) -> Vec<Payload> {
    let (first, second) = records.split_at(30);
    let of = |parts: &[&[u8]]| [&head(1, 1)[..], &parts.concat()].concat();
    let whole = block(records, 0);
    let mut claims = block(records, 0);
    claims[4] += 1;
    vec![
        ("two blocks", framed(&[first, second])),
        ("two streams", [framed(&[first]), framed(&[second])].concat()),
        ("two streams, the second of version 0", {
            [framed(&[first]), head(0, 0), block(second, 0)].concat()
        }),
        ("half of a head behind it", of(&[&whole, &head(1, 1)[..9]])),
        ("an empty block", of(&[&block(first, 0), &block(&[], 0), &block(second, 0)])),
        ("a block of no bytes", of(&[&block(first, 0), &[0; 4], &block(second, 0)])),
        ("three bytes behind it", of(&[&whole, &[0; 3]])),
        ("zeros behind it", of(&[&whole, &[0; 8]])),
        ("a negative length", of(&[&block(first, 0), &[0xff; 4], &block(second, 0)])),
        ("a huge length", of(&[&[0x7f, 0xff, 0xff, 0xff], &whole[4..]])),
        ("a length of one more", of(&[&block(records, 1)])),
        ("a length of one less", of(&[&block(records, -1)])),
        ("a block that claims a byte more", of(&[&claims])),
        (
            "a block that claims a gigabyte",
            of(&[&[0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0]]),
        ),
    ]
}
