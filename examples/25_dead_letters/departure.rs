//! The departures, and the board that shows them, with everything that fails there.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde::{Deserialize, Serialize};

/// How many records there are.
pub(crate) const COUNT: usize = 8;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Departure {
    pub(crate) flight: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Departure {
    /// The same bytes will never be a departure: a retry does not help.
    pub(crate) fn decode(message: &impl Message) -> Result<Departure> {
        let value = message.payload().context("a null value is a tombstone, and no departure")?;
        Ok(serde_json::from_slice(value)?)
    }
}

/// WS101 to WS108, one of them with a value written by hand.
pub(crate) async fn publish(producer: &FutureProducer, topic: &str) -> Result<()> {
    for number in 1..=COUNT {
        let flight = format!("WS{}", 100 + number);
        let to = if number == 6 { "BER" } else { "LHR" };
        let departure = Departure { flight: flight.clone(), from: "JFK".into(), to: to.into() };
        let value = match number {
            4 => "WS104 is late today".to_owned(),
            _ => serde_json::to_string(&departure)?,
        };
        let record = FutureRecord::to(topic).key(&flight).payload(&value);
        producer.send(record, Duration::from_secs(10)).await.map_err(|(error, _)| error)?;
    }
    Ok(())
}

/// What the departures are processed into. It can fail, for a while or until it is repaired.
pub(crate) struct Board {
    airports: BTreeSet<String>,
    gate_asked: bool,
}

impl Board {
    /// A board whose list of airports is too old to have `missing`.
    pub(crate) fn without(missing: &str) -> Result<Board> {
        let airports = airports::all()?.into_iter().map(|airport| airport.iata);
        let airports = airports.filter(|iata| iata != missing).collect();
        Ok(Board { airports, gate_asked: false })
    }

    pub(crate) fn learn(&mut self, airport: &str) {
        self.airports.insert(airport.to_owned());
    }

    /// Puts a departure up.
    pub(crate) fn put_up(&mut self, departure: &Departure) -> Result<()> {
        if departure.flight == "WS102" && !std::mem::replace(&mut self.gate_asked, true) {
            bail!("the gate is not known yet");
        }
        for airport in [&departure.from, &departure.to] {
            if !self.airports.contains(airport) {
                bail!("the board does not know {airport}");
            }
        }
        Ok(())
    }
}
