//! Checks exercises/03-full-queue: nothing is lost, repeated or reordered while the queue is full.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::broker::{Broker, Record};
use crate::exercise::{Exercise, scene};
use crate::program::End;
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 3,
    slug: "full-queue",
    title: "send 20,000 records through a queue of 1,000",
    uses_schemas: false,
    scenes: &[
        scene!("with brokers that need 40 ms to respond", AnyEngine, slow),
        scene!("with a leader that is killed in the middle", AnyEngine, killed),
    ],
};

const SCANS: usize = 20_000;
const LIMIT: Duration = Duration::from_secs(20);

async fn slow(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "scans", 3).await?;
    stage.delay_all_nodes(Duration::from_millis(40))?;
    let run = stage.run_within(LIMIT).await?;
    if let End::TooLong(_) = run.end {
        let written = stage.broker().written(&topic).await?;
        stage
            .point("20,000 scans arrive within 20 s")
            .why("One round trip per record is slow, and a queue that no poll empties stays full.")
            .read("03-producer.md#in-production")
            .holds(false, format!("{} records after 20 s", thousands(written)), "20,000 records");
        return Ok(());
    }
    stage.ended_well(&run);
    points_of_scans(stage, &topic).await
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "scans", 3).await?;
    stage.delay_all_nodes(Duration::from_millis(40))?;
    let mut running = stage.start()?;
    let begun = async |broker: &Broker| Ok(broker.written(&topic).await? >= 2000);
    if !stage.reaches(&mut running, "scans arrive", begun).await? {
        return Ok(());
    }
    let leader = stage.broker().leaders(&topic).await?[&0];
    stage.cluster().kill_node(leader.unwrap_or(1)).await?;
    let run = running.ended_within(Duration::from_secs(60)).await?;
    stage.keep_output(&run);
    stage.ended_well(&run);
    points_of_scans(stage, &topic).await
}

async fn points_of_scans(stage: &mut Stage, topic: &str) -> anyhow::Result<()> {
    stage.clear_faults();
    let records = stage.broker().records(topic).await?;
    let wanted = |record: &Record| number(record).is_some_and(|it| it < SCANS);
    let there: std::collections::BTreeSet<_> =
        records.iter().filter(|it| wanted(it)).filter_map(number).collect();
    let lost = SCANS - there.len();
    stage
        .point("no scan is lost")
        .why("QueueFull means later, not never: who ignores it loses records exactly under load.")
        .read("03-producer.md#the-code")
        .holds(lost == 0, format!("{} lost", thousands(lost)), "0 lost");
    let surplus = records.len() - there.len();
    stage
        .point("no scan is there twice, and nothing else is there")
        .why("A record that send() has accepted is queued. To send it again makes a second one.")
        .read("03-producer.md#the-code")
        .holds(surplus == 0, format!("{} too many", thousands(surplus)), "0 too many");
    let mut last: BTreeMap<&str, (i32, usize)> = BTreeMap::new();
    let mut misplaced = 0;
    for record in records.iter() {
        let (Some(key), Some(number)) = (record.key.as_deref(), number(record)) else { continue };
        let here = (record.partition, number);
        let before = last.insert(key, here);
        misplaced += usize::from(before.is_some_and(|it| it.0 != here.0 || it.1 > number));
    }
    let belts = last.len();
    stage
        .point("the scans of each belt are in order")
        .why("A record that is put aside and sent later comes after its successors.")
        .read("03-producer.md#in-production")
        .holds(
            misplaced == 0 && belts == 40,
            format!("{} out of order, {belts} belts", thousands(misplaced)),
            "0 out of order, 40 belts",
        );
    Ok(())
}

/// Returns the number of a scan: 7 of `scan 7`.
fn number(record: &Record) -> Option<usize> {
    record.text().strip_prefix("scan ")?.parse().ok()
}
