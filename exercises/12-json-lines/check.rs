//! Checks exercises/12-json-lines: a file arrives as it was written, with its bad lines set aside.

use std::fs;

use helpers::TopicOptions;

use crate::exercise::{Exercise, scene};
use crate::program::{End, Run};
use crate::scratch::Scratch;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 12,
    slug: "json-lines",
    title: "load a file of JSON lines, and set the bad ones aside",
    uses_schemas: false,
    scenes: &[
        scene!("a file with bad lines", AnyEngine, bad_lines),
        scene!("a file with a byte order mark", AnyEngine, byte_order_mark),
        scene!("a broker that rejects a record", AnyEngine, rejected),
    ],
};

const THE_CODE: &str = "12-json-batches.md#the-code";
const IN_PRODUCTION: &str = "12-json-batches.md#in-production";

/// Returns a good line. serde_json would change its numbers, or the order of its fields.
fn good(number: usize) -> String {
    format!(
        r#"{{"flight": "AA{number}", "at": {number}.0, "cost": 1e3, "bag": 1234567890123456789{number:03}, "airline": "Ünal"}}"#
    )
}

/// Runs the program with a file. Returns its end, the values in the topic, and the bad lines.
async fn load(
    stage: &mut Stage,
    topic: &str,
    file: &[u8],
) -> anyhow::Result<(Run, Vec<String>, Vec<String>)> {
    let scratch = Scratch::new()?;
    let (path, bad) = (scratch.path("departures.jsonl"), scratch.path("bad.txt"));
    fs::write(&path, file)?;
    stage.set("FILE", path.to_string_lossy());
    stage.set("BAD_LINES", bad.to_string_lossy());
    let run = stage.run().await?;
    let bad = String::from_utf8_lossy(&fs::read(&bad).unwrap_or_default()).into_owned();
    let values = stage.broker().records(topic).await?.texts();
    Ok((run, values, bad.lines().map(str::to_owned).collect()))
}

/// Makes a point of two lists of lines: how many are equal, and the first that is not.
fn point_of_lines(stage: &mut Stage, asked: &str, why: &str, found: &[String], wanted: &[String]) {
    let differs = (0..found.len().max(wanted.len())).find(|at| found.get(*at) != wanted.get(*at));
    let show = |lines: &[String]| match differs.map(|at| (at, lines.get(at))) {
        Some((at, Some(line))) => {
            format!("{} lines, and as number {}: {line}", lines.len(), at + 1)
        }
        _ => format!("{} lines", lines.len()),
    };
    let (shown, expected) = (show(found), show(wanted));
    stage.point(asked).why(why).read(THE_CODE).holds(differs.is_none(), shown, expected);
}

async fn bad_lines(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "departures", 1).await?;
    let wanted: Vec<String> = (0..100).map(good).collect();
    let mut lines: Vec<Vec<u8>> = wanted.iter().map(|it| it.clone().into_bytes()).collect();
    // Lines 4, 5, 10 and 81, and an empty one.
    lines.insert(3, br#"{"flight": "AA4", "at": "#.to_vec());
    lines.insert(4, b"\xff\xfe not UTF-8".to_vec());
    lines.insert(8, Vec::new());
    lines.insert(9, b"42".to_vec());
    lines.insert(80, br#"{"flight": "AA5"} {"flight": "AA6"}"#.to_vec());
    let mut file = lines.join(&b"\n"[..]);
    file.extend_from_slice(b"\n\n");
    let (run, values, bad) = load(stage, &topic, &file).await?;
    stage
        .point("bad lines do not end the program")
        .why("One broken line of a partner must not hold up a million others.")
        .read(THE_CODE)
        .holds(run.end == End::Exited(0), run.end.to_string(), "exit code 0");
    let asked = "each good line is a record, in order and byte for byte";
    let why = "A number that takes the way through a float loses digits, and the signature of a text is lost.";
    point_of_lines(stage, asked, why, &values, &wanted);
    let expected = [
        r#"4: {"flight": "AA4", "at": "#,
        "5: \u{fffd}\u{fffd} not UTF-8",
        "10: 42",
        r#"81: {"flight": "AA5"} {"flight": "AA6"}"#,
    ];
    let asked = "BAD_LINES has the other lines with their numbers, counted from 1";
    let why = "Someone opens the file at that line, and editors count from 1.";
    point_of_lines(stage, asked, why, &bad, &expected.map(str::to_owned));
    Ok(())
}

async fn byte_order_mark(stage: &mut Stage) -> anyhow::Result<()> {
    let topic = stage.topic("TOPIC", "departures", 1).await?;
    let wanted: Vec<String> = (0..3).map(good).collect();
    let file = format!("\u{feff}{}\r\n", wanted.join("\r\n"));
    let (run, values, bad) = load(stage, &topic, file.as_bytes()).await?;
    stage.ended_well(&run);
    let asked = "the first line arrives without the mark, and lines without a carriage return";
    let why = "Editors on Windows write both, and neither is part of the JSON.";
    point_of_lines(stage, asked, why, &values, &wanted);
    point_of_lines(stage, "no line is bad", "", &bad, &[]);
    Ok(())
}

async fn rejected(stage: &mut Stage) -> anyhow::Result<()> {
    let options = TopicOptions::new(1, 3).config("max.message.bytes", "2000");
    let topic = stage.topic_with("TOPIC", "departures", options).await?;
    let file = format!("{}\n{{\"text\": \"{}\"}}\n", good(1), "long ".repeat(1000));
    let (run, ..) = load(stage, &topic, file.as_bytes()).await?;
    stage
        .point("exit code 1 says that a record did not arrive")
        .why("After exit code 0, no one looks for a record that is missing.")
        .read(IN_PRODUCTION)
        .holds(run.end == End::Exited(1), run.end.to_string(), "exit code 1");
    Ok(())
}
