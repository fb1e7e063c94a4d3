//! Checks exercises/18-minutes-late: a field changes its type in steps, and all readers go on.

use serde_json::Value;
use serdes::{AvroDeserializer, Compatibility, Schema, prefix};

use crate::exercise::{Exercise, scene};
use crate::registry::SceneRegistry;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 18,
    slug: "minutes-late",
    title: "change a text to a number under FULL_TRANSITIVE, in steps",
    uses_schemas: true,
    scenes: &[scene!("both steps, with old and new readers", AnyEngine, both_steps)],
};

const THE_CODE: &str = "18-schema-evolution.md#the-code";
const IN_PRODUCTION: &str = "18-schema-evolution.md#in-production";

/// Returns a schema of departures with these fields after the flight.
fn departure(fields: &str) -> String {
    let text = r#"{"type": "record", "name": "Departure", "namespace": "aero",
        "fields": [{"name": "flight", "type": "string"}, FIELDS]}"#;
    text.replace("FIELDS", fields)
}

fn old_schema() -> String {
    departure(r#"{"name": "late", "type": "string", "default": ""}"#)
}

/// Returns one field of the last three records, as a reader with this schema gets it.
async fn last_three(
    stage: &Stage,
    registry: &SceneRegistry,
    topic: &str,
    schema: &str,
    field: &str,
) -> anyhow::Result<Value> {
    let reader = AvroDeserializer::new(registry.client()).reader_schema(schema)?;
    let records = stage.broker().records(topic).await?;
    let mut read = Vec::new();
    for record in records.iter().skip(records.len().saturating_sub(3)) {
        let value = record.value.clone().unwrap_or_default();
        let departure: Value = match reader.deserialize(&value).await {
            Ok(departure) => departure,
            Err(error) => Value::String(error.to_string()),
        };
        read.push(departure.get(field).cloned().unwrap_or(departure));
    }
    Ok(Value::Array(read))
}

async fn both_steps(stage: &mut Stage) -> anyhow::Result<()> {
    let registry = stage.registry().await?;
    let topic = stage.topic("TOPIC", "departures", 1).await?;
    let (subject, old) = (format!("{topic}-value"), old_schema());
    let new = departure(r#"{"name": "minutes_late", "type": ["null", "int"], "default": null}"#);
    registry.register(&subject, &[Schema::avro(&old)]).await?;
    registry.client().set_compatibility(&subject, Compatibility::FullTransitive).await?;
    let texts = serde_json::json!(["0 min", "35 min", "90 min"]);
    let numbers = serde_json::json!([0, 35, 90]);

    stage.set("STEP", "both");
    stage.run_to_the_end().await?;
    let found = last_three(stage, &registry, &topic, &old, "late").await?;
    stage
        .point("an old reader gets the text as before")
        .why("A default makes a record readable, but it does not make up for what was not written.")
        .read(IN_PRODUCTION)
        .equals(found, texts, "");
    let found = last_three(stage, &registry, &topic, &new, "minutes_late").await?;
    stage.point("a new reader gets the number").read(THE_CODE).equals(found, numbers.clone(), "");

    stage.set("STEP", "new");
    stage.run_to_the_end().await?;
    let found = last_three(stage, &registry, &topic, &old, "late").await?;
    stage
        .point("an old reader can decode the records without the text, and gets its own default")
        .why("A reader that someone has forgotten must not stop at the first new record.")
        .read(IN_PRODUCTION)
        .equals(found, serde_json::json!(["", "", ""]), "");
    let found = last_three(stage, &registry, &topic, &new, "minutes_late").await?;
    stage.point("a new reader still gets the number").read(THE_CODE).equals(found, numbers, "");

    let latest = registry.client().latest(&subject).await?;
    let old_id = registry.client().look_up(&subject, &Schema::avro(&old)).await?;
    let reader = AvroDeserializer::new(registry.client()).reader_schema(&latest.text)?;
    // Version 1: the flight AA9, and the text "5 min".
    let record = prefix::join(old_id, b"\x06AA9\x0a5 min");
    let read: Value = reader.deserialize(&record).await?;
    stage
        .point("a new reader sees that a record of version 1 has no number")
        .why("With 0 as default, every old departure would be on time.")
        .read(IN_PRODUCTION)
        .equals(read["minutes_late"].clone(), Value::Null, "");
    let versions = registry.versions().await?;
    stage.point("the subject has three versions").read(THE_CODE).holds(
        versions == [(subject.clone(), vec![1, 2, 3])],
        format!("{versions:?}"),
        format!("[({subject:?}, [1, 2, 3])]"),
    );
    let incompatible = departure(r#"{"name": "late", "type": "int", "default": 0}"#);
    let incompatible = Schema::avro(&incompatible);
    let reasons = registry.client().incompatibilities(&subject, &incompatible).await?;
    let is_guarded = !reasons.is_empty();
    stage
        .point("the level of the subject is still FULL_TRANSITIVE")
        .why("A level that is lowered for one change is low for all that follow.")
        .read(THE_CODE)
        .holds(is_guarded, if is_guarded { "it is" } else { "it accepts any schema" }, "it is");
    Ok(())
}
