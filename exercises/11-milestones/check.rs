//! Checks exercises/11-milestones: two outputs and the offsets in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use embedded_kafka::{ApiKey, ResponseError};

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 11,
    slug: "milestones",
    title: "a second output, exactly once, however often the program is killed",
    uses_schemas: false,
    scenes: &[
        scene!("on a healthy cluster", AnyEngine, healthy),
        scene!("killed while its commit has no response", Embedded, uncommitted),
        scene!("killed three times in the middle", AnyEngine, killed),
    ],
};

/// The airports, and how many of every 20 departures each has.
const AIRPORTS: [(&str, usize); 5] = [("ATL", 7), ("DEN", 5), ("JFK", 4), ("LAX", 3), ("SEA", 1)];
const ROUNDS: usize = 30;

struct Names {
    topic: String,
    counts: String,
    milestones: String,
    group: String,
}

async fn prepare(stage: &mut Stage) -> anyhow::Result<Names> {
    let topic = stage.topic("TOPIC", "departures", 2).await?;
    let counts = stage.topic("COUNTS", "counts", 1).await?;
    let milestones = stage.topic("MILESTONES", "milestones", 1).await?;
    let group = stage.name("GROUP", "counter");
    stage.name("TRANSACTIONAL_ID", "counter");
    let mut seeds = Vec::new();
    for _ in 0..ROUNDS {
        for (airport, times) in AIRPORTS {
            let partition = i32::from(airport > "JFK");
            let departure = || Seed::new("departure").key(airport).partition(partition);
            seeds.extend(std::iter::repeat_with(departure).take(times));
        }
    }
    stage.send(&topic, seeds).await?;
    Ok(Names { topic, counts, milestones, group })
}

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    stage.run_to_the_end().await?;
    if let Some(requests) = stage.broker().requests() {
        let (inside, outside) =
            (requests.clone().of("TxnOffsetCommit").len(), requests.of("OffsetCommit").len());
        stage
            .point("the offsets are part of the transactions")
            .why("A crash between two commits repeats departures, or loses them.")
            .read("11-exactly-once.md#the-code")
            .holds(
                inside > 0 && outside == 0,
                format!("{inside} TxnOffsetCommit and {outside} OffsetCommit requests"),
                "only TxnOffsetCommit requests",
            );
    }
    points_of_the_counts(stage, &names).await
}

async fn uncommitted(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    let rejected = ResponseError::NotCoordinator;
    stage.switchboard()?.fail_next(ApiKey::EndTxn, rejected, 100_000)?;
    stage.switchboard()?.fail_next(ApiKey::OffsetCommit, rejected, 100_000)?;
    let mut running = stage.start()?;
    let sent = async |broker: &Broker| Ok(broker.appended(&names.milestones).await? > 0);
    if !stage.reaches(&mut running, "the first milestone arrives", sent).await? {
        return stage.give_up(running);
    }
    stage.kill(running, &names.group).await?;
    stage.switchboard()?.clear_faults();
    stage.run_to_the_end().await?;
    points_of_the_counts(stage, &names).await
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    stage.delay_all_nodes(Duration::from_millis(5))?;
    for _ in 0..3 {
        let begin = stage.broker().appended(&names.counts).await?;
        let mut running = stage.start()?;
        let further =
            async |broker: &Broker| Ok(broker.appended(&names.counts).await? >= begin + 120);
        if !stage.reaches(&mut running, "120 more counts arrive", further).await? {
            return stage.give_up(running);
        }
        stage.kill(running, &names.group).await?;
    }
    stage.run_to_the_end().await?;
    points_of_the_counts(stage, &names).await
}

async fn points_of_the_counts(stage: &mut Stage, names: &Names) -> anyhow::Result<()> {
    let open = stage.broker().open_transactions().await?.len();
    stage
        .point("no transaction is open")
        .why("Readers of committed records wait at an open transaction.")
        .read("10-transactions.md#what-it-prints")
        .equals(open, 0, "open transactions");
    let wanted: BTreeSet<(String, u64)> = AIRPORTS
        .iter()
        .flat_map(|(airport, times)| {
            let all = 10..=(times * ROUNDS) as u64;
            all.step_by(10).map(|count| ((*airport).to_owned(), count))
        })
        .collect();
    let records = stage.broker().records(&names.milestones).await?;
    let milestone = |it: &crate::broker::Record| {
        (it.key.clone().unwrap_or_default(), it.text().parse().unwrap_or_default())
    };
    let twice = records.duplicates(milestone);
    let found: BTreeSet<(String, u64)> = records.iter().map(milestone).collect();
    let (missing, wrong) = (wanted.difference(&found).count(), found.difference(&wanted).count());
    stage
        .point("each airport has each of its milestones once")
        .why("A record outside of the transaction comes again with every repeat of the work.")
        .read("11-exactly-once.md#the-code")
        .holds(
            (missing, wrong, twice) == (0, 0, 0),
            format!("{missing} missing, {wrong} wrong, {twice} twice"),
            "0 missing, 0 wrong, 0 twice",
        );
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for record in stage.broker().records(&names.counts).await?.iter() {
        let (airport, count) = milestone(record);
        last.insert(airport, count);
    }
    let wanted: BTreeMap<String, u64> =
        AIRPORTS.iter().map(|(it, times)| ((*it).to_owned(), (times * ROUNDS) as u64)).collect();
    stage
        .point("the last count of each airport is the number of its departures")
        .why("The counts after a restart are based on those before it.")
        .read("11-exactly-once.md#the-code")
        .holds(last == wanted, format!("{last:?}"), format!("{wanted:?}"));
    if open > 0 {
        // The coordinator does not respond with what the group has committed until it is over.
        return Ok(());
    }
    let committed = stage.broker().group(&names.group, &names.topic).await?.records_committed();
    stage
        .point("the group has committed what was counted")
        .why("Otherwise the next run counts it again.")
        .read("11-exactly-once.md#the-code")
        .equals(committed, (20 * ROUNDS) as i64, "departures");
    Ok(())
}
