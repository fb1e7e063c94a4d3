//! Checks exercises/25-selective-redrive: a redrive that takes some letters, loses none, and ends.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::broker::{Broker, Record};
use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 25,
    slug: "selective-redrive",
    title: "redrive the dead letters with one error, and leave the others in place",
    uses_schemas: false,
    scenes: &[
        scene!("two redrives with different reasons", AnyEngine, twice),
        scene!("killed in the middle, and started again", AnyEngine, killed),
    ],
};

/// Letter n has the error n % 3, and has been redriven n % 4 times.
const ERRORS: [&str; 3] =
    ["the board does not know", "the gate does not respond", "again: the board does not know"];
const CODE: &str = "25-dead-letters.md#the-code";
const IN_PRODUCTION: &str = "25-dead-letters.md#in-production";

/// Returns the letters with an error, of those below the limit of redrives or of the others.
fn letters(error: usize, are_below_limit: bool) -> BTreeSet<String> {
    let wanted = (0..60).filter(|it| it % 3 == error && (it % 4 < 3) == are_below_limit);
    wanted.map(|it| format!("letter {it}")).collect()
}

fn number(record: &Record) -> usize {
    record.text().trim_start_matches("letter ").parse().unwrap_or_default()
}

/// Returns the names of RETRY, REJECTED and the group.
async fn prepare(stage: &mut Stage, count: usize) -> anyhow::Result<[String; 3]> {
    let dead_letters = stage.topic("DEAD_LETTERS", "dead-letters", 1).await?;
    let retry = stage.topic("RETRY", "retry", 1).await?;
    let rejected = stage.topic("REJECTED", "rejected", 1).await?;
    stage.set("REASON", ERRORS[0]);
    let letter = |it: usize| {
        let letter = Seed::new(format!("letter {it}")).key(format!("AA{}", it % 10));
        let letter = letter.header("original-offset", it.to_string());
        let letter = letter.header("error", format!("{} AA{}", ERRORS[it % 3], it % 10));
        if it.is_multiple_of(4) { letter } else { letter.header("redrives", (it % 4).to_string()) }
    };
    stage.send(&dead_letters, (0..count).map(letter).collect()).await?;
    Ok([retry, rejected, stage.name("GROUP", "redrive")])
}

/// Runs the program, and returns the letters in a topic.
async fn redrive(
    stage: &mut Stage,
    topic: &str,
) -> anyhow::Result<(Vec<Record>, BTreeSet<String>)> {
    let run = stage.run_within(Duration::from_secs(15)).await?;
    stage.ended_well(&run);
    let records: Vec<Record> = stage.broker().records(topic).await?.iter().cloned().collect();
    let names = records.iter().map(Record::text).collect();
    Ok((records, names))
}

async fn twice(stage: &mut Stage) -> anyhow::Result<()> {
    let [retry, rejected, _] = prepare(stage, 60).await?;
    let (sent, names) = redrive(stage, &retry).await?;
    let given_up: BTreeSet<String> =
        stage.broker().records(&rejected).await?.texts().into_iter().collect();
    let foreign = sent.iter().filter(|it| !number(it).is_multiple_of(3)).count();
    stage
        .point("no letter is sent whose error begins with something else")
        .why("What is not repaired yet fails again, and uses up one of its three redrives.")
        .read(IN_PRODUCTION)
        .equals(foreign, 0, "of the others are sent");
    let missing = letters(0, true).difference(&names).count();
    stage
        .point("each letter with this error and fewer than three redrives is sent")
        .read(CODE)
        .equals(missing, 0, "are missing");
    let again = letters(0, false).intersection(&names).count();
    stage
        .point("a letter that has been redriven three times is rejected, and not sent again")
        .why("Without a limit, a letter that always fails goes round forever.")
        .read(CODE)
        .holds(
            again == 0 && given_up == letters(0, false),
            format!("{again} sent again, {} rejected", given_up.len()),
            "0 sent again, 5 rejected",
        );
    points_of_headers(stage, &sent);
    stage.set("REASON", ERRORS[1]);
    let (_, names) = redrive(stage, &retry).await?;
    let lost = letters(1, true).difference(&names).count();
    stage
        .point(
            "the letters that were left in place are sent by the next redrive, with their reason",
        )
        .why("A committed offset covers every letter before it: the group never reads them again.")
        .read("08-commit-semantics.md#what-it-prints")
        .equals(lost, 0, "are lost");
    Ok(())
}

fn points_of_headers(stage: &mut Stage, sent: &[Record]) {
    let (mut kept, mut counted) = (0, 0);
    for letter in sent {
        let offset = letter.header("original-offset");
        kept += usize::from(offset == Some(number(letter).to_string()) && letter.key.is_some());
        let counts = letter.headers.iter().filter(|(name, _)| name == "redrives").count();
        let is_next = letter.header("redrives") == Some((number(letter) % 4 + 1).to_string());
        counted += usize::from(counts == 1 && is_next);
    }
    stage
        .point("key and headers are as they were")
        .why("Only the headers still know where the record came from and what went wrong.")
        .read(CODE)
        .equals(kept, sent.len(), "letters");
    stage
        .point("the header redrives is there once, and is one more than before")
        .why("Of two headers with one name, most readers take the first: the old count.")
        .read(CODE)
        .equals(counted, sent.len(), "letters");
}

async fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    let [retry, rejected, group] = prepare(stage, 240).await?;
    stage.delay_all_nodes(Duration::from_millis(3))?;
    let mut running = stage.start()?;
    let is_sent = async |broker: &Broker| Ok(broker.written(&retry).await? >= 25);
    if !stage.reaches(&mut running, "letters are sent", is_sent).await? {
        return Ok(());
    }
    stage.keep_output(&running.kill());
    stage.delay_all_nodes(Duration::ZERO)?;
    stage.broker().remove_members(&group).await?;
    // Every error begins with nothing: now each letter is sent or rejected.
    stage.set("REASON", "");
    let (_, mut found) = redrive(stage, &retry).await?;
    found.extend(stage.broker().records(&rejected).await?.texts());
    stage
        .point("no letter is lost when the redrive is killed and runs again")
        .why("An offset that is committed before its letter has arrived loses the letter in a crash.")
        .read(IN_PRODUCTION)
        .equals(240 - found.len().min(240), 0, "letters are lost");
    Ok(())
}
