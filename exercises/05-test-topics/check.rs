//! Checks exercises/05-test-topics: the right topics are deleted, and a failure is seen.

use std::time::Duration;

use embedded_kafka::{ApiKey, ResponseError};
use helpers::TopicOptions;

use crate::exercise::{Exercise, scene};
use crate::names;
use crate::program::{End, Run};
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 5,
    slug: "test-topics",
    title: "delete all topics with a prefix, and no other",
    uses_schemas: false,
    scenes: &[
        scene!("with topics to delete, and a second time", AnyEngine, deletes),
        scene!("with a cluster that rejects the deletion", Embedded, rejected),
        scene!("with another program that deletes them at the same time", Embedded, gone),
        scene!("with an empty prefix", Embedded, empty_prefix),
    ],
};

/// The names of the topics that must go, and of those that must stay.
struct Names {
    doomed: Vec<String>,
    others: Vec<String>,
}

async fn prepare(stage: &mut Stage) -> anyhow::Result<Names> {
    let prefix = format!("{}-", names::fresh("test"));
    let doomed = ["gates", "bags", "crews"].map(|it| format!("{prefix}{it}")).to_vec();
    let others = vec![names::fresh("gates"), format!("not-a-{prefix}topic"), names::fresh("test")];
    for topic in doomed.iter().chain(&others) {
        stage.create(topic, TopicOptions::new(1, 3)).await?;
    }
    stage.set("PREFIX", prefix);
    Ok(Names { doomed, others })
}

/// Returns how many of these topics exist.
async fn existing(stage: &Stage, topics: &[String]) -> anyhow::Result<usize> {
    let there = stage.broker().topics().await?;
    Ok(topics.iter().filter(|topic| there.contains(topic)).count())
}

async fn deletes(stage: &mut Stage) -> anyhow::Result<()> {
    let Names { doomed, others } = prepare(stage).await?;
    // A request without a wait for its result is never sent.
    stage.delay_all_nodes(Duration::from_millis(40))?;
    let run = stage.run().await?;
    stage.clear_faults();
    let left = existing(stage, &doomed).await?;
    stage
        .point("no topic begins with the prefix any more")
        .why(
            "What a nightly job leaves behind adds up: each partition costs memory on its brokers.",
        )
        .read("05-delete-topic.md#the-code")
        .holds(left == 0, format!("{left} of 3 topics are left"), "0 of 3");
    let left = existing(stage, &others).await?;
    stage
        .point("all other topics are still there")
        .why("There is no way back: a deleted topic is gone with all its records.")
        .read("05-delete-topic.md#in-production")
        .holds(left == 3, format!("{left} of 3 topics are left"), "3 of 3");
    stage.ended_well(&run);
    let again = stage.run().await?;
    stage
        .point("the second run, with nothing to delete, ends with exit code 0")
        .why("A job that fails when all is well is ignored on the day when it matters.")
        .read("05-delete-topic.md#in-your-project")
        .holds(again.end == End::Exited(0), again.end.to_string(), "exit code 0");
    Ok(())
}

async fn rejected(stage: &mut Stage) -> anyhow::Result<()> {
    prepare(stage).await?;
    // What brokers with delete.topic.enable=false respond.
    let error = ResponseError::TopicDeletionDisabled;
    stage.switchboard()?.fail_next(ApiKey::DeleteTopics, error, 1000)?;
    let run = stage.run().await?;
    stage
        .point("a topic that cannot be deleted ends the program with an error")
        .why("The request succeeds: only the result of each topic tells that it is still there.")
        .read("05-delete-topic.md#in-your-project")
        .holds(failed(&run), run.end.to_string(), "another exit code than 0");
    Ok(())
}

async fn gone(stage: &mut Stage) -> anyhow::Result<()> {
    prepare(stage).await?;
    let error = ResponseError::UnknownTopicOrPartition;
    stage.switchboard()?.fail_next(ApiKey::DeleteTopics, error, 1000)?;
    let run = stage.run().await?;
    stage
        .point("a topic that is gone already is no error")
        .why("Two jobs may run at the same time. Both get what they want.")
        .read("05-delete-topic.md#what-went-over-the-wire")
        .holds(run.end == End::Exited(0), run.end.to_string(), "exit code 0");
    Ok(())
}

async fn empty_prefix(stage: &mut Stage) -> anyhow::Result<()> {
    let Names { doomed, others } = prepare(stage).await?;
    stage.set("PREFIX", "");
    let run = stage.run().await?;
    let left = existing(stage, &doomed).await? + existing(stage, &others).await?;
    stage
        .point("an empty prefix deletes nothing, and ends the program with an error")
        .why("A variable that a script forgot to set must not delete the whole cluster.")
        .read("05-delete-topic.md#in-production")
        .holds(
            left == 6 && failed(&run),
            format!("{left} of 6 topics are left, {}", run.end),
            "6 of 6, and another exit code than 0",
        );
    Ok(())
}

fn failed(run: &Run) -> bool {
    matches!(run.end, End::Exited(code) if code != 0)
}
