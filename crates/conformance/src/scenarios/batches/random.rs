//! Batches with randomly changed bytes, the same in every run.

use bytes::{Bytes, BytesMut};
use wire_client::batch::with_right_crc;

use super::codec::Codec;
use super::forge::{Forged, field, varint};
use super::table::{Settings, table};
use crate::scenario::{Outcome, Scenario};
use crate::scene::Scene;

/// The number of batches that a scenario sends, each to its own partition.
const CELLS: u64 = 24;

/// The part of a batch in which bytes are changed.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The records, before compression.
    Records,
    /// The records, after compression.
    Compressed,
    /// The header, after the checksum.
    Header,
}

const PLACES: [(&str, Place); 3] =
    [("records", Place::Records), ("compressed", Place::Compressed), ("header", Place::Header)];

/// A sequence of numbers that is the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// Changes one to three bytes after the first `kept`.
    fn change(&mut self, bytes: &mut [u8], kept: usize) {
        for _ in 0..=self.below(3) {
            if bytes.len() > kept {
                let at = kept + self.below(bytes.len() - kept);
                bytes[at] = match self.below(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => bytes[at] ^ (1 << self.below(8)),
                    _ => self.below(256) as u8,
                };
            }
        }
    }
}

/// Makes a batch of many records, whose values repeat words as texts do.
pub(super) fn many(records: usize) -> Forged {
    const WORDS: [&str; 6] = ["departed ", "arrived ", "delayed ", "JFK ", "Newark ", "on time "];
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let mut forged = Forged::good();
    let record = forged.records[1].clone();
    forged.records.clear();
    for index in 0..records {
        let words = (0..chance.below(12)).map(|_| WORDS[chance.below(6)]);
        let mut record = record.clone();
        record.value = field(words.collect::<String>().as_bytes());
        record.key = field(format!("{:x}", chance.below(1 << 30)).as_bytes());
        record.timestamp = varint(chance.below(21) as i64);
        record.offset = varint(index as i64);
        forged.records.push(record);
    }
    forged.records[records / 2].timestamp = varint(20);
    (forged.count, forged.last_offset_delta) = (records as i32, records as i32 - 1);
    forged
}

fn changed(codec: Codec, place: Place, seed: u64) -> Bytes {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    chance.below(2);
    let forged = many(40);
    let mut records = forged.payload();
    if matches!(place, Place::Records) {
        chance.change(&mut records, 0);
    }
    let mut payload = codec.compress(&records);
    if matches!(place, Place::Compressed) {
        chance.change(&mut payload, 0);
    }
    let mut batch = BytesMut::from(&forged.around(codec.id(), &payload)[..]);
    if matches!(place, Place::Header) {
        chance.change(&mut batch[..61], 21);
    }
    with_right_crc(batch)
}

/// Returns the scenarios: codecs by places by settings.
pub(super) fn scenarios(settings: &[(&'static str, Settings)]) -> Vec<Scenario> {
    let mut all = Vec::new();
    for codec in Codec::ALL {
        for (name, place) in PLACES {
            for (setting, settings) in settings.iter().copied() {
                let play = move |scene: &Scene| asked(scene, codec, place, settings);
                let name = format!("batches/random/{setting}/{name}/{}", codec.name());
                all.push(Scenario::new(name, play));
            }
        }
    }
    all
}

fn asked(scene: &Scene, codec: Codec, place: Place, settings: Settings) -> Outcome {
    let names: Vec<String> = (0..CELLS).map(|seed| seed.to_string()).collect();
    let batch = |seed| changed(codec, place, seed + 1 + 100 * codec.id() as u64);
    let cells: Vec<_> = names.iter().map(String::as_str).zip((0..CELLS).map(batch)).collect();
    table(scene, settings, &cells)
}

/// Returns batches of 200 kB, which no decompressor processes in one part, with changes at their
/// ends.
pub(super) fn long(codec: Codec) -> Vec<(&'static str, Bytes)> {
    let forged = many(3_000);
    let whole = codec.compress(&forged.payload());
    let cut = |bytes: usize| whole[..whole.len() - bytes].to_vec();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        bytes
    };
    let payloads = [
        ("whole", whole.clone()),
        ("a byte behind it", [&whole[..], &[0]].concat()),
        ("text behind it", [&whole[..], b"these bytes are too many"].concat()),
        ("itself behind it", [&whole[..], &whole].concat()),
        ("its first bytes behind it", [&whole[..], &whole[..20]].concat()),
        ("half of itself behind it", [&whole[..], &whole[..whole.len() / 2]].concat()),
        ("nothing compressed behind it", [&whole[..], &codec.compress(&[])].concat()),
        ("all but the last byte", cut(1)),
        ("all but a quarter", cut(whole.len() / 4)),
        ("a flipped bit in the first half", flipped(whole.len() / 3)),
        ("a flipped bit in the second half", flipped(whole.len() / 3 * 2)),
        ("a flipped bit near the end", flipped(whole.len() - 30)),
    ];
    payloads.into_iter().map(|(name, it)| (name, forged.around(codec.id(), &it))).collect()
}
