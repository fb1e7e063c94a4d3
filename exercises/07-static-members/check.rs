//! Checks exercises/07-static-members: a restart that causes no rebalance.

use std::collections::BTreeMap;

use crate::broker::{Broker, Record};
use crate::exercise::{Exercise, scene};
use crate::program::Running;
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 7,
    slug: "static-members",
    title: "restart a member without a rebalance",
    uses_schemas: false,
    scenes: &[scene!("two members, of which one restarts", AnyEngine, restarts)],
};

const PARTITIONS: usize = 4;
const PART: usize = 40;

struct Names {
    topic: String,
    board: String,
    group: String,
}

async fn restarts(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "departures", PARTITIONS as i32).await?;
    let board = stage.topic("BOARD", "board", 1).await?;
    let group = stage.name("GROUP", "board");
    let names = Names { topic, board, group };
    stage.set("INSTANCE", "board-1");
    let mut first = stage.start()?;
    stage.set("INSTANCE", "board-2");
    let second = stage.start()?;
    if !stage.group_has(&mut first, &names.group, &names.topic, 2).await?
        || !are_posted(stage, &mut first, &names, 0).await?
    {
        return Ok(());
    }
    let before = readers(stage, &names, 0).await?;
    stage.stop(second).await?;
    point_of_the_members(stage, &names, "the group keeps the place of a member that has stopped")
        .await?;
    let mut second = stage.start()?;
    if !are_posted(stage, &mut second, &names, 1).await? {
        return Ok(());
    }
    point_of_the_members(stage, &names, "the member has its place again after its restart").await?;
    if stage.broker().written(&names.board).await? < 2 * PART as i64 {
        return Ok(());
    }
    let after = readers(stage, &names, 1).await?;
    stage
        .point("each partition is with the member that had it before")
        .why("A member that gets other partitions has to load what belongs to them.")
        .read("07-consumer-group.md#what-it-prints")
        .holds(before == after, format!("{after:?}"), format!("{before:?}"));
    point_of_the_others(stage);
    stage.stop(first).await?;
    stage.stop(second).await?;
    let twice = stage.broker().records(&names.board).await?.duplicates(Record::text);
    stage
        .point("each departure is on the board once")
        .why("A clean shutdown commits what is done, and nothing comes again.")
        .read("07-consumer-group.md#the-code")
        .equals(twice, 0, "departures are there twice");
    Ok(())
}

/// Sends a part of the departures, and waits until all are on the board.
async fn are_posted(
    stage: &mut Stage,
    running: &mut Running,
    names: &Names,
    part: usize,
) -> anyhow::Result<bool> {
    let departure = |number: usize| {
        let partition = number % PARTITIONS;
        Seed::new(format!("part {part}, partition {partition}, departure {number}"))
            .partition(partition as i32)
    };
    stage.send(&names.topic, (0..PART).map(departure).collect()).await?;
    let wanted = (PART * (part + 1)) as i64;
    let posted = async |broker: &Broker| {
        // With a member too many, some partitions have no reader.
        let members = broker.group(&names.group, &names.topic).await?.members.len();
        Ok(members > 2 || broker.written(&names.board).await? >= wanted)
    };
    stage.reaches(running, &format!("{wanted} departures are on the board"), posted).await
}

/// Returns which member has posted the departures of each partition.
async fn readers(
    stage: &Stage,
    names: &Names,
    part: usize,
) -> anyhow::Result<BTreeMap<usize, Vec<String>>> {
    let board = stage.broker().records(&names.board).await?;
    let readers = |partition: usize| {
        let prefix = format!("part {part}, partition {partition}, ");
        let posted = board.iter().filter(|it| it.text().starts_with(&prefix));
        let mut by: Vec<String> = posted.filter_map(|it| it.header("by")).collect();
        by.sort();
        by.dedup();
        (partition, by)
    };
    Ok((0..PARTITIONS).map(readers).collect())
}

async fn point_of_the_members(stage: &mut Stage, names: &Names, asked: &str) -> anyhow::Result<()> {
    let members = stage.broker().group(&names.group, &names.topic).await?.members.len();
    stage
        .point(asked)
        .why("A member that leaves gives its partitions up, and a new one gets some: all members stop twice.")
        .read("07-consumer-group.md#what-it-prints")
        .equals(members, 2, "members");
    Ok(())
}

/// Makes the point of the requests since the restart, where the cluster records them.
fn point_of_the_others(stage: &mut Stage) {
    let Some(requests) = stage.broker().requests() else { return };
    let joined = requests.of("JoinGroup").0;
    let joined = joined.iter().filter(|it| it.client_id == "board-1").count();
    stage
        .point("the other member joins no rebalance")
        .why("In the classic protocol, a rebalance stops every member of the group.")
        .read("07-consumer-group.md#what-it-prints")
        .equals(joined, 0, "JoinGroup requests");
}
