//! Batches in which something is wrong: codec by fault by setting of the topic.
//!
//! Each scenario is one fault under one setting, with a cell for each codec, or for each odd payload
//! of one codec. A cell is what the partition answers, and what can be read afterwards. Cells with
//! the same outcome share it.

mod asking;
mod codec;
mod faults;
mod forge;
mod limits;
mod payloads;
mod random;

use bytes::Bytes;

use self::asking::Asked;
use self::codec::Codec;
use self::faults::{Fault, OF_HEADERS, OF_RECORDS, OF_TOPICS};
use self::forge::Forged;
use self::payloads::Payload;
use super::{Outcome, Scenario};
use crate::scene::Scene;

type Settings = &'static [(&'static str, &'static str)];

const DEFAULTS: (&str, Settings) = ("as_it_is", &[]);
const TO_GZIP: (&str, Settings) = ("to_gzip", &[("compression.type", "gzip")]);
const TO_NONE: (&str, Settings) = ("to_uncompressed", &[("compression.type", "uncompressed")]);

/// The settings under which keys and timestamps matter.
const RULES: &[(&str, Settings)] = &[
    ("compacted", &[("cleanup.policy", "compact")]),
    ("compacted_to_lz4", &[("cleanup.policy", "compact"), ("compression.type", "lz4")]),
    ("log_append_time", &[("message.timestamp.type", "LogAppendTime")]),
    (
        "log_append_time_to_zstd",
        &[("message.timestamp.type", "LogAppendTime"), ("compression.type", "zstd")],
    ),
    (
        "timestamps_within_bounds",
        // Twenty years, which 2023 is within and 1998 is not.
        &[
            ("message.timestamp.before.max.ms", "630720000000"),
            ("message.timestamp.after.max.ms", "60000"),
        ],
    ),
];

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for setting in [DEFAULTS, TO_GZIP] {
        all.extend(OF_HEADERS.iter().map(|fault| of_fault("headers", *fault, setting)));
    }
    for setting in [DEFAULTS, TO_GZIP, TO_NONE] {
        all.extend(OF_RECORDS.iter().map(|fault| of_fault("records", *fault, setting)));
    }
    for setting in RULES {
        all.extend(OF_TOPICS.iter().map(|fault| of_fault("rules", *fault, *setting)));
    }
    for codec in Codec::ALL {
        for (group, payloads) in payloads::of(codec, &Forged::good().payload()) {
            for setting in [DEFAULTS, TO_NONE] {
                all.push(of_payloads(codec, group, payloads.clone(), setting));
            }
        }
    }
    all.extend(limits::scenarios());
    all.extend(random::scenarios(&[DEFAULTS, TO_NONE]));
    for codec in Codec::ALL {
        for (setting, settings) in [DEFAULTS, TO_NONE] {
            let play = move |scene: &Scene| table(scene, settings, &random::long(codec));
            all.push(Scenario::new(format!("batches/{}/{setting}/long", codec.name()), play));
        }
    }
    all
}

/// A fault under a setting, once for each codec.
fn of_fault(kind: &str, (fault, change): Fault, (setting, settings): (&str, Settings)) -> Scenario {
    let play = move |scene: &Scene| {
        let mut forged = Forged::good();
        change(&mut forged);
        let cells = Codec::ALL.map(|codec| (codec.name(), forged.encode(codec)));
        table(scene, settings, &cells)
    };
    Scenario::new(format!("batches/{kind}/{setting}/{fault}"), play)
}

/// Odd payloads of one codec under a setting.
fn of_payloads(
    codec: Codec,
    group: &str,
    payloads: Vec<Payload>,
    (setting, settings): (&str, Settings),
) -> Scenario {
    let play = move |scene: &Scene| {
        let batch = |payload: &[u8]| Forged::good().around(codec.id(), payload);
        let cells: Vec<_> = payloads.iter().map(|(name, it)| (*name, batch(it))).collect();
        table(scene, settings, &cells)
    };
    Scenario::new(format!("batches/{}/{setting}/{group}", codec.name()), play)
}

/// What a new topic answers to each of these, a partition for each.
fn table(scene: &Scene, settings: Settings, cells: &[(&str, Bytes)]) -> Outcome {
    let settings = [settings, &[("retention.ms", "-1")]].concat();
    let topic = scene.topic_with(cells.len() as i32, 1, &settings)?;
    let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
    for (partition, (cell, sent)) in (0..).zip(cells) {
        let leader = scene.leader(&topic, partition)?;
        let outcome = Asked { leader, topic: &topic, partition }.told(sent)?;
        match outcomes.iter_mut().find(|it| it.0 == outcome) {
            Some((_, cells)) => cells.push(cell),
            None => outcomes.push((outcome, vec![cell])),
        }
    }
    let all = cells.len();
    let shown = outcomes.iter().map(|(outcome, cells)| match cells.len() {
        same if same == all => format!("all: {outcome}"),
        _ => format!("{}: {outcome}", cells.join(", ")),
    });
    Ok(shown.collect::<Vec<_>>().join("; "))
}
