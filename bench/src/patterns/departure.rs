//! What is sent: departures, 10,000 different ones again and again.

use std::sync::LazyLock;

use lineage::Message;
use serde::{Deserialize, Serialize};

/// How many there are, and how many are sent in one call where calls take lists.
pub(super) const DIFFERENT: u32 = 10_000;

/// The same fields that originals.py sends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Departure {
    pub(super) id: String,
    flight: String,
    from: String,
    to: String,
    gate: u32,
    at: String,
}

impl Departure {
    fn new(number: u32) -> Self {
        let minute = number % (24 * 60);
        Self {
            id: format!("WS{number:05}-2026-11-21"),
            flight: format!("WS{number:05}"),
            from: "JFK".to_owned(),
            to: "LAX".to_owned(),
            gate: number % 60,
            at: format!("2026-11-21T{:02}:{:02}:00", minute / 60, minute % 60),
        }
    }
}

static DEPARTURES: LazyLock<Vec<Departure>> =
    LazyLock::new(|| (0..DIFFERENT).map(Departure::new).collect());

/// So many departures, from the first again after the last.
pub(super) fn departures(count: u64) -> impl Iterator<Item = &'static Departure> + Send {
    (0..count).map(|index| &DEPARTURES[(index % u64::from(DIFFERENT)) as usize])
}

/// All different departures, as messages without a history.
pub(super) fn messages() -> Vec<Message<&'static Departure>> {
    DEPARTURES.iter().map(|departure| Message::new(&departure.id, departure)).collect()
}
