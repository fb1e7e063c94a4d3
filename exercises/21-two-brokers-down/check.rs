//! Checks exercises/21-two-brokers-down: a producer that outlasts its brokers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use embedded_kafka::ApiKey;
use helpers::TopicOptions;

use crate::broker::{Broker, Record};
use crate::exercise::{Exercise, scene};
use crate::program::{End, Running};
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 21,
    slug: "two-brokers-down",
    title: "send while two of three brokers are down",
    uses_schemas: false,
    scenes: &[
        scene!("the leader is killed while its followers lag", Embedded, leader_killed),
        scene!("a response is lost", Embedded, response_lost),
        scene!("two of three brokers are killed, and come back", AnyEngine, two_killed),
    ],
};

const RECORDS: usize = 1200;
/// How long two brokers are down.
const OUTAGE: Duration = Duration::from_millis(2000);

/// Starts the program, and waits until it has sent some records. Returns it with its topic and the
/// topic's leader and followers.
async fn begun(stage: &mut Stage) -> anyhow::Result<Option<(Running, String, i32, Vec<i32>)>> {
    let options = TopicOptions::new(1, 3).config("min.insync.replicas", "2");
    let topic = stage.topic_with("TOPIC", "departures", options).await?;
    let mut running = stage.start()?;
    let is_sent = async |broker: &Broker| Ok(broker.written(&topic).await? >= 100);
    if !stage.reaches(&mut running, "records arrive", is_sent).await? {
        return Ok(None);
    }
    let leader = stage.broker().leaders(&topic).await?.remove(&0).flatten().unwrap_or(1);
    Ok(Some((running, topic, leader, (1..=3).filter(|id| *id != leader).collect())))
}

async fn leader_killed(stage: &mut Stage) -> anyhow::Result<()> {
    let Some((running, topic, leader, followers)) = begun(stage).await? else { return Ok(()) };
    for follower in &followers {
        stage.switchboard()?.pause_replication(*follower).await?;
    }
    // Only a leader that asks no other confirms records now.
    let confirmed = |broker: &Broker| broker.requests().map_or(0, |it| it.of("Produce").len());
    let before = confirmed(stage.broker());
    let has_confirmed = async |broker: &Broker| Ok(confirmed(broker) >= before + 20);
    stage.broker().until(Duration::from_millis(700), has_confirmed).await?;
    stage.cluster().kill_node(leader).await?;
    for follower in &followers {
        stage.switchboard()?.resume_replication(*follower).await?;
    }
    points_of_records(stage, running, &topic).await
}

async fn response_lost(stage: &mut Stage) -> anyhow::Result<()> {
    let Some((running, topic, ..)) = begun(stage).await? else { return Ok(()) };
    stage.switchboard()?.drop_response(ApiKey::Produce);
    points_of_records(stage, running, &topic).await
}

async fn two_killed(stage: &mut Stage) -> anyhow::Result<()> {
    let Some((running, topic, leader, followers)) = begun(stage).await? else { return Ok(()) };
    stage.cluster().kill_node(leader).await?;
    stage.cluster().kill_node(followers[0]).await?;
    let begin = Instant::now();
    stage.broker().until(OUTAGE * 2, async |_| Ok(begin.elapsed() >= OUTAGE)).await?;
    stage.cluster().start_node(leader).await?;
    stage.cluster().start_node(followers[0]).await?;
    points_of_records(stage, running, &topic).await
}

/// Waits until the program has ended, and makes the points.
async fn points_of_records(stage: &mut Stage, running: Running, topic: &str) -> anyhow::Result<()> {
    let run = running.ended_within(Duration::from_secs(60)).await?;
    stage.keep_output(&run);
    let records = stage.broker().records(topic).await?;
    let there: BTreeSet<String> = records.texts().into_iter().collect();
    let lost = RECORDS.saturating_sub(there.len());
    stage
        .point("exit code 0 means that no record is lost")
        .why("Acknowledged must mean: on more than one broker. And a report that no one reads is lost too.")
        .read("21-failover.md#what-it-prints")
        .holds(
            run.end != End::Exited(0) || lost == 0,
            format!("{}, and {lost} of 1,200 records are lost", run.end),
            "exit code 0, and 0 lost",
        );
    stage
        .point("the program waits for its brokers, and does not give up")
        .why("An outage of a minute is normal operation. A program that fails needs a person.")
        .read("21-failover.md#in-production")
        .holds(run.end == End::Exited(0), run.end.to_string(), "exit code 0");
    stage
        .point("no record is there twice")
        .why("A batch may be stored although its response is lost, and the client sends it again.")
        .read("21-failover.md#in-production")
        .equals(records.duplicates(Record::text), 0, "records twice");
    let (mut newest, mut early) = (BTreeMap::new(), 0);
    for record in records.iter() {
        let number: i64 = record.text().parse().unwrap_or(-1);
        let before = newest.insert(record.key.clone(), number).unwrap_or(-1);
        early += usize::from(number < before);
    }
    stage
        .point("the records of each flight are in order")
        .why("A failed record that the program sends again comes after later ones.")
        .read("12-json-batches.md#in-production")
        .equals(early, 0, "records after a later one");
    Ok(())
}
