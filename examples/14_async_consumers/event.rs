//! Three related types, and how they become bytes and types again.
//!
//! None of them serializes by itself. They share a base part, one has a part that nests, and all
//! depend on the list of airports: in memory an airport is the whole struct, on the wire its code.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use airports::Airport;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Error, Value};

// ANCHOR: types
/// The base part, which every event has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flight {
    pub(crate) number: String,
    pub(crate) from: Arc<Airport>,
    pub(crate) to: Arc<Airport>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delay {
    /// Whole minutes: less does not travel.
    pub(crate) time: Duration,
    pub(crate) cause: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    Departed { flight: Flight, gate: u8 },
    Delayed { flight: Flight, delay: Delay },
    Diverted { flight: Flight, to: Arc<Airport> },
}
// ANCHOR_END: types

impl Event {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Event::Departed { .. } => "departed",
            Event::Delayed { .. } => "delayed",
            Event::Diverted { .. } => "diverted",
        }
    }

    pub(crate) fn flight(&self) -> &Flight {
        match self {
            Event::Departed { flight, .. }
            | Event::Delayed { flight, .. }
            | Event::Diverted { flight, .. } => flight,
        }
    }
}

// ANCHOR: serialize
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("type", self.kind())?;
        // The base part does not nest: its fields are the event's.
        let Flight { number, from, to } = self.flight();
        fields.serialize_entry("flight", number)?;
        fields.serialize_entry("from", &from.iata)?;
        fields.serialize_entry("to", &to.iata)?;
        match self {
            Event::Departed { gate, .. } => fields.serialize_entry("gate", gate)?,
            Event::Delayed { delay, .. } => fields.serialize_entry("delay", delay)?,
            Event::Diverted { to, .. } => fields.serialize_entry("diverted_to", &to.iata)?,
        }
        fields.end()
    }
}

impl Serialize for Delay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(2))?;
        fields.serialize_entry("minutes", &(self.time.as_secs() / 60))?;
        fields.serialize_entry("cause", &self.cause)?;
        fields.end()
    }
}
// ANCHOR_END: serialize

// ANCHOR: deserialize
/// What it takes to make events of bytes: the airports that they depend on.
#[derive(Debug)]
pub(crate) struct Airports(BTreeMap<String, Arc<Airport>>);

impl Airports {
    pub(crate) fn new(all: Vec<Airport>) -> Airports {
        Airports(all.into_iter().map(|it| (it.iata.clone(), Arc::new(it))).collect())
    }

    pub(crate) fn get(&self, code: &str) -> Result<Arc<Airport>, Error> {
        self.0.get(code).cloned().ok_or_else(|| Error::custom(format!("no airport is {code}")))
    }

    /// Makes an event of a record's value.
    pub(crate) fn event(&self, value: &[u8]) -> Result<Event, Error> {
        let value: Value = serde_json::from_slice(value)?;
        let number = text(&value, "flight")?.to_owned();
        let airport = |field| self.get(text(&value, field)?);
        let flight = Flight { number, from: airport("from")?, to: airport("to")? };
        match text(&value, "type")? {
            "departed" => {
                let gate = u8::try_from(number_in(&value, "gate")?).map_err(Error::custom)?;
                Ok(Event::Departed { flight, gate })
            }
            "delayed" => Ok(Event::Delayed { flight, delay: delay(&value["delay"])? }),
            "diverted" => Ok(Event::Diverted { flight, to: airport("diverted_to")? }),
            // One day a new program writes a fourth type, and old programs read it.
            other => Err(Error::custom(format!("{other} is not a type of event"))),
        }
    }
}

fn delay(value: &Value) -> Result<Delay, Error> {
    let seconds = number_in(value, "minutes")?.checked_mul(60);
    let seconds = seconds.ok_or_else(|| Error::custom("minutes is too large"))?;
    Ok(Delay { time: Duration::from_secs(seconds), cause: text(value, "cause")?.to_owned() })
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, Error> {
    value[field]
        .as_str()
        .ok_or_else(|| Error::custom(format!("{field} is not text, or is missing")))
}

fn number_in(value: &Value, field: &str) -> Result<u64, Error> {
    value[field]
        .as_u64()
        .ok_or_else(|| Error::custom(format!("{field} is not a number, or is missing")))
}
// ANCHOR_END: deserialize
