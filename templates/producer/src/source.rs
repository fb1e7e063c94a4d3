//! Reads the records, here the lines of stdin. Replace this file with your own source.

use std::io::{BufRead, Read};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::sync::mpsc;

/// The maximum length of a line in bytes, a little less than `message.max.bytes`.
const LONGEST: u64 = 900_000;

/// The part of a record that this program needs. It sends the whole line.
#[derive(Deserialize)]
struct Order {
    id: u64,
}

/// Returns the key of a record, or `None` if the line is not an order. Records with the same key
/// stay in order.
pub fn key(line: &str) -> Option<String> {
    let order: Order = serde_json::from_str(line).ok()?;
    Some(order.id.to_string())
}

/// Reads on a separate thread, which does not delay the exit. tokio's stdin would delay it until
/// the next line arrives.
pub fn lines() -> mpsc::Receiver<Result<String>> {
    // At most this many lines wait here. Then the thread waits, and so does the writer of stdin.
    let (tell, lines) = mpsc::channel(100);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        while let Some(line) = line(&mut stdin).transpose() {
            let is_over = line.is_err();
            if tell.blocking_send(line).is_err() || is_over {
                break;
            }
        }
    });
    lines
}

fn line(input: &mut impl BufRead) -> Result<Option<String>> {
    let mut line = String::new();
    input.take(LONGEST + 1).read_line(&mut line).context("cannot read stdin")?;
    if line.len() as u64 > LONGEST {
        bail!("a line is longer than {LONGEST} bytes");
    }
    Ok((!line.is_empty()).then_some(line))
}
