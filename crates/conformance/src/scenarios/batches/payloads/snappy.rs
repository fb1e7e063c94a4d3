//! Snappy, raw and in two framings: snappy-java's, and the one of the format's specification.

use super::payload::Payload;
use crate::scenarios::batches::framing::{block, framed, head, raw};

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
