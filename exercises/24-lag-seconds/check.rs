//! Checks exercises/24-lag-seconds: the age of the record that a group processes next.

use std::time::{Duration, UNIX_EPOCH};

use crate::broker::Record;
use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 24,
    slug: "lag-seconds",
    title: "measure the lag of a group in seconds",
    uses_schemas: false,
    scenes: &[scene!("seven partitions, each with a lag of its own", AnyEngine, measured)],
};

const THE_CODE: &str = "24-lag-and-metrics.md#the-code";
/// In s: the time from the making of the records until the program measures.
const TOLERANCE: f64 = 15.0;

/// A row: the partition, its circumstances, the expected age in s, and why it matters.
type Row = (i32, &'static str, f64, &'static str);
const ROWS: [Row; 7] = [
    (
        0,
        "records wait: the age of the first of them",
        100.0,
        "The number of offsets says nothing about time.",
    ),
    (1, "all is read: 0", 0.0, "The last record may be hours old, and still nothing waits."),
    (
        2,
        "nothing but an aborted transaction follows: 0",
        0.0,
        "Its records and its marker take offsets, and no consumer gets them.",
    ),
    (
        3,
        "an aborted record comes before the next one: the age of the next one",
        50.0,
        "The age of what the group never processes is no delay.",
    ),
    (
        4,
        "nothing is committed: the age of the first record",
        200.0,
        "A group that has never committed has everything before it.",
    ),
    (
        5,
        "the committed offset is after the end: the age of the first record",
        300.0,
        "The topic was created again, and the group begins with its first record.",
    ),
    (6, "the partition is empty: 0", 0.0, "An empty partition has no delay."),
];

fn now_ms() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, |it| it.as_millis() as i64)
}

/// A record of a partition with an age in s.
fn aged(partition: i32, seconds: i64) -> Seed {
    Seed::new(format!("{seconds} s old")).partition(partition).timestamp(now_ms() - seconds * 1000)
}

async fn measured(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "departures", 7).await?;
    let report = stage.topic("REPORT", "lag", 1).await?;
    let group = stage.name("GROUP", "board");
    let records = [
        [(0, 400), (0, 100), (0, 70), (0, 20)].as_slice(),
        &[(1, 400), (1, 350)],
        &[(2, 400)],
        &[(3, 400)],
        &[(4, 200), (4, 30)],
        &[(5, 300), (5, 30)],
    ];
    let seeds = records.into_iter().flatten().map(|(partition, age)| aged(*partition, *age));
    stage.send(&topic, seeds.collect()).await?;
    stage.send_aborted(&topic, vec![aged(2, 380), aged(2, 370), aged(3, 390)]).await?;
    stage.send(&topic, vec![aged(3, 50), aged(3, 10)]).await?;
    let committed = [(0, 1), (1, 2), (2, 1), (3, 1), (5, 500), (6, 0)];
    stage.commit(&group, &topic, &committed).await?;

    let run = stage.run_within(Duration::from_secs(15)).await?;
    stage.ended_well(&run);
    let reported = stage.broker().records(&report).await?;
    for (partition, circumstances, age, why) in ROWS {
        let of_partition = |it: &&Record| it.json()["partition"].as_i64() == Some(partition.into());
        let found: Vec<&Record> = reported.iter().filter(of_partition).collect();
        let seconds: Vec<Option<f64>> =
            found.iter().map(|it| it.json()["seconds"].as_f64()).collect();
        // Where nothing waits it is 0. Otherwise the record has aged while the program started.
        let most = if age == 0.0 { 0.0 } else { age + TOLERANCE };
        let holds = matches!(seconds[..], [Some(it)] if (age..=most).contains(&it));
        let shown = match seconds[..] {
            [] => "no record".to_owned(),
            [Some(seconds)] => format!("{seconds:.1} s"),
            _ => format!(
                "{} records",
                found.iter().map(|it| it.text()).collect::<Vec<_>>().join(" ")
            ),
        };
        stage
            .point(format!("partition {partition}: {circumstances}"))
            .why(why)
            .read(THE_CODE)
            .holds(
                holds,
                shown,
                if age == 0.0 {
                    "0 s".to_owned()
                } else {
                    format!("{age:.0} to {:.0} s", age + TOLERANCE)
                },
            );
    }
    let after = stage.broker().group(&group, &topic).await?;
    stage
        .point("the group's committed offsets are as before")
        .why("A monitor that commits for the group makes it skip records.")
        .read(THE_CODE)
        .holds(
            *after.committed() == committed.into_iter().collect(),
            format!("{:?}", after.committed()),
            format!("{committed:?}"),
        );
    Ok(())
}
