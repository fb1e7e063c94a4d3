//! Checks exercises/01-departures-topic: a topic with the right shape, created by a program that
//! can run again.

use crate::exercise::{Exercise, scene};
use crate::program::End;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 1,
    slug: "departures-topic",
    title: "create a topic, in a program that can run again",
    uses_schemas: false,
    scenes: &[
        scene!("on an empty cluster", AnyEngine, creates),
        scene!("with too few brokers", AnyEngine, rejected),
    ],
};

async fn creates(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.new_topic("TOPIC", "departures");
    stage.run_to_the_end().await?;
    let shape = stage.broker().shape(&topic).await?;
    let found = shape.map_or("no such topic".to_owned(), |(partitions, replicas)| {
        let partitions =
            if partitions == 1 { "1 partition".into() } else { format!("{partitions} partitions") };
        format!("{partitions}, {replicas} replicas")
    });
    stage
        .point("the topic has four partitions, with two replicas each")
        .why("Adding partitions later moves keys to other partitions, which breaks their order.")
        .read("01-create-topic.md#the-code")
        .holds(shape == Some((4, 2)), found, "4 partitions, 2 replicas");
    let again = stage.run().await?;
    stage
        .point("the second run, with the topic there, ends with exit code 0")
        .why("A deployment runs its setup every time. A topic that is there is what it wants.")
        .read("01-create-topic.md#the-code")
        .holds(again.end == End::Exited(0), again.end.to_string(), "exit code 0");
    Ok(())
}

async fn rejected(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.new_topic("TOPIC", "departures");
    stage.set("REPLICAS", "9");
    let run = stage.run().await?;
    let failed = matches!(run.end, End::Exited(code) if code != 0);
    stage
        .point("a rejected request ends the program with an error")
        .why("Otherwise the first producer creates the topic by accident, with one partition.")
        .read("01-create-topic.md#the-code")
        .holds(failed, run.end.to_string(), "another exit code than 0");
    let shape = stage.broker().shape(&topic).await?;
    stage
        .point("the topic does not exist")
        .why("A program that tries again with fewer replicas hides that the cluster is too small.")
        .read("01-create-topic.md#in-production")
        .holds(shape.is_none(), format!("{shape:?} partitions and replicas"), "no such topic");
    Ok(())
}
