//! Checks exercises/04-outage: a reader that continues when the leader of a partition is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::broker::{Broker, Record};
use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 4,
    slug: "outage",
    title: "keep reading while a broker fails",
    uses_schemas: false,
    scenes: &[
        scene!("on a healthy cluster", AnyEngine, healthy),
        scene!("with a leader that is killed while the program reads", AnyEngine, killed),
    ],
};

/// The readings of each partition.
const READINGS: [usize; 3] = [300, 500, 700];

async fn prepare(stage: &mut Stage) -> anyhow::Result<(String, String)> {
    let topic = stage.topic("TOPIC", "readings", 3).await?;
    let copy = stage.topic("COPY", "copies", 3).await?;
    // A batch is fetched as a whole: small ones make small fetches.
    let all: Vec<Seed> = (0..).zip(READINGS).flat_map(readings).collect();
    stage.send_with(&topic, all, &[("batch.num.messages", "20")]).await?;
    Ok((topic, copy))
}

/// Returns the readings of a partition, of 1 KB each.
fn readings((partition, count): (i32, usize)) -> impl Iterator<Item = Seed> {
    let station = format!("station-{partition}");
    (0..count).map(move |number| {
        let value = format!("{station} reading {number} {}", "-".repeat(1000));
        Seed::new(value).key(&station).partition(partition)
    })
}

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let (topic, copy) = prepare(stage).await?;
    stage.run_to_the_end().await?;
    points_of_copies(stage, &topic, &copy).await
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let (topic, copy) = prepare(stage).await?;
    let last = stage.broker().leaders(&topic).await?[&2].unwrap_or(3);
    // The last partition is far from its end when the others have been read.
    let enough = match stage.cluster().switchboard() {
        Some(switchboard) => {
            switchboard.delay(last, Duration::from_millis(150))?;
            200
        }
        None => 300,
    };
    let mut running = stage.start()?;
    let begun = async |broker: &Broker| Ok(broker.written(&copy).await? >= enough);
    if !stage.reaches(&mut running, "copies arrive", begun).await? {
        return Ok(());
    }
    stage.cluster().kill_node(last).await?;
    let run = running.ended_within(Duration::from_secs(60)).await?;
    stage.keep_output(&run);
    stage.ended_well(&run);
    points_of_copies(stage, &topic, &copy).await
}

async fn points_of_copies(stage: &mut Stage, topic: &str, copy: &str) -> anyhow::Result<()> {
    stage.clear_faults();
    let readings = stage.broker().records(topic).await?;
    let copies = stage.broker().records(copy).await?;
    let copied: BTreeSet<String> = copies.texts().into_iter().collect();
    let lost = readings.iter().filter(|reading| !copied.contains(&reading.text())).count();
    stage
        .point("each reading is copied")
        .why("An error and a silence are not the end of a topic: what comes after them is lost.")
        .read("04-consumer.md#in-production")
        .holds(lost == 0, format!("{} are missing", thousands(lost)), "0 are missing");
    let repeated = copies.duplicates(Record::text);
    stage
        .point("no reading is copied twice")
        .why("The client keeps its position while a leader moves. A new client begins again.")
        .read("21-failover.md#the-code")
        .holds(repeated == 0, format!("{} twice", thousands(repeated)), "0 twice");
    let is_same = (0..3).all(|partition| {
        let of = |records: &crate::broker::Records| records.clone().in_partition(partition).texts();
        of(&readings) == of(&copies)
    });
    stage
        .point("each partition of the copy has the readings of that partition, in order")
        .why("The readers of the copy rely on the same order as those of the original.")
        .read("04-consumer.md#in-production")
        .holds(is_same, if is_same { "the same" } else { "a difference" }, "the same");
    Ok(())
}
