//! Checks exercises/08-count-with-offset: a count that is stored with its offsets.

use std::time::Duration;

use embedded_kafka::{ApiKey, ResponseError};

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::program::Running;
use crate::scratch::Scratch;
use crate::seed::Seed;
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 8,
    slug: "count-with-offset",
    title: "a count that is exact after every crash, stored with its offsets",
    uses_schemas: false,
    scenes: &[
        scene!("stopped by SIGTERM, and started again", AnyEngine, stopped),
        scene!("killed twice, while no commit succeeds", Embedded, killed),
        scene!("while the file cannot be written", AnyEngine, unwritable),
    ],
};

/// The departures that arrive in each part of a scene.
const PART: usize = 300;

/// The directory `state` in a scene's own one, which can be moved away.
async fn prepare(stage: &mut Stage) -> anyhow::Result<(String, Scratch)> {
    let topic = stage.topic("TOPIC", "departures", 3).await?;
    stage.name("GROUP", "counter");
    let files = Scratch::new()?;
    std::fs::create_dir(files.path("state"))?;
    stage.set("STATE", files.path("state/count.json").to_string_lossy());
    Ok((topic, files))
}

async fn more_departures(stage: &Stage, topic: &str) -> anyhow::Result<()> {
    let departure = |number: usize| Seed::new("departure").partition(number as i32 % 3);
    stage.send(topic, (0..PART).map(departure).collect()).await
}

fn stored(files: &Scratch) -> u64 {
    let state: serde_json::Value =
        serde_json::from_str(&files.read("state/count.json")).unwrap_or_default();
    state["count"].as_u64().unwrap_or_default()
}

/// Waits until the file contains a count that is not lower.
async fn counts(
    stage: &mut Stage,
    running: &mut Running,
    files: &Scratch,
    at_least: usize,
) -> anyhow::Result<bool> {
    let what = format!("the file contains a count of {at_least} or more");
    let reached = async |_: &Broker| Ok(stored(files) >= at_least as u64);
    stage.reaches(running, &what, reached).await
}

async fn stopped(stage: &mut Stage) -> anyhow::Result<()> {
    let (topic, files) = prepare(stage).await?;
    for part in 1..=3 {
        more_departures(stage, &topic).await?;
        let mut running = stage.start()?;
        if !counts(stage, &mut running, &files, PART * part).await? {
            return stage.give_up(running);
        }
        stage.stop(running).await?;
        if part == 1 {
            // A second name of the same file: it keeps what a write in place would overwrite.
            let (file, link) = (files.path("state/count.json"), files.path("first"));
            std::fs::hard_link(file, link)?;
        }
    }
    point_of_the_count(stage, &files, 3 * PART);
    let first: serde_json::Value = serde_json::from_str(&files.read("first")).unwrap_or_default();
    stage
        .point("the file is replaced in one step, and never written in place")
        .why("A crash in the middle of a write leaves half a file, and no count at all.")
        .read("08-commit-semantics.md#in-production")
        .holds(first["count"] == PART, "the first file has changed", "the first file as it was");
    Ok(())
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let (topic, files) = prepare(stage).await?;
    for part in 1..=3 {
        more_departures(stage, &topic).await?;
        let rejected = ResponseError::RebalanceInProgress;
        stage.switchboard()?.fail_next(ApiKey::OffsetCommit, rejected, 10_000)?;
        let mut running = stage.start()?;
        let at_least = if part == 3 { 3 * PART } else { PART * part - PART / 2 };
        if !counts(stage, &mut running, &files, at_least).await? {
            return stage.give_up(running);
        }
        stage.switchboard()?.clear_faults();
        if part == 3 {
            stage.stop(running).await?;
        } else {
            let run = running.kill();
            stage.keep_output(&run);
        }
    }
    point_of_the_count(stage, &files, 3 * PART);
    Ok(())
}

async fn unwritable(stage: &mut Stage) -> anyhow::Result<()> {
    let (topic, files) = prepare(stage).await?;
    more_departures(stage, &topic).await?;
    let mut running = stage.start()?;
    if !counts(stage, &mut running, &files, PART).await? {
        return stage.give_up(running);
    }
    let (here, away) = (files.path("state"), files.path("away"));
    std::fs::rename(&here, &away)?;
    more_departures(stage, &topic).await?;
    // Ending with an error is right, and so is trying again.
    let run = running.ended_within(Duration::from_secs(3)).await?;
    stage.keep_output(&run);
    std::fs::rename(&away, &here)?;
    more_departures(stage, &topic).await?;
    let running = stage.start()?;
    let all = async |_: &Broker| Ok(stored(&files) >= 3 * PART as u64);
    stage.broker().until(Duration::from_secs(8), all).await?;
    stage.stop(running).await?;
    point_of_the_count(stage, &files, 3 * PART);
    Ok(())
}

fn point_of_the_count(stage: &mut Stage, files: &Scratch, expected: usize) {
    stage
        .point("the count is the number of departures")
        .why("A wrong count never becomes right again: every later one is based on it.")
        .read("08-commit-semantics.md#in-production")
        .holds(
            stored(files) == expected as u64,
            format!("a count of {}", thousands(stored(files))),
            format!("{} departures", thousands(expected)),
        );
}
