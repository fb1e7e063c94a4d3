//! Gzip members (RFC 1952).

use std::io::Write;

use flate2::{Compression, Crc, GzBuilder};

use super::payload::Payload;

const FHCRC: u8 = 2;

/// Makes a member with these flags, and extra fields after a header of ten bytes.
fn member(flags: u8, fields: &[u8], records: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255];
    bytes.extend(fields);
    let mut encoder = flate2::write::DeflateEncoder::new(bytes, Compression::default());
    encoder.write_all(records).expect("memory takes it");
    let mut bytes = encoder.finish().expect("memory takes it");
    let mut crc = Crc::new();
    crc.update(records);
    bytes.extend(crc.sum().to_le_bytes());
    bytes.extend((records.len() as u32).to_le_bytes());
    bytes
}

/// Makes a member whose header has its own checksum, wrong by `by`.
fn with_header_checksum(records: &[u8], by: u16) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(&[0x1f, 0x8b, 8, FHCRC, 0, 0, 0, 0, 0, 255]);
    member(FHCRC, &(crc.sum() as u16 ^ by).to_le_bytes(), records)
}

fn built(builder: GzBuilder, records: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = builder.write(Vec::new(), level);
    encoder.write_all(records).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

pub(super) fn payloads(records: &[u8]) -> Vec<(&'static str, Vec<Payload>)> {
    vec![("headers", headers(records)), ("members", members(records))]
}

fn headers(records: &[u8]) -> Vec<Payload> {
    let changed = |at: usize, byte: u8| {
        let mut bytes = member(0, &[], records);
        bytes[at] = byte;
        bytes
    };
    let named = GzBuilder::new().filename("records").comment("of a batch").extra(vec![1, 2, 3, 4]);
    vec![
        ("a name, a comment and an extra field", built(named, records, Compression::best())),
        ("stored blocks", built(GzBuilder::new(), records, Compression::none())),
        ("a checksum of the header", with_header_checksum(records, 0)),
        ("a wrong checksum of the header", with_header_checksum(records, 1)),
        ("the flag for text", changed(3, 1)),
        ("a reserved flag", changed(3, 0x80)),
        ("another method", changed(2, 7)),
        ("another magic", changed(1, 0x8c)),
        ("a zlib stream", {
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
            zlib.write_all(records).expect("memory takes it");
            zlib.finish().expect("memory takes it")
        }),
        ("an extra field that never ends", member(4, &[0xff, 0xff], records)),
        ("a name that never ends", vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255, b'n']),
    ]
}

fn members(records: &[u8]) -> Vec<Payload> {
    let (first, second) = records.split_at(30);
    let two = [member(0, &[], first), member(0, &[], second)].concat();
    let from_end = |by: usize| {
        let mut bytes = member(0, &[], records);
        let at = bytes.len() - by;
        bytes[at] ^= 1;
        bytes
    };
    vec![
        ("two members", two.clone()),
        ("two members and zeros", [&two[..], &[0; 20]].concat()),
        ("two members and half of a third", [&two[..], &member(0, &[], first)[..25]].concat()),
        ("two members, the second's header broken", {
            let mut broken = two.clone();
            broken[member(0, &[], first).len()] = 0;
            broken
        }),
        ("two members, the first's checksum wrong", {
            let mut broken = two.clone();
            broken[member(0, &[], first).len() - 8] ^= 1;
            broken
        }),
        ("an empty member between", {
            [member(0, &[], first), member(0, &[], &[]), member(0, &[], second)].concat()
        }),
        ("a wrong checksum", from_end(8)),
        ("a wrong size", from_end(4)),
        ("a deflate block of an unknown type", {
            let mut bytes = member(0, &[], records);
            bytes[10] |= 6;
            bytes
        }),
    ]
}
