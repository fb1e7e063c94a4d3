//! Checks exercises/10-transfer: two records that are visible together or not at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::scratch::Scratch;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 10,
    slug: "transfer",
    title: "two records in two partitions, visible together or not at all",
    uses_schemas: false,
    scenes: &[
        scene!("with all transfers confirmed", AnyEngine, healthy),
        scene!("with a transfer that the other bank rejects", AnyEngine, rejected),
        scene!("killed between the two records, and started again", AnyEngine, killed),
    ],
};

async fn prepare(stage: &mut Stage) -> anyhow::Result<(String, Scratch)> {
    let topic = stage.topic("TOPIC", "accounts", 2).await?;
    stage.name("TRANSACTIONAL_ID", "transfers");
    let confirmations = stage.directory("CONFIRMATIONS")?;
    stage.set("FIRST", "1");
    stage.set("LAST", "5");
    Ok((topic, confirmations))
}

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let (topic, confirmations) = prepare(stage).await?;
    for transfer in 1..=5 {
        confirmations.write(&transfer.to_string(), "yes")?;
    }
    stage.run_to_the_end().await?;
    points_of_transfers(stage, &topic, &[1, 2, 3, 4, 5]).await
}

async fn rejected(stage: &mut Stage) -> anyhow::Result<()> {
    let (topic, confirmations) = prepare(stage).await?;
    for transfer in 1..=5 {
        confirmations.write(&transfer.to_string(), if transfer == 3 { "no" } else { "yes" })?;
    }
    stage.run_to_the_end().await?;
    points_of_transfers(stage, &topic, &[1, 2, 4, 5]).await
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let (topic, confirmations) = prepare(stage).await?;
    confirmations.write("1", "yes")?;
    confirmations.write("2", "yes")?;
    let mut running = stage.start()?;
    let is_debited = async |broker: &Broker| {
        let all = broker.records_with_aborted(&topic).await?;
        Ok(all.in_partition(0).with_key("3").len() == 1)
    };
    let what = "the debit of transfer 3 is on the cluster before its confirmation";
    if !stage.reaches(&mut running, what, is_debited).await? {
        return stage.give_up(running);
    }
    let run = running.kill();
    stage.keep_output(&run);
    point_of_halves(stage, &topic).await?;
    for transfer in 3..=5 {
        confirmations.write(&transfer.to_string(), "yes")?;
    }
    stage.set("FIRST", "3");
    stage.run_to_the_end().await?;
    points_of_transfers(stage, &topic, &[1, 2, 3, 4, 5]).await
}

/// Makes a point of the transfers of which a reader sees only one half.
async fn point_of_halves(stage: &mut Stage, topic: &str) -> anyhow::Result<()> {
    let mut balances: BTreeMap<String, i64> = BTreeMap::new();
    for record in stage.broker().records(topic).await?.iter() {
        let transfer = record.key.clone().unwrap_or_default();
        *balances.entry(transfer).or_default() += record.text().parse::<i64>().unwrap_or_default();
    }
    let halves: Vec<String> =
        balances.into_iter().filter(|(_, sum)| *sum != 0).map(|(transfer, _)| transfer).collect();
    stage
        .point("a reader of committed records sees no half of a transfer")
        .why("Someone who reads between the two records sees money that is gone, or that is there twice.")
        .read("10-transactions.md#the-code")
        .holds(halves.is_empty(), format!("halves of the transfers {halves:?}"), "no halves");
    Ok(())
}

async fn points_of_transfers(
    stage: &mut Stage,
    topic: &str,
    expected: &[u32],
) -> anyhow::Result<()> {
    let open = stage.broker().open_transactions().await?.len();
    stage
        .point("no transaction is open")
        .why("Readers of committed records wait at an open transaction, up to its timeout of a minute.")
        .read("10-transactions.md#what-it-prints")
        .equals(open, 0, "open transactions");
    point_of_halves(stage, topic).await?;
    let records = stage.broker().records(topic).await?;
    let made: BTreeSet<String> = records.keys();
    let wanted: BTreeSet<String> = expected.iter().map(u32::to_string).collect();
    let holds = made == wanted && records.len() == 2 * expected.len();
    stage
        .point("each confirmed transfer is there once, and no other")
        .why("A rejected transfer never happened. An aborted one is made again, and a committed one is not.")
        .read("10-transactions.md#the-code")
        .holds(
            holds,
            format!("{} records of the transfers {made:?}", records.len()),
            format!("{} records of the transfers {wanted:?}", 2 * expected.len()),
        );
    Ok(())
}
