//! Checks exercises/22-changelog: the state that a changelog describes, compacted or not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use helpers::TopicOptions;

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 22,
    slug: "changelog",
    title: "read a changelog to its end: the current gate of each flight",
    uses_schemas: false,
    scenes: &[
        scene!("before compaction", AnyEngine, not_compacted),
        scene!("after compaction", AnyEngine, compacted),
        scene!("with a slow broker", Embedded, slow_broker),
    ],
};

const FLIGHTS: usize = 30;
/// A program that waits for a record that never comes is killed after this time.
const LIMIT: Duration = Duration::from_secs(25);
/// The time of the first change, in ms since 1970. A segment ends before a record that is a second
/// younger than its first.
const BEGIN: i64 = 1_750_000_000_000;
const THE_CODE: &str = "22-retention-and-compaction.md#the-code";

/// Writes the changes, the last ones in a transaction that is aborted. Returns the changelog.
async fn prepare(stage: &mut Stage) -> anyhow::Result<String> {
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "1000"),
        ("min.cleanable.dirty.ratio", "0.01"),
        // Nothing is compacted until the scene says so.
        ("min.compaction.lag.ms", "9223372036854775807"),
        ("retention.ms", "-1"),
    ];
    let options = TopicOptions::new(3, 3);
    let options = settings.iter().fold(options, |all, (name, value)| all.config(*name, *value));
    let changelog = stage.topic_with("CHANGELOG", "gates", options).await?;
    stage.topic("GATES", "current-gates", 1).await?;
    let change = |flight: usize, gate: &str, second: i64| {
        let change = Seed::new(gate).key(format!("AA{flight}")).partition(flight as i32 % 3);
        change.timestamp(BEGIN + second * 1000)
    };
    let gone = |flight: usize, second: i64| {
        let change = Seed::tombstone(format!("AA{flight}")).partition(flight as i32 % 3);
        change.timestamp(BEGIN + second * 1000)
    };
    let of = |pick: fn(&usize) -> bool| (0..FLIGHTS).filter(pick);
    stage.send(&changelog, of(|_| true).map(|it| change(it, "A1", 0)).collect()).await?;
    stage.send(&changelog, of(|_| true).map(|it| change(it, "B2", 0)).collect()).await?;
    stage.send(&changelog, of(|it| it % 5 < 2).map(|it| gone(it, 10)).collect()).await?;
    stage.send(&changelog, of(|it| it % 5 == 1).map(|it| change(it, "C3", 20)).collect()).await?;
    let mut aborted: Vec<Seed> = of(|it| it % 5 == 2).map(|it| change(it, "X9", 30)).collect();
    aborted.extend(of(|it| it % 5 == 3).map(|it| gone(it, 30)));
    stage.send_aborted(&changelog, aborted).await?;
    Ok(changelog)
}

/// Runs the program, and makes the points.
async fn points_of_gates(stage: &mut Stage) -> anyhow::Result<()> {
    let run = stage.run_within(LIMIT).await?;
    stage.ended_well(&run);
    stage.delay_all_nodes(Duration::ZERO)?;
    let topic = stage.variable("GATES");
    let records = stage.broker().records(&topic).await?;
    let found: BTreeMap<String, String> =
        records.iter().map(|it| (it.key.clone().unwrap_or_default(), it.text())).collect();
    let flight = |it: usize| found.get(&format!("AA{it}")).map(String::as_str);
    let wrong = |group: usize, gate: Option<&str>| {
        (0..FLIGHTS).filter(|it| it % 5 == group && flight(*it) != gate).count()
    };
    let partitions: BTreeSet<usize> =
        (0..FLIGHTS).filter(|it| flight(*it).is_some()).map(|it| it % 3).collect();
    stage
        .point("the flights of all three partitions are there")
        .why("Each partition has its own end, and the first one to end says nothing about the others.")
        .read("04-consumer.md#the-code")
        .equals(partitions.len(), 3, "partitions");
    stage
        .point("a flight whose last record has no value has no gate")
        .why("A tombstone deletes its key. An empty gate would stay on the board forever.")
        .read(THE_CODE)
        .equals(wrong(0, None), 0, "of these flights have one");
    stage
        .point("the gate of a flight is its last one, also after a time without one")
        .why("Compaction keeps the last value of a key, and no other can be relied on.")
        .read(THE_CODE)
        .equals(
            wrong(1, Some("C3")) + wrong(4, Some("B2")),
            0,
            "flights with another gate or none",
        );
    stage
        .point("what an aborted transaction has written changes nothing")
        .why("Its records are in the log, and a reader must not see them.")
        .read("10-transactions.md#in-production")
        .equals(
            wrong(2, Some("B2")) + wrong(3, Some("B2")),
            0,
            "of these flights have another gate or none",
        );
    stage.point("each flight is there once").equals(records.len(), found.len(), "records");
    Ok(())
}

async fn not_compacted(stage: &mut Stage) -> anyhow::Result<()> {
    prepare(stage).await?;
    points_of_gates(stage).await
}

async fn compacted(stage: &mut Stage) -> anyhow::Result<()> {
    let changelog = prepare(stage).await?;
    let before = stage.broker().records(&changelog).await?.len();
    stage
        .set_topic_config(
            &changelog,
            &[
                ("cleanup.policy", "compact"),
                ("segment.ms", "1000"),
                ("min.cleanable.dirty.ratio", "0.01"),
                ("retention.ms", "-1"),
            ],
        )
        .await?;
    let is_shorter =
        async |it: &Broker| Ok(it.records(&changelog).await?.len() <= before - FLIGHTS);
    let is_compacted = stage.broker().until(Duration::from_secs(60), is_shorter).await?;
    anyhow::ensure!(is_compacted, "the cluster has not compacted the changelog");
    points_of_gates(stage).await
}

async fn slow_broker(stage: &mut Stage) -> anyhow::Result<()> {
    let changelog = prepare(stage).await?;
    let leader = stage.broker().leaders(&changelog).await?.remove(&2).flatten();
    stage.switchboard()?.delay(leader.unwrap_or(1), Duration::from_millis(350))?;
    points_of_gates(stage).await
}
