//! The departures that are sent: invented flights between real airports, the same in each run.

use std::io::{BufWriter, Write};
use std::path::Path;

use airports::Airport;
use anyhow::Result;
use chrono::{DateTime, Days, TimeDelta, Utc};
use serde::Serialize;

/// The number of flights that leave each day.
pub(crate) const FLIGHTS: usize = 500;
/// The number of days that the example sends.
pub(crate) const DAYS: usize = 40;

// ANCHOR: departure
/// One departure. Its `id` becomes the record's key, and `at` leaves as ISO 8601.
#[derive(Serialize)]
pub(crate) struct Departure {
    pub(crate) id: String,
    pub(crate) day: u64,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) at: DateTime<Utc>,
}
// ANCHOR_END: departure

/// All flights of day 1, then of day 2, and so on without an end.
pub(crate) fn departures(airports: Vec<Airport>) -> impl Iterator<Item = Departure> + Send {
    let first_day = DateTime::from_timestamp(1_795_219_200, 0).expect("2026-11-21 is a day");
    (1..).flat_map(move |day| {
        let date = first_day + Days::new(day - 1);
        let airports = airports.clone();
        (0..FLIGHTS).map(move |flight| Departure {
            id: format!("WS{flight:03}"),
            day,
            from: airports[flight * 7].iata.clone(),
            to: airports[flight * 11 + 1].iata.clone(),
            at: date + TimeDelta::minutes(flight as i64 * 2),
        })
    })
}

/// Writes a file of JSON lines, and breaks one line in its middle and adds two that are none.
pub(crate) fn write_lines(path: &Path, departures: impl Iterator<Item = Departure>) -> Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for (number, departure) in (1..).zip(departures) {
        let line = serde_json::to_string(&departure)?;
        let whole = if number == 3 { &line[..24] } else { &line };
        writeln!(file, "{whole}")?;
    }
    writeln!(file, "WS042 is late today")?;
    writeln!(file, "[1, 2, 3]")?;
    file.flush()?;
    Ok(())
}
