//! Checks exercises/04-landings: a consumer that loses nothing when it is killed, and repeats
//! nothing when it is stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::broker::Record;
use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 4,
    slug: "landings",
    title: "commit what is processed, and continue after a stop and a crash",
    uses_schemas: false,
    scenes: &[
        scene!("on a healthy cluster", AnyEngine, healthy),
        scene!("stopped by SIGTERM in the middle, and started again", AnyEngine, stopped),
        scene!("killed in the middle, and started again", AnyEngine, killed),
    ],
};

const ARRIVALS: usize = 1000;
/// The landings after which the program is stopped or killed.
const IN_THE_MIDDLE: i64 = 330;

/// The names of one scene.
struct Names {
    topic: String,
    landings: String,
    group: String,
}

async fn prepare(stage: &mut Stage) -> anyhow::Result<Names> {
    let topic = stage.topic("TOPIC", "arrivals", 3).await?;
    let landings = stage.topic("LANDINGS", "landings", 1).await?;
    let group = stage.name("GROUP", "board");
    let arrival = |number: usize| {
        Seed::new(format!("arrival {number}")).key(format!("flight-{}", number % 50))
    };
    stage.send(&topic, (0..ARRIVALS).map(arrival).collect()).await?;
    Ok(Names { topic, landings, group })
}

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let Names { topic, landings, group } = prepare(stage).await?;
    stage.run_to_the_end().await?;
    points_of_landings(stage, &landings, 0, "each arrival has one landing").await?;
    let group = stage.broker().group(&group, &topic).await?;
    let committed = group.records_committed();
    stage
        .point("the group has committed what it has processed")
        .why("The next run reads what is not committed again: all, or what came after the last commit.")
        .read("04-consumer.md#the-code")
        .holds(
            committed == ARRIVALS as i64 && group.lag() == Some(0),
            format!("{} of 1,000 records are committed", thousands(committed)),
            "all 1,000",
        );
    if let Some(requests) = stage.broker().requests() {
        let commits = requests.of("OffsetCommit").len();
        stage
            .point("a commit is no more than one request per 20 records")
            .why("A commit is a write to three brokers. One for each record costs more than the work.")
            .read("08-commit-semantics.md#in-production")
            .holds(commits <= 50, format!("{commits} OffsetCommit requests"), "at most 50");
    }
    Ok(())
}

async fn stopped(stage: &mut Stage) -> anyhow::Result<()> {
    let Names { landings, group, .. } = prepare(stage).await?;
    let mut running = stage.start()?;
    let sent = async |broker: &crate::broker::Broker| {
        Ok(broker.written(&landings).await? >= IN_THE_MIDDLE)
    };
    if !stage.reaches(&mut running, "landings arrive", sent).await? {
        return Ok(());
    }
    let run = running.terminate(Duration::from_secs(15)).await?;
    stage.keep_output(&run);
    stage.broker().remove_members(&group).await?;
    stage.run_to_the_end().await?;
    let asked = "after SIGTERM and a restart, no landing is there twice";
    points_of_landings(stage, &landings, 0, asked).await
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let Names { landings, group, .. } = prepare(stage).await?;
    let mut running = stage.start()?;
    let sent = async |broker: &crate::broker::Broker| {
        Ok(broker.written(&landings).await? >= IN_THE_MIDDLE)
    };
    if !stage.reaches(&mut running, "landings arrive", sent).await? {
        return Ok(());
    }
    let run = running.kill();
    stage.keep_output(&run);
    stage.broker().remove_members(&group).await?;
    stage.run_to_the_end().await?;
    points_of_landings(stage, &landings, 200, "at most 200 landings are there twice").await
}

/// Makes two points: nothing is lost, and at most so many landings are there twice.
async fn points_of_landings(
    stage: &mut Stage,
    landings: &str,
    most_repeated: usize,
    asked: &str,
) -> anyhow::Result<()> {
    let records = stage.broker().records(landings).await?;
    let repeated = records.duplicates(Record::text);
    let landed: BTreeSet<String> = records.texts().into_iter().collect();
    let lost = ARRIVALS.saturating_sub(landed.len());
    stage
        .point("no arrival is lost")
        .why("A record whose offset was committed before it was processed is lost by a crash.")
        .read("08-commit-semantics.md#what-it-prints")
        .holds(lost == 0, format!("{lost} lost"), "0 lost");
    stage
        .point(asked)
        .why("A clean shutdown commits what is done. A crash repeats what was done since the last commit.")
        .read("04-consumer.md#the-code")
        .holds(
            repeated <= most_repeated,
            format!("{repeated} landings twice"),
            format!("at most {most_repeated}"),
        );
    Ok(())
}
