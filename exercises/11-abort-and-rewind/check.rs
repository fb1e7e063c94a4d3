//! Checks exercises/11-abort-and-rewind: a program that continues after a transaction that failed.

use std::time::Duration;

use embedded_kafka::{ApiKey, ResponseError};

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::program::{End, Run};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 11,
    slug: "abort-and-rewind",
    title: "abort a failed transaction, go back, and continue",
    uses_schemas: false,
    scenes: &[
        scene!("on a healthy cluster", AnyEngine, healthy),
        scene!("with a first batch that is rejected", Embedded, rejected_at_first),
        scene!("with a batch that is rejected in the middle", Embedded, rejected_later),
        scene!("with a broker that rejects everything", Embedded, hopeless),
    ],
};

const ORDERS: usize = 600;

struct Names {
    topic: String,
    invoices: String,
    group: String,
}

async fn prepare(stage: &mut Stage) -> anyhow::Result<Names> {
    let topic = stage.topic("TOPIC", "orders", 2).await?;
    let invoices = stage.topic("INVOICES", "invoices", 1).await?;
    let group = stage.name("GROUP", "invoices");
    stage.name("TRANSACTIONAL_ID", "invoices");
    let order = |number: usize| Seed::new(format!("order {number}")).partition(number as i32 % 2);
    stage.send(&topic, (0..ORDERS).map(order).collect()).await?;
    Ok(Names { topic, invoices, group })
}

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    let run = stage.run().await?;
    points_of_the_invoices(stage, &names, &run).await
}

async fn rejected_at_first(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    // No client retries after this error.
    stage.switchboard()?.fail_next(ApiKey::Produce, ResponseError::InvalidRecord, 1)?;
    let run = stage.run().await?;
    points_of_the_invoices(stage, &names, &run).await
}

async fn rejected_later(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    // Slow enough that the error is in the middle.
    stage.delay_all_nodes(Duration::from_millis(10))?;
    let mut running = stage.start()?;
    let some = async |broker: &Broker| Ok(broker.appended(&names.invoices).await? >= 100);
    if !stage.reaches(&mut running, "100 invoices arrive", some).await? {
        return stage.give_up(running);
    }
    stage.switchboard()?.fail_next(ApiKey::Produce, ResponseError::InvalidRecord, 1)?;
    let run = running.ended_within(Duration::from_secs(30)).await?;
    stage.keep_output(&run);
    points_of_the_invoices(stage, &names, &run).await
}

async fn hopeless(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    let error = ResponseError::InvalidRecord;
    stage.switchboard()?.fail_next(ApiKey::Produce, error, 100_000)?;
    let run = stage.run_within(Duration::from_secs(15)).await?;
    let failed = matches!(run.end, End::Exited(code) if code != 0);
    stage
        .point("the program ends with an error when nothing helps")
        .why("A program that tries again without end looks healthy, and no one looks at its log.")
        .read("11-exactly-once.md#in-production")
        .holds(failed, run.end.to_string(), "another exit code than 0, within 15 s");
    if point_of_open_transactions(stage).await? > 0 {
        return Ok(());
    }
    let invoices = stage.broker().records(&names.invoices).await?.len();
    let committed = stage.broker().group(&names.group, &names.topic).await?.records_committed();
    stage
        .point("no order is committed without its invoice")
        .why("An offset that is committed without its result is a lost order.")
        .read("11-exactly-once.md#the-code")
        .equals(committed, invoices as i64, "orders");
    Ok(())
}

async fn points_of_the_invoices(stage: &mut Stage, names: &Names, run: &Run) -> anyhow::Result<()> {
    stage.ended_well(run);
    let records = stage.broker().records(&names.invoices).await?;
    let twice = records.duplicates(crate::broker::Record::text);
    let lost = ORDERS.saturating_sub(records.len() - twice);
    stage
        .point("each order has one invoice")
        .why("After an abort the position is behind the orders of the transaction, and the next commit skips them.")
        .read("11-exactly-once.md#in-production")
        .holds(
            (lost, twice) == (0, 0),
            format!("{lost} lost, {twice} twice"),
            "0 lost, 0 twice",
        );
    if point_of_open_transactions(stage).await? > 0 {
        return Ok(());
    }
    let committed = stage.broker().group(&names.group, &names.topic).await?.records_committed();
    stage
        .point("the group has committed every order")
        .why("Otherwise the next run writes invoices again.")
        .read("11-exactly-once.md#the-code")
        .equals(committed, ORDERS as i64, "orders");
    Ok(())
}

/// Makes the point of open transactions. While there is one with offsets, the coordinator does not
/// respond with what the group has committed.
async fn point_of_open_transactions(stage: &mut Stage) -> anyhow::Result<usize> {
    let open = stage.broker().open_transactions().await?.len();
    stage
        .point("no transaction is open")
        .why("Readers of committed records wait at an open transaction.")
        .read("10-transactions.md#what-it-prints")
        .equals(open, 0, "open transactions");
    Ok(open)
}
