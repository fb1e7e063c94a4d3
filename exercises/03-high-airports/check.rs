//! Checks exercises/03-high-airports: the right records, and a program that knows whether they
//! arrived.

use std::time::Duration;

use embedded_kafka::{ApiKey, ResponseError};

use crate::exercise::{Exercise, scene};
use crate::program::End;
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 3,
    slug: "high-airports",
    title: "send some records with key and header, and know that they arrived",
    uses_schemas: false,
    scenes: &[
        scene!("on a healthy cluster", AnyEngine, healthy),
        scene!("with a broker that rejects the records", Embedded, rejected),
    ],
};

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "high-airports", 3).await?;
    // Brokers elsewhere take their time, and a program that does not wait loses its records.
    stage.delay_all_nodes(Duration::from_millis(40))?;
    stage.run_to_the_end().await?;
    let records = stage.broker().records(&topic).await?;
    let mut airports = airports::all()?;
    airports.retain(|airport| airport.elevation_ft > 8000.0);
    let wanted = airports.len();

    let codes = |record: &crate::broker::Record| record.json()["iata"].as_str().map(str::to_owned);
    let high =
        records.iter().filter_map(codes).filter(|code| airports.iter().any(|it| it.iata == *code));
    let high: std::collections::BTreeSet<String> = high.collect();
    stage
        .point("the topic has each airport above 8,000 feet, once, and no other")
        .why("A record that is queued is lost if the program ends before it was sent.")
        .read("03-producer.md#the-code")
        .holds(
            records.len() == wanted && high.len() == wanted,
            format!("{} records, {} of the airports", thousands(records.len()), high.len()),
            format!("{wanted} records, {wanted} of the airports"),
        );
    let keyed = records.iter().filter(|it| it.key == codes(it) && it.key.is_some()).count();
    stage
        .point("the key of each record is the IATA code of its airport")
        .why("Records with one key stay in one partition, and so in order.")
        .read("03-producer.md#the-code")
        .holds(
            keyed == wanted,
            format!("{keyed} of {} records", thousands(records.len())),
            format!("{wanted} records"),
        );
    let right = |record: &crate::broker::Record| {
        let elevation = record.json()["elevation_ft"].as_f64().unwrap_or_default();
        record.header("elevation") == Some(format!("{elevation:.0}"))
    };
    let labeled = records.clone().with_header("elevation").filter(right).len();
    stage
        .point("the header elevation is the elevation in feet")
        .why("A consumer can filter by a header without decoding the value.")
        .read("03-producer.md#the-code")
        .holds(
            labeled == wanted,
            format!("{labeled} of {} headers", thousands(records.len())),
            format!("{wanted} headers"),
        );
    Ok(())
}

async fn rejected(stage: &mut Stage) -> anyhow::Result<()> {
    stage.topic("TOPIC", "high-airports", 3).await?;
    // An error that no client retries.
    let error = ResponseError::MessageTooLarge;
    stage.switchboard()?.fail_next(ApiKey::Produce, error, 1000)?;
    let run = stage.run().await?;
    let failed = matches!(run.end, End::Exited(code) if code != 0);
    stage
        .point("the program ends with an error when a record is rejected")
        .why("Exit code 0 says that the data is there. No one looks for records that are missing then.")
        .read("03-producer.md#in-production")
        .holds(failed, run.end.to_string(), "another exit code than 0");
    Ok(())
}
