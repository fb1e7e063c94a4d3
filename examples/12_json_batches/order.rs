//! Reads the departures back, to see whether each flight's days are in order.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use helpers::{ConsumerBuilder, unique_name};
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use serde_json::Value;

use crate::departures::{DAYS, FLIGHTS};

/// Reads everything, and checks that the days of each flight follow one another.
pub(crate) async fn in_order(brokers: &str, topic: &str, records: u64) -> Result<()> {
    let consumer = ConsumerBuilder::new(brokers, unique_name("order")).build().await?;
    consumer.subscribe(&[topic])?;
    let mut flights: BTreeMap<Vec<u8>, Vec<u64>> = BTreeMap::new();
    for _ in 0..records {
        let message = consumer.recv().await?.detach();
        let value: Value = serde_json::from_slice(message.payload().unwrap_or_default())?;
        if let (Some(key), Some(day)) = (message.key(), value["day"].as_u64()) {
            flights.entry(key.to_vec()).or_default().push(day);
        }
    }
    let (all_days, of_the_file) = (1..=DAYS as u64, 1..=2);
    // The file's third line is broken, so that flight has one day less.
    let expected: Vec<u64> = all_days.clone().chain(of_the_file).chain(all_days).collect();
    let kept = flights.values().filter(|days| **days == expected).count();
    println!("\n{kept} of {FLIGHTS} flights have all their days, each in order");
    ensure!(kept == FLIGHTS - 1, "the order of a flight was not kept");
    Ok(())
}
