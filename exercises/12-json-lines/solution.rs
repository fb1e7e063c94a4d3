//! Sends a file of JSON lines, and sets the bad lines aside.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::{Publisher, producer};
use rdkafka::producer::BaseRecord;
use serde_json::value::RawValue;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[tokio::main]
async fn main() -> Result<()> {
    let producer = producer(&env::var("KAFKA_BOOTSTRAP_SERVERS")?).await?;
    // Reading a file blocks, and so does a full queue: that needs a thread of its own.
    tokio::task::spawn_blocking(move || load(&producer)).await?
}

fn load(producer: &Publisher) -> Result<()> {
    let topic = env::var("TOPIC")?;
    let file = BufReader::new(File::open(env::var("FILE")?)?);
    let mut bad_lines = BufWriter::new(File::create(env::var("BAD_LINES")?)?);
    let mut rejected = 0;
    // Split into bytes: a line need not be UTF-8.
    for (number, line) in (1..).zip(file.split(b'\n')) {
        let line = line.with_context(|| format!("reading line {number}"))?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let line = if number == 1 { without_mark(line) } else { line };
        if line.is_empty() {
            continue;
        }
        if !is_object(line) {
            write!(bad_lines, "{number}: ")?;
            bad_lines.write_all(line)?;
            bad_lines.write_all(b"\n")?;
        } else if let Err(error) = producer.send(BaseRecord::<(), _>::to(&topic).payload(line)) {
            eprintln!("line {number}: {error}");
            rejected += 1;
        }
    }
    bad_lines.flush()?;
    let summary = producer.flush(Duration::from_secs(60))?;
    let lost = summary.failed + summary.still_queued + rejected;
    ensure!(lost == 0, "{summary}, {rejected} not queued");
    Ok(())
}

fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
}

/// Tells whether a line is one JSON object. No number in it is converted.
fn is_object(line: &[u8]) -> bool {
    let parsed: Result<&RawValue, _> = serde_json::from_slice(line);
    parsed.is_ok_and(|it| it.get().starts_with('{'))
}
