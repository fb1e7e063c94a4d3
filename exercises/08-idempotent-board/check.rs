//! Checks exercises/08-idempotent-board: output that a repeat does not change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use helpers::TopicOptions;

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 8,
    slug: "idempotent-board",
    title: "output that a repeated departure does not change",
    uses_schemas: false,
    scenes: &[
        scene!("on a healthy cluster, with departures that were sent twice", AnyEngine, healthy),
        scene!("killed twice between output and commit, and started again", AnyEngine, killed),
    ],
};

const DEPARTURES: usize = 400;

async fn prepare(stage: &mut Stage) -> anyhow::Result<(String, String)> {
    let topic = stage.topic("TOPIC", "departures", 2).await?;
    let options = TopicOptions::new(1, 3).config("cleanup.policy", "compact");
    let board = stage.topic_with("BOARD", "board", options).await?;
    let group = stage.name("GROUP", "board");
    let mut seeds = Vec::new();
    for number in 0..DEPARTURES {
        seeds.push(departure(number));
        if number % 20 == 19 {
            // Sent a second time, some departures later.
            seeds.push(departure(number - 15));
        }
    }
    stage.send(&topic, seeds).await?;
    Ok((board, group))
}

/// A departure. Each flight departs four times.
fn departure(number: usize) -> Seed {
    let (flight, gate) = (format!("WS {}", number % 100), format!("B{}", number % 7));
    let value = format!(r#"{{"id":"d-{number:04}","flight":"{flight}","gate":"{gate}"}}"#);
    Seed::new(value).key(flight)
}

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let (board, _) = prepare(stage).await?;
    stage.run_to_the_end().await?;
    points_of_the_board(stage, &board).await
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let (board, group) = prepare(stage).await?;
    // Slow enough that each kill is in the middle.
    stage.delay_all_nodes(Duration::from_millis(3))?;
    for _ in 0..2 {
        let begin = stage.broker().written(&board).await?;
        let mut running = stage.start()?;
        let further = async |broker: &Broker| Ok(broker.written(&board).await? >= begin + 130);
        if !stage.reaches(&mut running, "130 entries arrive", further).await? {
            return stage.give_up(running);
        }
        stage.kill(running, &group).await?;
    }
    stage.run_to_the_end().await?;
    points_of_the_board(stage, &board).await
}

async fn points_of_the_board(stage: &mut Stage, board: &str) -> anyhow::Result<()> {
    let records = stage.broker().records(board).await?;
    let (mut entries, mut changed) = (BTreeMap::new(), BTreeSet::new());
    for record in records.iter() {
        let before = entries.insert(record.key.clone(), record);
        if before.is_some_and(|before| before.value != record.value) {
            changed.insert(record.key.clone());
        }
    }
    let id = |it: &&crate::broker::Record| it.json()["id"].as_str().map(str::to_owned);
    let shown: BTreeSet<String> = entries.values().filter_map(id).collect();
    let missing = DEPARTURES.saturating_sub(shown.len());
    stage
        .point("each departure is on the board")
        .why("What is committed before it is on the board is lost by a crash. An entry with another's key replaces it.")
        .read("08-commit-semantics.md#what-it-prints")
        .equals(missing, 0, "departures are missing");
    stage
        .point("each departure has one entry")
        .why("A repeat with a new key is an entry too many. Two departures with one key are an entry too few.")
        .read("08-commit-semantics.md#in-production")
        .equals(entries.len(), DEPARTURES, "entries");
    stage
        .point("a departure that comes again changes nothing")
        .why("A value that differs each time, or that belongs to another departure, is news to every reader.")
        .read("08-commit-semantics.md#in-production")
        .equals(changed.len(), 0, "entries were changed");
    Ok(())
}
