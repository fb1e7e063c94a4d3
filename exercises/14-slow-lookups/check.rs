//! Checks exercises/14-slow-lookups: many lookups at once, with a limit, and commits in order.

use std::time::Duration;

use crate::broker::Broker;
use crate::exercise::{Exercise, scene};
use crate::program::{End, Running};
use crate::scratch::Scratch;
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 14,
    slug: "slow-lookups",
    title: "many slow lookups at once, with a limit, committed in order",
    uses_schemas: false,
    scenes: &[
        scene!("with a lookup that fails at first", AnyEngine, fails_at_first),
        scene!("stopped while a lookup hangs", AnyEngine, hangs),
        scene!("stopped while a lookup takes long", AnyEngine, takes_long),
    ],
};

const RECORDS: usize = 200;
const AT_ONCE: usize = 16;
/// The record whose lookup is the problem. Another 15 can be in flight with it.
const PROBLEM: &str = "id-020";
const WITHOUT_IT: i64 = 35;

struct Names {
    topic: String,
    results: String,
    group: String,
    service: Scratch,
}

async fn prepare(stage: &mut Stage, problem: &str) -> anyhow::Result<Names> {
    let topic = stage.topic("TOPIC", "requests", 1).await?;
    let results = stage.topic("RESULTS", "results", 1).await?;
    let group = stage.name("GROUP", "lookups");
    let service = stage.directory("SERVICE")?;
    service.write(PROBLEM, problem)?;
    let record = |number: usize| Seed::new("look it up").key(format!("id-{number:03}"));
    stage.send(&topic, (0..RECORDS).map(record).collect()).await?;
    Ok(Names { topic, results, group, service })
}

async fn has_results(
    stage: &mut Stage,
    running: &mut Running,
    names: &Names,
    count: i64,
) -> anyhow::Result<bool> {
    let arrived = async |broker: &Broker| Ok(broker.written(&names.results).await? >= count);
    stage.reaches(running, &format!("{count} results arrive"), arrived).await
}

async fn fails_at_first(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage, "fail").await?;
    let mut running = stage.start()?;
    if !has_results(stage, &mut running, &names, 20).await? {
        return stage.give_up(running);
    }
    names.service.remove(PROBLEM)?;
    finish(stage, running, &names).await?;
    point_of_the_limit(stage, &names).await
}

async fn takes_long(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage, "wait").await?;
    let mut running = stage.start()?;
    if !has_results(stage, &mut running, &names, WITHOUT_IT).await? {
        return stage.give_up(running);
    }
    let responds = async {
        // The lookup goes on for a while after the signal.
        tokio::time::sleep(Duration::from_millis(500)).await;
        names.service.remove(PROBLEM)
    };
    let (stopped, responded) = tokio::join!(stage.stop(running), responds);
    stopped?;
    responded?;
    stage.broker().remove_members(&names.group).await?;
    let running = stage.start()?;
    finish(stage, running, &names).await?;
    let twice = stage.broker().records(&names.results).await?.duplicates(|it| it.key.clone());
    stage
        .point("what was in flight at SIGTERM is not done again")
        .why("A deployment that drops what is in flight repeats it, every time.")
        .read("14-async-consumers.md#the-code")
        .equals(twice, 0, "results are there twice");
    Ok(())
}

async fn hangs(stage: &mut Stage) -> anyhow::Result<()> {
    let names = prepare(stage, "wait").await?;
    let mut running = stage.start()?;
    if !has_results(stage, &mut running, &names, WITHOUT_IT).await? {
        return stage.give_up(running);
    }
    let run = running.terminate(Duration::from_secs(8)).await?;
    stage.keep_output(&run);
    stage
        .point("the program ends after SIGTERM, although a lookup hangs")
        .why("After the grace period comes SIGKILL, and then nothing at all is committed.")
        .read("14-async-consumers.md#in-production")
        .holds(matches!(run.end, End::Exited(_)), run.end.to_string(), "its end within 8 s");
    names.service.remove(PROBLEM)?;
    stage.broker().remove_members(&names.group).await?;
    let running = stage.start()?;
    finish(stage, running, &names).await
}

/// Waits until the program has committed everything, stops it, and makes the point of all records.
async fn finish(stage: &mut Stage, running: Running, names: &Names) -> anyhow::Result<()> {
    let done = async |broker: &Broker| {
        let group = broker.group(&names.group, &names.topic).await?;
        Ok(group.records_committed() >= RECORDS as i64)
    };
    stage.broker().until(Duration::from_secs(15), done).await?;
    stage.stop(running).await?;
    let missing = RECORDS - stage.broker().records(&names.results).await?.keys().len();
    stage
        .point("each record has its result")
        .why("A commit past a record that is not done loses it.")
        .read("14-async-consumers.md#what-it-prints")
        .equals(missing, 0, "results are missing");
    let group = stage.broker().group(&names.group, &names.topic).await?;
    stage
        .point("everything is committed")
        .why("The next run does again what is not.")
        .read("14-async-consumers.md#the-code")
        .equals(group.records_committed(), RECORDS as i64, "records");
    Ok(())
}

/// Makes the points of how many lookups run at once.
async fn point_of_the_limit(stage: &mut Stage, names: &Names) -> anyhow::Result<()> {
    let records = stage.broker().records(&names.results).await?;
    let time = |it: &crate::broker::Record, name: &str| -> i64 {
        it.header(name).and_then(|it| it.parse().ok()).unwrap_or_default()
    };
    let spans: Vec<(i64, i64)> =
        records.iter().map(|it| (time(it, "started"), time(it, "ended"))).collect();
    // One that begins in the ms in which another ends does not overlap with it.
    let running_at =
        |now: i64| spans.iter().filter(move |(begin, end)| *begin <= now && now < *end);
    let most = spans.iter().map(|(begin, _)| running_at(*begin).count()).max().unwrap_or_default();
    stage
        .point("never more than 16 lookups run at once")
        .why(
            "Without a limit, each backlog is an attack on the other system, and fills the memory.",
        )
        .read("14-async-consumers.md#in-production")
        .holds(most <= AT_ONCE, format!("{most} at once"), format!("at most {AT_ONCE}"));
    let busy: i64 = spans.iter().map(|(begin, end)| end - begin).sum();
    let begin = spans.iter().map(|it| it.0).min().unwrap_or_default();
    let took = spans.iter().map(|it| it.1).max().unwrap_or_default() - begin;
    let average = busy as f64 / took.max(1) as f64;
    stage
        .point("at least 4 lookups run at once, on average")
        .why("One after the other, a program waits for most of its time, and its lag grows.")
        .read("14-async-consumers.md#what-it-prints")
        .holds(average >= 4.0, format!("{average:.1} at once"), "at least 4");
    Ok(())
}
