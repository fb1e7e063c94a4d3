//! Checks exercises/07-partition-counts: counts that move with the partitions, from member to
//! member.

use std::time::Duration;

use embedded_kafka::{ApiKey, ResponseError};

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::program::Running;
use crate::scratch::Scratch;
use crate::seed::Seed;
use crate::stage::{Stage, thousands};

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 7,
    slug: "partition-counts",
    title: "hand a count per partition over in every rebalance",
    uses_schemas: false,
    scenes: &[
        scene!("three members come and go, twice", AnyEngine, come_and_go),
        scene!("with a commit that fails at the end", Embedded, commit_fails),
    ],
};

const PARTITIONS: i32 = 6;
const PART: usize = 200;

struct Names {
    topic: String,
    group: String,
    counts: Scratch,
    seen: Scratch,
}

async fn prepare(stage: &mut Stage) -> anyhow::Result<Names> {
    let topic = stage.topic("TOPIC", "departures", PARTITIONS).await?;
    let group = stage.name("GROUP", "counters");
    let counts = stage.directory("COUNTS")?;
    let seen = stage.directory("SEEN")?;
    Ok(Names { topic, group, counts, seen })
}

async fn more_departures(stage: &Stage, names: &Names) -> anyhow::Result<()> {
    let departure = |number: usize| Seed::new("departure").partition(number as i32 % PARTITIONS);
    stage.send(&names.topic, (0..PART).map(departure).collect()).await
}

/// Waits until so many members have counted something.
async fn have_counted(
    stage: &mut Stage,
    running: &mut Running,
    names: &Names,
    members: usize,
) -> anyhow::Result<bool> {
    let what = format!("{members} members have counted departures");
    let counted = async |_: &Broker| {
        let counts = |file: &String| names.seen.read(file).parse::<u64>().is_ok_and(|it| it > 0);
        Ok(names.seen.files().iter().filter(|file| counts(file)).count() >= members)
    };
    stage.reaches(running, &what, counted).await
}

async fn come_and_go(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    for round in 0..2 {
        let mut members: Vec<Running> = Vec::new();
        for joined in 1..=3 {
            let mut member = stage.start()?;
            if !stage.group_has(&mut member, &names.group, &names.topic, joined).await? {
                return stage.give_up(member);
            }
            // In every partition, so that the new member has something to count.
            more_departures(stage, &names).await?;
            if !have_counted(stage, &mut member, &names, 3 * round + joined).await? {
                return stage.give_up(member);
            }
            members.push(member);
        }
        // The last one first, so that the others get partitions back that they had before.
        while let Some(member) = members.pop() {
            // It is stopped while it has more to count.
            more_departures(stage, &names).await?;
            stage.stop(member).await?;
            let left = members.len();
            let Some(other) = members.last_mut() else { break };
            if !stage.group_has(other, &names.group, &names.topic, left).await? {
                return Ok(());
            }
        }
        point_of_the_files(stage, &names).await?;
    }
    points_at_the_end(stage, &names, 12 * PART).await
}

async fn commit_fails(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    more_departures(stage, &names).await?;
    let mut member = stage.start()?;
    if !have_counted(stage, &mut member, &names, 1).await? {
        return Ok(());
    }
    let rejected = ResponseError::RebalanceInProgress;
    stage.switchboard()?.fail_next(ApiKey::OffsetCommit, rejected, 10_000)?;
    stage.stop(member).await?;
    stage.switchboard()?.clear_faults();
    stage.broker().remove_members(&names.group).await?;
    point_of_the_files(stage, &names).await?;
    points_at_the_end(stage, &names, PART).await
}

/// Makes the point of the files, while no member runs.
async fn point_of_the_files(stage: &mut Stage, names: &Names) -> anyhow::Result<()> {
    let group = stage.broker().group(&names.group, &names.topic).await?;
    let mut wrong = Vec::new();
    for partition in 0..PARTITIONS {
        let committed = group.committed().get(&partition).copied().unwrap_or_default();
        let counted: i64 = names.counts.read(&partition.to_string()).parse().unwrap_or_default();
        if committed != counted {
            wrong.push(format!("{partition}: {counted} counted, {committed} committed"));
        }
    }
    stage
        .point("each file contains what the group has committed for its partition")
        .why("The next member continues with both. If they differ, departures are lost or counted twice.")
        .read("07-consumer-group.md#the-code")
        .holds(wrong.is_empty(), wrong.join("; "), "the same number in both, for each partition");
    Ok(())
}

/// Lets a last member count the rest, and makes the point of the sum.
async fn points_at_the_end(stage: &mut Stage, names: &Names, sent: usize) -> anyhow::Result<()> {
    let committed = stage.broker().group(&names.group, &names.topic).await?.records_committed();
    let (rest, before) = (sent as i64 - committed, names.seen.files());
    let member = stage.start()?;
    let counted = async |_: &Broker| {
        let mut files = names.seen.files();
        files.retain(|file| !before.contains(file));
        let counted = |file: &String| names.seen.read(file).parse::<i64>().unwrap_or_default();
        Ok(files.iter().map(counted).sum::<i64>() >= rest)
    };
    stage.broker().until(Duration::from_secs(40), counted).await?;
    stage.stop(member).await?;
    point_of_the_files(stage, names).await?;
    let counted = |file: String| names.counts.read(&file).parse::<usize>().unwrap_or_default();
    let sum: usize = names.counts.files().into_iter().map(counted).sum();
    stage
        .point("the sum of the counts is the number of departures")
        .why("A count that is wrong once stays wrong, however many members continue it.")
        .read("07-consumer-group.md#the-code")
        .holds(sum == sent, thousands(sum), thousands(sent));
    Ok(())
}
