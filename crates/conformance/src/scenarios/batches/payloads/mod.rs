//! Compressed records that no client sends, codec by codec: other framings, flags, checksums, and
//! sizes, and bytes that are something else.

mod gzip;
mod lz4;
mod payload;
mod snappy;
mod zstd;

use super::codec::Codec;
pub(super) use payload::Payload;
use payload::with_zeros;

/// Returns the payloads of one codec in groups, each of which becomes a table. All contain
/// `records` if they contain anything.
pub(super) fn of(codec: Codec, records: &[u8]) -> Vec<(&'static str, Vec<Payload>)> {
    let own = match codec {
        Codec::None => return Vec::new(),
        Codec::Gzip => gzip::payloads(records),
        Codec::Snappy => snappy::payloads(records),
        Codec::Lz4 => lz4::payloads(records),
        Codec::Zstd => zstd::payloads(records),
    };
    [own, vec![("damaged", damaged(codec, records)), ("large", large(codec))]].concat()
}

/// Returns payloads that were never compressed, or were damaged afterwards.
fn damaged(codec: Codec, records: &[u8]) -> Vec<Payload> {
    let whole = codec.compress(records);
    let cut = |bytes: usize| whole[..whole.len() - bytes].to_vec();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    vec![
        ("nothing", Vec::new()),
        ("one byte", vec![whole[0]]),
        ("its first five bytes", whole[..5].to_vec()),
        ("half of it", whole[..whole.len() / 2].to_vec()),
        ("all but the last byte", cut(1)),
        ("all but the last four", cut(4)),
        ("all but the last ten", cut(10)),
        ("a flipped bit", flipped),
        ("text", b"these bytes were never compressed".to_vec()),
        ("zeros", vec![0; 40]),
        ("records as they are", records.to_vec()),
        ("compressed twice", codec.compress(&whole)),
        ("a byte behind it", [&whole[..], &[0]].concat()),
        ("text behind it", [&whole[..], b"these bytes are too many"].concat()),
        ("itself behind it", [&whole[..], &whole].concat()),
        ("nothing compressed", codec.compress(&[])),
        ("nothing compressed in front of it", [&codec.compress(&[])[..], &whole].concat()),
    ]
}

/// Returns payloads that are small only when compressed: by default, a topic accepts a megabyte.
fn large(codec: Codec) -> Vec<Payload> {
    let of = |bytes| codec.compress(&with_zeros(bytes));
    vec![("a value of 100 kB", of(100_000)), ("a value of 3 MB", of(3_000_000))]
}
