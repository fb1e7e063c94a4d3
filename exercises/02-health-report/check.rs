//! Checks exercises/02-health-report: the right numbers for each topic, with few requests.

use std::collections::BTreeMap;
use std::time::Duration;

use helpers::TopicOptions;
use serde_json::{Value, json};

use crate::broker::{Broker, Record};
use crate::exercise::{Exercise, scene};
use crate::names;
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 2,
    slug: "health-report",
    title: "report size and missing copies of every topic",
    uses_schemas: false,
    scenes: &[
        scene!("on a healthy cluster", AnyEngine, healthy),
        scene!("with a broker that was killed", AnyEngine, killed),
        scene!("with a count of the requests", Embedded, few_requests),
    ],
};

/// The topics: name, partitions, replicas, records.
const TOPICS: [(&str, i32, i32, usize); 5] = [
    ("gates", 1, 3, 25),
    ("arrivals", 3, 3, 300),
    ("crews", 2, 3, 0),
    ("baggage", 12, 2, 240),
    ("weather", 24, 2, 48),
];
/// The offsets that were deleted from the first partition of the arrivals.
const DELETED: i64 = 10;

/// Creates the topics, and returns the number of records of each.
async fn prepare(stage: &mut Stage) -> anyhow::Result<(String, BTreeMap<String, i64>)> {
    let report = stage.topic("REPORT", "report", 1).await?;
    let mut sizes = BTreeMap::new();
    for (base, partitions, replicas, records) in TOPICS {
        let topic = names::fresh(base);
        stage.create(&topic, TopicOptions::new(partitions, replicas)).await?;
        let spread = |number| Seed::new("a record").partition(number as i32 % partitions);
        stage.send(&topic, (0..records).map(spread).collect()).await?;
        let mut size = records as i64;
        if base == "arrivals" {
            stage.delete_records(&topic, 0, DELETED).await?;
            size -= DELETED;
        }
        sizes.insert(topic, size);
    }
    // The first question about a group creates Kafka's own topic of offsets.
    stage.broker().group("first-question", &report).await?;
    Ok((report, sizes))
}

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let (report, sizes) = prepare(stage).await?;
    stage.run_to_the_end().await?;
    points_of_report(stage, &report, &sizes).await
}

async fn few_requests(stage: &mut Stage) -> anyhow::Result<()> {
    prepare(stage).await?;
    stage.run_to_the_end().await?;
    let count = stage.broker().requests().unwrap_or_default().of("Metadata").len();
    stage
        .point("the program does not ask for metadata again and again")
        .why("Each question about metadata is answered for all its topics at once.")
        .read("02-topic-metadata.md#what-went-over-the-wire")
        .holds(count <= 30, format!("{count} Metadata requests"), "at most 30, for 5 topics");
    Ok(())
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let (report, sizes) = prepare(stage).await?;
    stage.cluster().kill_node(2).await?;
    for topic in sizes.keys() {
        let has_shrunk = async |broker: &Broker| broker.is_in_sync_without(topic, 2).await;
        stage.broker().until(Duration::from_secs(30), has_shrunk).await?;
    }
    stage.run_to_the_end().await?;
    points_of_report(stage, &report, &sizes).await
}

async fn points_of_report(
    stage: &mut Stage,
    report: &str,
    sizes: &BTreeMap<String, i64>,
) -> anyhow::Result<()> {
    let records = stage.broker().records(report).await?;
    let internal = records.keys().iter().filter(|key| key.starts_with("__")).count();
    stage
        .point("no record is about one of Kafka's own topics")
        .why("You cannot mend them, and their numbers hide those of your own.")
        .read("05-delete-topic.md#the-code")
        .holds(internal == 0, format!("{internal} records"), "0 records");
    let once = sizes.keys().filter(|topic| records.clone().with_key(topic).len() == 1).count();
    stage
        .point("each topic has one record, with its name as the key")
        .why("A topic that is missing in a report looks like one that is healthy.")
        .read("02-topic-metadata.md#the-code")
        .holds(once == sizes.len(), format!("{once} topics"), format!("{} topics", sizes.len()));
    let mut wanted: BTreeMap<&str, Value> = BTreeMap::new();
    for (topic, size) in sizes {
        let (partitions, under_replicated) = stage.broker().missing_copies(topic).await?;
        let health = json!({
            "partitions": partitions, "records": size, "under_replicated": under_replicated,
        });
        wanted.insert(topic, health);
    }
    let rows = [
        ("partitions", "A reader of the report compares it with the number of consumers."),
        ("records", "The low watermark rises with retention, and each partition has its own."),
        ("under_replicated", "A partition without all its copies is one failure closer to a loss."),
    ];
    for (field, why) in rows {
        let is_wrong = |record: &&Record| {
            let wanted = record.key.as_deref().and_then(|key| wanted.get(key));
            wanted.is_some_and(|wanted| record.json()[field] != wanted[field])
        };
        let shown = |value: &Value, key: &str| format!("{} for {key}", value[field]);
        let (found, expected) = match records.iter().find(is_wrong) {
            None => (String::new(), String::new()),
            Some(record) => {
                let key = record.key.as_deref().unwrap_or_default();
                (shown(&record.json(), key), shown(&wanted[key], key))
            }
        };
        stage
            .point(format!("{field} is right for each topic"))
            .why(why)
            .read("02-topic-metadata.md#in-production")
            .holds(found.is_empty(), found, expected);
    }
    Ok(())
}
