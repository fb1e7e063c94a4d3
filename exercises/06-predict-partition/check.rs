//! Checks exercises/06-predict-partition: predictions are compared with what a client chooses.

use std::collections::BTreeMap;

use helpers::TopicOptions;
use serde_json::Value;

use crate::exercise::{Exercise, scene};
use crate::names;
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 6,
    slug: "predict-partition",
    title: "predict where librdkafka and Java send a key",
    uses_schemas: false,
    scenes: &[
        scene!("on a topic with 7 partitions", AnyEngine, seven),
        scene!("on a topic with 12 partitions", AnyEngine, twelve),
    ],
};

async fn seven(stage: &mut Stage) -> anyhow::Result<()> {
    predicts(stage, 7).await
}

async fn twelve(stage: &mut Stage) -> anyhow::Result<()> {
    predicts(stage, 12).await
}

/// Airports, an empty key, and one that is not ASCII.
fn keys() -> anyhow::Result<Vec<String>> {
    let airports = airports::all()?;
    let mut keys: Vec<String> = airports.iter().take(200).map(|it| it.iata.clone()).collect();
    keys.extend(["", "a", "München", "a key that is longer than one word"].map(str::to_owned));
    Ok(keys)
}

async fn predicts(stage: &mut Stage, partitions: i32) -> anyhow::Result<()> {
    let keys = keys()?;
    let source = stage.topic("KEYS", "keys", 2).await?;
    let topic = stage.topic("TOPIC", "airports", partitions).await?;
    let predictions = stage.topic("PREDICTIONS", "predictions", 1).await?;
    stage.send(&source, keys.iter().map(|key| Seed::new(key.as_str())).collect()).await?;
    let by_librdkafka = chosen(stage, &keys, partitions, "consistent_random").await?;
    let by_java = chosen(stage, &keys, partitions, "murmur2_random").await?;
    stage.run_to_the_end().await?;

    let written = stage.broker().written(&topic).await?;
    stage
        .point("nothing is sent to the topic itself")
        .why("A record that is sent to see where it goes is read by every consumer of the topic.")
        .read("06-partitions.md#the-code")
        .holds(written == 0, format!("{written} records"), "0 records");
    let records = stage.broker().records(&predictions).await?;
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for record in records.iter().map(crate::broker::Record::json) {
        found.insert(record["key"].as_str().unwrap_or_default().to_owned(), record);
    }
    stage
        .point("each key has one prediction")
        .why("An empty key is a key as well.")
        .read("06-partitions.md#what-it-prints")
        .holds(
            records.len() == keys.len() && keys.iter().all(|key| found.contains_key(key)),
            format!("{} records, {} of the keys", records.len(), found.len()),
            format!("{0} records, {0} of the keys", keys.len()),
        );
    let empty = found.get("").map_or(&Value::Null, |it| &it["librdkafka"]);
    stage
        .point("the partition of the empty key is null for librdkafka")
        .why("consistent_random treats it as no key, and spreads such records over the partitions.")
        .read("06-partitions.md#in-production")
        .holds(empty.is_null(), empty.to_string(), "null");
    let rows = [
        ("librdkafka", by_librdkafka, "librdkafka divides the whole CRC32, without a sign."),
        (
            "java",
            by_java,
            "Java sets the sign bit of the hash to zero, and hashes an empty key too.",
        ),
    ];
    for (field, chosen, why) in rows {
        let predicted = |key: &str| found.get(key).and_then(|it| it[field].as_i64());
        let asked = keys.iter().filter(|key| field == "java" || !key.is_empty());
        let (asked, of) = (asked.clone(), asked.count());
        let right = asked.filter(|key| predicted(key) == chosen.get(*key).copied()).count();
        stage
            .point(format!("the predictions for {field} are what it chooses"))
            .why(why)
            .read("06-partitions.md#in-production")
            .holds(right == of, format!("{right} of {of} keys"), format!("{of} of {of} keys"));
    }
    Ok(())
}

/// Sends the keys to a topic of the same shape, and returns the partitions that the client chose.
async fn chosen(
    stage: &mut Stage,
    keys: &[String],
    partitions: i32,
    partitioner: &str,
) -> anyhow::Result<BTreeMap<String, i64>> {
    let topic = names::fresh("chosen");
    stage.create(&topic, TopicOptions::new(partitions, 1)).await?;
    let seeds = keys.iter().map(|key| Seed::new("").key(key)).collect();
    stage.send_with(&topic, seeds, &[("partitioner", partitioner)]).await?;
    let records = stage.broker().records(&topic).await?;
    let chosen = records.iter().filter_map(|it| Some((it.key.clone()?, i64::from(it.partition))));
    Ok(chosen.collect())
}
