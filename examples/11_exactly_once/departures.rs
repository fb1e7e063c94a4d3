//! What goes in: departures, always the same.

use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::ProducerBuilder;
use rdkafka::producer::BaseRecord;
use serde::{Deserialize, Serialize};

pub(crate) const PARTITIONS: i32 = 2;
pub(crate) const AIRPORTS: [&str; 6] = ["ATL", "BOS", "DEN", "JFK", "LAX", "SEA"];
const DEPARTURES: usize = 1600;

/// A flight leaves an airport. Each flight leaves once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Departure {
    pub(crate) flight: String,
    pub(crate) from: String,
}

/// Busy airports and quiet ones, in turn.
pub(crate) fn all() -> Vec<Departure> {
    let departure = |number: usize| {
        let airport = (number * number / 7) % AIRPORTS.len();
        Departure { flight: format!("DL {number}"), from: AIRPORTS[airport].to_owned() }
    };
    (1..=DEPARTURES).map(departure).collect()
}

/// Sends all departures, with their airports as keys: those of an airport share a partition.
pub(crate) async fn publish(brokers: &str, topic: &str, departures: &[Departure]) -> Result<()> {
    let producer = ProducerBuilder::new(brokers).build().await?;
    for departure in departures {
        let value = serde_json::to_string(departure)?;
        producer.send(BaseRecord::to(topic).key(&departure.from).payload(&value))?;
    }
    let summary = producer.flush_within(Duration::from_secs(10)).await?;
    ensure!(summary.delivered == departures.len() as u64, "{summary}");
    Ok(())
}
