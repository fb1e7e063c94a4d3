//! Checks exercises/06-gate-changes: the changes of each flight are in order, whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use embedded_kafka::{ApiKey, ResponseError};

use crate::broker::{Record, Records};
use crate::exercise::{Exercise, scene};
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 6,
    slug: "gate-changes",
    title: "keep the changes of each flight in order",
    uses_schemas: false,
    scenes: &[
        scene!("with 4 partitions", AnyEngine, four),
        scene!("with 12 partitions", AnyEngine, twelve),
        scene!("with brokers that reject some batches for a moment", Embedded, rejecting),
    ],
};

const CHANGES: usize = 6000;
const FLIGHTS: usize = 100;

async fn four(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "gate-changes", 4).await?;
    stage.run_to_the_end().await?;
    points_of_changes(stage, &topic, 4).await
}

async fn twelve(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "gate-changes", 12).await?;
    stage.run_to_the_end().await?;
    points_of_changes(stage, &topic, 12).await
}

async fn rejecting(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "gate-changes", 4).await?;
    // Many batches are in flight when the first responses come.
    stage.delay_all_nodes(Duration::from_millis(40))?;
    // An error that every client retries.
    stage.switchboard()?.fail_next(ApiKey::Produce, ResponseError::NotEnoughReplicas, 4)?;
    stage.run_to_the_end().await?;
    points_of_changes(stage, &topic, 4).await
}

async fn points_of_changes(
    stage: &mut Stage,
    topic: &str,
    partitions: usize,
) -> anyhow::Result<()> {
    stage.clear_faults();
    let records = stage.broker().records(topic).await?;
    let there: BTreeSet<u64> = records.iter().filter_map(number).collect();
    stage
        .point("each change is there once")
        .why("A change that is lost leaves its passengers at the old gate.")
        .read("03-producer.md#the-code")
        .holds(
            records.len() == CHANGES && there.len() == CHANGES,
            format!("{} records, {} changes", thousands(records.len()), thousands(there.len())),
            "6,000 records, 6,000 changes",
        );
    let keyed = records.iter().filter(|it| it.key.is_some()).count();
    stage
        .point("each record has a key")
        .why("Without a key, a record goes to any partition, and nothing keeps it in order.")
        .read("06-partitions.md#in-production")
        .holds(keyed == CHANGES, format!("{} records", thousands(keyed)), "6,000 records");
    let right =
        |it: &&Record| it.key.is_some() && it.key.as_deref() == it.json()["flight"].as_str();
    let by_flight = records.iter().filter(right).count();
    stage
        .point("the key is the flight")
        .why("The key says which records belong together: for the order, and for compaction.")
        .read("06-partitions.md#the-code")
        .holds(by_flight == CHANGES, format!("{} records", thousands(by_flight)), "6,000 records");
    let used = records.per_partition().len();
    stage
        .point("the flights are spread over all partitions")
        .why("A partition that is never used is a reader that never works.")
        .read("06-partitions.md#in-production")
        .holds(
            used == partitions,
            format!("{used} of {partitions} partitions are used"),
            format!("{partitions} of {partitions}"),
        );
    let scattered = places(&records).values().filter(|it| it.len() > 1).count();
    stage
        .point("each flight is in one partition")
        .why("Two partitions may be read by two readers, at the same time and in any order.")
        .read("06-partitions.md#the-code")
        .holds(scattered == 0, format!("{scattered} flights are in several"), "0 flights");
    let late = overtaken(&records);
    stage
        .point("no change comes after a later one of its flight")
        .why("Batches overtake each other when one is sent again, or when several producers send.")
        .read("03-producer.md#in-production")
        .holds(late == 0, format!("{} changes are late", thousands(late)), "0 changes");
    Ok(())
}

/// Returns the partitions of each flight.
fn places(records: &Records) -> BTreeMap<String, BTreeSet<i32>> {
    let mut places: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
    for record in records.iter() {
        let flight = record.json()["flight"].as_str().unwrap_or_default().to_owned();
        places.entry(flight).or_default().insert(record.partition);
    }
    places
}

/// Returns how many changes come after a later one of the same flight.
fn overtaken(records: &Records) -> usize {
    let (mut latest, mut late) = (BTreeMap::new(), 0);
    for number in records.iter().filter_map(number) {
        let latest = latest.entry(number as usize % FLIGHTS).or_insert(number);
        late += usize::from(number < *latest);
        *latest = number.max(*latest);
    }
    late
}

fn number(record: &Record) -> Option<u64> {
    record.json()["change"].as_u64()
}
