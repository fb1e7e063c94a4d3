//! Checks exercises/13-alarms: alarms that can be traced, and recognized when they are repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::broker::{Broker, Record};
use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 13,
    slug: "alarms",
    title: "raise alarms that can be traced to their origin, and recognized when repeated",
    uses_schemas: false,
    scenes: &[
        scene!("until SIGTERM", AnyEngine, healthy),
        scene!("killed after alarms are written and before they are committed", AnyEngine, killed),
    ],
};

const DAYS: i64 = 30;
/// The departures of each day; two of them are more than 20 minutes late.
const MINUTES: [u32; 4] = [0, 20, 21, 45];
const THE_CODE: &str = "13-lineage.md#the-code";

struct Names {
    boards: String,
    alarms: String,
    group: String,
}

/// Sends a board of each day, the day's number is its offset. It was made from two airports.
async fn prepare(stage: &mut Stage) -> anyhow::Result<Names> {
    let boards = stage.topic("BOARDS", "boards", 1).await?;
    let alarms = stage.topic("ALARMS", "alarms", 1).await?;
    let group = stage.name("GROUP", "alarms");
    let board = |day: i64| {
        let flights = (0..).zip(MINUTES);
        let departures =
            flights.map(|(it, late)| json!({"flight": format!("AA{it}"), "minutes_late": late}));
        let source = json!({"svc": "airports", "dt": "2026-11-21T12:00:00+00:00", "refs": []});
        let airport = |offset| json!({"topic": "airports", "partition": 0, "offset": offset, "key": "JFK", "hist": source});
        let hist = json!({"svc": "boards", "dt": "2026-11-21T12:00:01+00:00", "refs": [airport(day), airport(day + 100)]});
        let envelope = json!({"item": departures.collect::<Vec<Value>>(), "hist": hist});
        Seed::new(envelope.to_string()).key(format!("day-{day}"))
    };
    stage.send(&boards, (0..DAYS).map(board).collect()).await?;
    Ok(Names { boards, alarms, group })
}

/// Runs the program until the group has committed every board, and ends it with SIGTERM.
async fn run_through(stage: &mut Stage, names: &Names) -> anyhow::Result<bool> {
    let mut running = stage.start()?;
    let all = async |broker: &Broker| {
        Ok(broker.group(&names.group, &names.boards).await?.records_committed() >= DAYS)
    };
    if !stage.reaches(&mut running, "the group commits all boards", all).await? {
        return Ok(false);
    }
    let run = running.terminate(Duration::from_secs(15)).await?;
    stage.keep_output(&run);
    stage.ended_well(&run);
    Ok(true)
}

/// Returns the day and the flight of an alarm.
fn subject(alarm: &Record) -> String {
    let item = &alarm.json()["item"];
    format!("{} {} {}", item["day"], item["flight"], item["minutes_late"])
}

async fn healthy(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    if !run_through(stage, &names).await? {
        return Ok(());
    }
    let alarms = stage.broker().records(&names.alarms).await?;
    let wanted = (0..DAYS).flat_map(|day| {
        [(2, 21), (3, 45)].map(|(flight, late)| format!("\"day-{day}\" \"AA{flight}\" {late}"))
    });
    let wanted: BTreeSet<String> = wanted.collect();
    let found: BTreeSet<String> = alarms.iter().map(subject).collect();
    stage
        .point("each departure that is more than 20 minutes late has one alarm, and no other has")
        .read(THE_CODE)
        .holds(
            found == wanted && alarms.len() == wanted.len(),
            format!(
                "{} alarms, {} of those asked for",
                alarms.len(),
                found.intersection(&wanted).count()
            ),
            "60 alarms, 60 of those asked for",
        );
    // Each fact of the history, and for how many alarms it is so.
    let (mut named, mut continued) = (0, 0);
    for alarm in alarms.iter() {
        let (item, hist) = (&alarm.json()["item"], &alarm.json()["hist"]);
        let refs = hist["refs"].as_array().cloned().unwrap_or_default();
        let day = |it: &Value| format!("day-{}", it["offset"]);
        let is_named = matches!(&refs[..], [board] if board["topic"] == names.boards && item["day"] == day(board));
        named += usize::from(is_named && hist["svc"] == "alarms");
        let origin = refs.first().map(|it| &it["hist"]["refs"]).and_then(Value::as_array);
        let is_airport = |it: &Value| it["topic"] == "airports" && it["hist"]["svc"] == "airports";
        continued +=
            usize::from(origin.is_some_and(|it| it.len() == 2 && it.iter().all(is_airport)));
    }
    stage
        .point("its history names the record of the board that it was made from, and no other")
        .why("With topic, partition and offset, anyone can read that record again.")
        .read(THE_CODE)
        .equals(named, alarms.len(), "alarms");
    stage
        .point("its history goes on to the airports' records")
        .why("A history that begins again at each stage ends at the last stage.")
        .read(THE_CODE)
        .equals(continued, alarms.len(), "alarms");
    points_of_ids(stage, &names).await
}

/// Makes two points: one id for each alarm, and one alarm for each id.
async fn points_of_ids(stage: &mut Stage, names: &Names) -> anyhow::Result<()> {
    let alarms = stage.broker().records(&names.alarms).await?;
    let (mut ids, mut subjects) = <(BTreeMap<_, BTreeSet<_>>, BTreeMap<_, BTreeSet<_>>)>::default();
    for alarm in alarms.iter() {
        ids.entry(subject(alarm)).or_default().insert(alarm.key.clone());
        subjects.entry(alarm.key.clone()).or_default().insert(subject(alarm));
    }
    let shared = subjects.values().filter(|it| it.len() > 1).count();
    stage
        .point("no two alarms share an id")
        .why("A reader that drops repeated ids drops an alarm that it has never seen.")
        .read("13-lineage.md#in-production")
        .equals(shared, 0, "ids are shared");
    let changed = ids.values().filter(|it| it.len() > 1).count();
    stage
        .point("an alarm that is repeated has the same id")
        .why("The effects of a batch that is repeated remain. Only the id tells that they are the same.")
        .read("13-lineage.md#in-production")
        .equals(changed, 0, "alarms have more than one id");
    stage.point("no alarm is lost").read("13-lineage.md#the-code").equals(ids.len(), 60, "alarms");
    Ok(())
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage).await?;
    let mut running = stage.start()?;
    let are_written = async |broker: &Broker| Ok(broker.written(&names.alarms).await? >= 20);
    if !stage.reaches(&mut running, "alarms are written", are_written).await? {
        return Ok(());
    }
    stage.keep_output(&running.kill());
    stage.broker().remove_members(&names.group).await?;
    // As if it had been killed before its first commit.
    stage.commit(&names.group, &names.boards, &[(0, 0)]).await?;
    if run_through(stage, &names).await? {
        points_of_ids(stage, &names).await?;
    }
    Ok(())
}
