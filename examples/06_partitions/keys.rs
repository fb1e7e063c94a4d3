//! The same keys, sent by two producers that hash differently.

use airports::Airport;
use anyhow::Result;
use helpers::ProducerBuilder;

use crate::departure::{Departure, landed, moved};
use crate::partitioners::{CRC32, MURMUR2};

/// The airports in the table. All are counted.
const SHOWN: [&str; 8] = ["AMS", "CDG", "FRA", "JFK", "LHR", "NRT", "SIN", "SYD"];

pub(crate) async fn show(brokers: &str, topic: &str, airports: &[Airport]) -> Result<()> {
    let departures: Vec<_> = airports.iter().map(|it| Departure::new(&it.iata, 1)).collect();
    // ANCHOR: partitioners
    let ours = ProducerBuilder::new(brokers).set("partitioner", CRC32).build().await?;
    let java = ProducerBuilder::new(brokers).set("partitioner", MURMUR2).build().await?;
    let by_crc32 = landed(&ours, topic, &departures).await?;
    let by_murmur2 = landed(&java, topic, &departures).await?;
    // ANCHOR_END: partitioners

    println!("key    librdkafka, CRC32    Java, murmur2");
    for key in SHOWN {
        let (crc32, murmur2) = (by_crc32[key], by_murmur2[key]);
        let verdict = if crc32 == murmur2 { "" } else { "    another" };
        println!("{key}    {crc32:>17}    {murmur2:>13}{verdict}");
    }
    let all = departures.len();
    println!("{} of {all} keys are on another partition", moved(&by_crc32, &by_murmur2));
    Ok(())
}
