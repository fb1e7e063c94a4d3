//! Checks exercises/10-zombie: a producer that ends when it is fenced.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::program::End;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 10,
    slug: "zombie",
    title: "a producer that another instance has fenced ends with an error",
    uses_schemas: false,
    scenes: &[
        scene!("alone", AnyEngine, alone),
        scene!("with a second instance that takes over", AnyEngine, fenced),
    ],
};

const DEPARTURES: usize = 200;
const BATCH: usize = 50;

async fn alone(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "departures", 1).await?;
    stage.name("TRANSACTIONAL_ID", "departure-desk");
    stage.run_to_the_end().await?;
    let records = stage.broker().records(&topic).await?;
    let different = records.texts().into_iter().collect::<BTreeSet<_>>().len();
    stage
        .point("each departure is there once")
        .why("A record that is queued is lost if the program ends before the commit.")
        .read("10-transactions.md#the-code")
        .holds(
            records.len() == DEPARTURES && different == DEPARTURES,
            format!("{} records, {different} different ones", records.len()),
            "200 records, 200 different ones",
        );
    let open = stage.broker().open_transactions().await?.len();
    stage
        .point("no transaction is open")
        .why("Readers of committed records wait at an open transaction.")
        .read("10-transactions.md#what-it-prints")
        .equals(open, 0, "open transactions");
    Ok(())
}

async fn fenced(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "departures", 1).await?;
    let id = stage.name("TRANSACTIONAL_ID", "departure-desk");
    let mut running = stage.start()?;
    let in_the_second = async |broker: &Broker| Ok(broker.appended(&topic).await? >= 70);
    if !stage.reaches(&mut running, "70 records arrive", in_the_second).await? {
        return stage.give_up(running);
    }
    let took_over = stage.take_over(&id, &topic, "from the second instance").await?;
    let run = running.ended_within(Duration::from_secs(30)).await?;
    stage.keep_output(&run);

    let records = stage.broker().records(&topic).await?;
    let is_rival = |it: &&crate::broker::Record| it.text() == "from the second instance";
    let taken = records.iter().find(is_rival).map_or(i64::MAX, |it| it.offset);
    let after = records.iter().filter(|it| it.offset > taken).count();
    let before = records.iter().filter(|it| it.offset < taken).count();
    stage
        .point("nothing of the program appears after the second instance has taken over")
        .why("The second instance does the work now. Whatever the first one sends again is there twice.")
        .read("10-transactions.md#what-it-prints")
        .holds(
            took_over && after == 0,
            if took_over { format!("{after} records") } else { "it fenced the second one".into() },
            "0 records",
        );
    stage
        .point("no part of a batch appears")
        .why("The transaction of a fenced producer is aborted, with all of its records.")
        .read("10-transactions.md#what-it-prints")
        .holds(before % BATCH == 0, format!("{before} records"), "whole batches of 50");
    let failed = matches!(run.end, End::Exited(code) if code != 0);
    stage
        .point("the program ends by itself, with an error")
        .why(
            "Exit code 0 says that everything is published. A scheduler must learn that it is not.",
        )
        .read("10-transactions.md#the-code")
        .holds(failed, run.end.to_string(), "another exit code than 0");
    let open = stage.broker().open_transactions().await?.len();
    stage
        .point("no transaction is open")
        .why("Readers of committed records wait at an open transaction.")
        .read("10-transactions.md#what-it-prints")
        .equals(open, 0, "open transactions");
    Ok(())
}
