//! Where a scene plays, and the departures that it is about.

use serde::{Deserialize, Serialize};

/// A partition of its own for each scene.
pub(crate) struct Scene<'a> {
    pub(crate) brokers: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
}

/// A flight leaves an airport.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Departure {
    pub(crate) flight: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Departure {
    /// A departure from New York.
    pub(crate) fn of(flight: &str) -> Departure {
        let [flight, from, to] = [flight, "JFK", "LAX"].map(str::to_owned);
        Departure { flight, from, to }
    }
}
