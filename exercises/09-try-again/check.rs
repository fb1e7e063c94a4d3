//! Checks exercises/09-try-again: a record that fails is read again, and no commit skips it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::exercise::{Exercise, scene};
use crate::names;
use crate::program::Running;
use crate::seed::Seed;
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 9,
    slug: "try-again",
    title: "read a record again whose processing has failed",
    uses_schemas: false,
    scenes: &[
        scene!("with an office that opens after a while", AnyEngine, opens),
        scene!("killed while the office is closed, and started again", AnyEngine, killed),
    ],
};

/// The passengers of each flight, and those who come later to the second one.
const PASSENGERS: [usize; 2] = [100, 200];
const LATER: usize = 60;
/// The passenger of the first flight who needs a visa.
const WITH_VISA: usize = 5;
const BEFORE_THE_OFFICE_OPENS: usize = WITH_VISA + PASSENGERS[1];
const ALL: usize = PASSENGERS[0] + PASSENGERS[1];

struct Names {
    topic: String,
    checked_in: String,
    group: String,
    office: PathBuf,
}

async fn prepare(stage: &mut Stage) -> anyhow::Result<Names> {
    let topic = stage.topic("TOPIC", "passengers", 2).await?;
    let checked_in = stage.topic("CHECKED_IN", "checked-in", 1).await?;
    let group = stage.name("GROUP", "desk");
    let office = std::env::temp_dir().join(names::fresh("workshop-office"));
    stage.set("OFFICE", office.to_string_lossy());
    for (flight, count) in (0..).zip(PASSENGERS) {
        stage.send(&topic, passengers(flight, 0, count)).await?;
    }
    Ok(Names { topic, checked_in, group, office })
}

fn passengers(flight: i32, first: usize, count: usize) -> Vec<Seed> {
    let passenger = |number| {
        let name = format!("passenger {number}");
        let seed = Seed::new(name).key(format!("KF{flight}")).partition(flight);
        if flight == 0 && number == WITH_VISA { seed.header("visa", "yes") } else { seed }
    };
    (first..first + count).map(passenger).collect()
}

/// Waits until so many passengers are checked in, or the program has ended.
async fn checked_in(
    stage: &mut Stage,
    names: &Names,
    running: &mut Running,
    wanted: usize,
) -> anyhow::Result<bool> {
    let (begin, mut there) = (Instant::now(), 0);
    while begin.elapsed() < Duration::from_secs(15) {
        there = stage.broker().written(&names.checked_in).await?;
        if there >= wanted as i64 || !running.is_running() {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stage
        .point("while the office is closed, the other flight is checked in")
        .why("One record that cannot be processed must not stop the whole topic.")
        .read("09-seek-and-pause.md#in-production")
        .holds(false, format!("{} after 15 s", thousands(there)), thousands(wanted));
    Ok(false)
}

async fn opens(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    let mut running = stage.start()?;
    if !checked_in(stage, &names, &mut running, BEFORE_THE_OFFICE_OPENS).await? {
        return Ok(());
    }
    std::fs::write(&names.office, "open")?;
    let run = running.ended_within(Duration::from_secs(20)).await?;
    stage.keep_output(&run);
    std::fs::remove_file(&names.office)?;
    stage.ended_well(&run);
    points_of_passengers(stage, &names, ALL, 0).await
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    let mut running = stage.start()?;
    if !checked_in(stage, &names, &mut running, BEFORE_THE_OFFICE_OPENS).await? {
        return Ok(());
    }
    // The passenger with a visa has failed by now, and the group commits after that.
    stage.send(&names.topic, passengers(1, PASSENGERS[1], LATER)).await?;
    let wanted = BEFORE_THE_OFFICE_OPENS + LATER;
    if !checked_in(stage, &names, &mut running, wanted).await? {
        return Ok(());
    }
    let run = running.kill();
    stage.keep_output(&run);
    stage.broker().remove_members(&names.group).await?;
    std::fs::write(&names.office, "open")?;
    stage.run_to_the_end().await?;
    std::fs::remove_file(&names.office)?;
    points_of_passengers(stage, &names, ALL + LATER, 100).await
}

async fn points_of_passengers(
    stage: &mut Stage,
    names: &Names,
    all: usize,
    most_repeated: usize,
) -> anyhow::Result<()> {
    let records = stage.broker().records(&names.checked_in).await?;
    let (mut seen, mut last, mut overtaken) = (BTreeSet::new(), BTreeMap::new(), 0);
    for record in records.iter() {
        let flight = record.key.clone().unwrap_or_default();
        let number = record.text().strip_prefix("passenger ").and_then(|it| it.parse().ok());
        let number: usize = number.unwrap_or_default();
        if seen.insert((flight.clone(), number)) {
            let before = last.insert(flight, number);
            overtaken += usize::from(before.is_some_and(|it| it > number));
        }
    }
    let lost = all.saturating_sub(seen.len());
    stage
        .point("each passenger is checked in")
        .why("A commit past a failed record skips it for ever, and no error tells.")
        .read("09-seek-and-pause.md#in-production")
        .holds(lost == 0, format!("{lost} are missing"), "0 are missing");
    stage
        .point("no passenger is overtaken by a later one of the flight")
        .why("A record that is put aside comes after its successors, which may depend on it.")
        .read("09-seek-and-pause.md#in-production")
        .holds(overtaken == 0, format!("{overtaken} are late"), "0 are late");
    let repeated = records.len() - seen.len();
    stage
        .point("no passenger is checked in twice without need")
        .why("A seek to an earlier record processes all between again, with all their effects.")
        .read("09-seek-and-pause.md#in-production")
        .holds(
            repeated <= most_repeated,
            format!("{} twice", thousands(repeated)),
            format!("at most {most_repeated}"),
        );
    Ok(())
}
