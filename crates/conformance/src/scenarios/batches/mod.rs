//! Faulty batches: codecs by faults by settings of the topic.
//!
//! Each scenario is one fault under one setting, with a cell for each codec, or for each unusual
//! payload of one codec. A cell is the response of the partition, and what can be read afterwards.
//! Cells with the same outcome share it.

mod asking;
mod codec;
mod faults;
mod forge;
mod framing;
mod limits;
mod payloads;
mod random;
mod table;

use self::codec::Codec;
use self::faults::{Fault, OF_HEADERS, OF_RECORDS, OF_TOPICS};
use self::forge::Forged;
use self::payloads::Payload;
use self::table::{Settings, table};
use crate::scenario::Scenario;
use crate::scene::Scene;

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
        // Twenty years: 2023 is within this range, 1998 is not.
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

/// Makes the scenario of a fault under a setting, with each codec.
fn of_fault(kind: &str, (fault, change): Fault, (setting, settings): (&str, Settings)) -> Scenario {
    let play = move |scene: &Scene| {
        let mut forged = Forged::good();
        change(&mut forged);
        let cells = Codec::ALL.map(|codec| (codec.name(), forged.encode(codec)));
        table(scene, settings, &cells)
    };
    Scenario::new(format!("batches/{kind}/{setting}/{fault}"), play)
}

/// Makes the scenario of unusual payloads of one codec under a setting.
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
