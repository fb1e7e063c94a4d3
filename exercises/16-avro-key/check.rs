//! Checks exercises/16-avro-key: keys whose bytes stay the same when their schema gets a version.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serdes::{AvroDeserializer, Schema};

use crate::exercise::{Exercise, scene};
use crate::program::End;
use crate::registry::SceneRegistry;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 16,
    slug: "avro-key",
    title: "a key with a schema, which stays the same when the schema gets a new version",
    uses_schemas: true,
    scenes: &[
        scene!("two runs, and a new version of the schema between them", AnyEngine, new_version),
        scene!("without a registered schema", AnyEngine, not_registered),
    ],
};

const FIELDS: [&str; 3] = [
    r#"{"name": "flight", "type": "string"}"#,
    r#"{"name": "day", "type": {"type": "int", "logicalType": "date"}}"#,
    r#"{"name": "leg", "type": "int", "default": 1}"#,
];
const THE_CODE: &str = "16-avro.md#the-code";
const IN_PRODUCTION: &str = "16-avro.md#in-production";

/// Returns the key's schema with its first fields.
fn schema(fields: usize) -> Schema {
    let fields = FIELDS[..fields].join(", ");
    let text =
        r#"{"type": "record", "name": "DepartureKey", "namespace": "aero", "fields": [FIELDS]}"#;
    Schema::avro(&text.replace("FIELDS", &fields))
}

#[derive(Deserialize)]
struct Key {
    flight: String,
    day: i32,
}

/// A departure as its value names it, with the keys and the partitions that it has.
type Places = BTreeMap<String, (BTreeSet<Vec<u8>>, BTreeSet<i32>)>;

/// Returns the places of each departure, and how many keys name their departure.
async fn places(
    stage: &Stage,
    registry: &SceneRegistry,
    topic: &str,
) -> anyhow::Result<(Places, usize)> {
    let deserializer = AvroDeserializer::new(registry.client());
    let (mut places, mut named) = (Places::new(), 0);
    for record in stage.broker().records(topic).await?.iter() {
        let raw = record.raw_key.clone().unwrap_or_default();
        let value = record.json();
        if let Ok(key) = deserializer.deserialize::<Key>(&raw).await {
            named += usize::from(value["flight"] == key.flight && value["day"] == key.day);
        }
        let (keys, partitions) = places.entry(record.text()).or_default();
        keys.insert(raw);
        partitions.insert(record.partition);
    }
    Ok((places, named))
}

async fn new_version(stage: &mut Stage) -> anyhow::Result<()> {
    let registry = stage.registry().await?;
    let topic = stage.topic("TOPIC", "departures", 6).await?;
    let subject = format!("{topic}-key");
    registry.register(&subject, &[schema(2)]).await?;
    stage.run_to_the_end().await?;
    let (first, named) = places(stage, &registry, &topic).await?;
    stage
        .point("each record has its flight and day as key, in Avro")
        .why("A key without the registry's prefix, or with other fields, is one that no one else decodes.")
        .read(THE_CODE)
        .holds(named == 60 && first.len() == 60, format!("{named} of 60 records"), "60 records");
    let versions = registry.versions().await?;
    stage
        .point("the schema is that of the subject for keys, and no other is registered")
        .why("A program that registers what it has changes the contract of all others.")
        .read(IN_PRODUCTION)
        .holds(
            versions == [(subject.clone(), vec![1])],
            format!("{versions:?}"),
            format!("[({subject:?}, [1])]"),
        );
    registry.register(&subject, &[schema(3)]).await?;
    stage.run_to_the_end().await?;
    let (both, _) = places(stage, &registry, &topic).await?;
    let moved =
        both.values().filter(|(keys, partitions)| keys.len() + partitions.len() > 2).count();
    stage
        .point("the same flight and day have the same key after a new version was registered")
        .why("The id is in the key's bytes. Another key is in another partition, and compaction keeps both.")
        .read(IN_PRODUCTION)
        .equals(moved, 0, "departures have two keys");
    Ok(())
}

async fn not_registered(stage: &mut Stage) -> anyhow::Result<()> {
    let registry = stage.registry().await?;
    let topic = stage.topic("TOPIC", "departures", 6).await?;
    let run = stage.run().await?;
    let failed = matches!(run.end, End::Exited(code) if code != 0);
    let (records, versions) =
        (stage.broker().records(&topic).await?.len(), registry.versions().await?);
    stage
        .point("the program ends with an error if the schema is not registered")
        .why("In production, schemas are reviewed and registered by a deployment.")
        .read(THE_CODE)
        .holds(
            failed && records == 0 && versions.is_empty(),
            format!("{}, {records} records, registered: {versions:?}", run.end),
            "another exit code than 0, 0 records, registered: []",
        );
    Ok(())
}
