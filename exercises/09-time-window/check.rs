//! Checks exercises/09-time-window: an hour is found by its time, and nothing before it is read.

use std::collections::BTreeSet;

use helpers::TopicOptions;

use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 9,
    slug: "time-window",
    title: "read the records between two times, and nothing before them",
    uses_schemas: false,
    scenes: &[
        scene!("on a healthy cluster", AnyEngine, right_records),
        scene!("with a look at what is fetched", Embedded, few_fetches),
    ],
};

/// 12:00 of 5 January 2026 (UTC), in ms.
const NOON: i64 = 1_767_614_400_000;
const MINUTE: i64 = 60_000;
/// The departures of each partition, as minutes from noon: first, behind the last, and step.
const DEPARTURES: [(i64, i64, usize); 3] = [(-300, 180, 1), (-700, 50, 1), (-400, -20, 5)];

/// Returns the minutes of the departures of a partition.
fn minutes(partition: usize) -> impl Iterator<Item = i64> {
    let (first, end, step) = DEPARTURES[partition];
    (first..end).step_by(step)
}

async fn prepare(stage: &mut Stage) -> anyhow::Result<String> {
    // Retention counts from the timestamp: without -1 old departures would be deleted soon.
    let options = TopicOptions::new(4, 3).config("retention.ms", "-1");
    let topic = stage.topic_with("TOPIC", "departures", options).await?;
    let hour = stage.topic("HOUR", "hour", 1).await?;
    stage.set("FROM", NOON.to_string());
    stage.set("TO", (NOON + 60 * MINUTE).to_string());
    let mut seeds = Vec::new();
    for partition in 0..DEPARTURES.len() {
        for minute in minutes(partition) {
            let seed = Seed::new(name(partition, minute)).partition(partition as i32);
            seeds.push(seed.timestamp(NOON + minute * MINUTE));
        }
    }
    stage.send(&topic, seeds).await?;
    Ok(hour)
}

fn name(partition: usize, minute: i64) -> String {
    format!("departure {minute} of {partition}")
}

async fn right_records(stage: &mut Stage) -> anyhow::Result<()> {
    let hour = prepare(stage).await?;
    stage.run_to_the_end().await?;
    let records = stage.broker().records(&hour).await?;
    let found: BTreeSet<String> = records.texts().into_iter().collect();
    for (partition, what) in ["before, in and after the hour", "up to the hour"].iter().enumerate()
    {
        let wanted = minutes(partition).filter(|minute| (0..60).contains(minute));
        let wanted: Vec<String> = wanted.map(|minute| name(partition, minute)).collect();
        let there = wanted.iter().filter(|it| found.contains(*it)).count();
        stage
            .point(format!("the hour of the partition with departures {what} is complete"))
            .why("Each partition has its own offsets for a time, and some have none.")
            .read("09-seek-and-pause.md#the-code")
            .holds(
                there == wanted.len(),
                format!("{there} of {} departures", wanted.len()),
                format!("all {}", wanted.len()),
            );
    }
    let in_hour = |it: &&String| {
        let minute = it.strip_prefix("departure ").and_then(|it| it.split(' ').next());
        minute.and_then(|it| it.parse().ok()).is_some_and(|it: i64| (0..60).contains(&it))
    };
    let surplus = found.iter().filter(|it| !in_hour(it)).count();
    stage
        .point("no other departure is there")
        .why("The offset for the end is that of the first record after it. End is not 0.")
        .read("09-seek-and-pause.md#the-code")
        .holds(surplus == 0, format!("{} too many", thousands(surplus)), "0 too many");
    let repeated = records.len() - found.len();
    stage
        .point("no departure is there twice")
        .why("Who counts the departures of the hour counts on that.")
        .read("09-seek-and-pause.md#the-code")
        .holds(repeated == 0, format!("{} twice", thousands(repeated)), "0 twice");
    Ok(())
}

async fn few_fetches(stage: &mut Stage) -> anyhow::Result<()> {
    prepare(stage).await?;
    stage.run_to_the_end().await?;
    // The program fetches from no other topic.
    let requests = stage.broker().requests().unwrap_or_default().of("Fetch");
    let from_the_beginning = requests.with("/0 from 0").len();
    stage
        .point("nothing before the hour is fetched")
        .why("A topic has a year of departures. To read all of it for an hour takes a day.")
        .read("09-seek-and-pause.md#the-code")
        .holds(
            from_the_beginning == 0,
            format!("{from_the_beginning} Fetch requests from offset 0"),
            "0 Fetch requests from offset 0",
        );
    Ok(())
}
