//! Checks exercises/00-two-readers: two groups read everything, and take nothing away.

use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 0,
    slug: "two-readers",
    title: "let two readers read the same records",
    uses_schemas: false,
    scenes: &[scene!("with 30 flights, and a second run with 12 more", AnyEngine, read_twice)],
};

const FLIGHTS: usize = 30;
const MORE: usize = 12;

async fn read_twice(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "flights", 1).await?;
    let report = stage.topic("REPORT", "report", 1).await?;
    let groups = [stage.name("BOARD", "board"), stage.name("BILLING", "billing")];
    stage.send(&topic, flights(0, FLIGHTS)).await?;
    stage.run_to_the_end().await?;
    let expected = |runs: &[usize]| runs.iter().map(usize::to_string).collect::<Vec<_>>();
    for group in &groups {
        let numbers = stage.broker().records(&report).await?.with_key(group).texts();
        stage
            .point(format!("{} has read all flights", group_name(group)))
            .why("Each group gets every record. The members of one group share the records.")
            .read("00-what-kafka-is.md#the-code")
            .holds(numbers == expected(&[FLIGHTS]), reported(&numbers), "reported 30");
        let committed = stage.broker().group(group, &topic).await?.records_committed();
        stage
            .point(format!("{} has committed what it has read", group_name(group)))
            .why("What is committed is what the next run continues from, on any machine.")
            .read("00-what-kafka-is.md#in-production")
            .equals(committed, FLIGHTS as i64, "flights");
    }
    stage.send(&topic, flights(FLIGHTS, MORE)).await?;
    stage.run_to_the_end().await?;
    for group in &groups {
        let numbers = stage.broker().records(&report).await?.with_key(group).texts();
        stage
            .point(format!("the second run of {} reads the new flights only", group_name(group)))
            .why("A reader that begins again with every start bills each flight twice.")
            .read("00-what-kafka-is.md#the-code")
            .holds(numbers == expected(&[FLIGHTS, MORE]), reported(&numbers), "reported 30, 12");
    }
    let left = stage.broker().records(&topic).await?.len();
    stage
        .point("all flights are still on the topic")
        .why("Reading takes nothing away: tomorrow a third reader may need them.")
        .read("00-what-kafka-is.md#the-code")
        .equals(left, FLIGHTS + MORE, "flights");
    Ok(())
}

fn flights(first: usize, count: usize) -> Vec<Seed> {
    (first..first + count).map(|number| Seed::new(format!("flight KF{number}"))).collect()
}

/// Returns the numbers that a group has in the report, in words.
fn reported(numbers: &[String]) -> String {
    if numbers.is_empty() {
        "reported nothing".into()
    } else {
        format!("reported {}", numbers.join(", "))
    }
}

/// Returns the name of a group without its random end.
fn group_name(group: &str) -> &str {
    group.split('-').next().unwrap_or(group)
}
