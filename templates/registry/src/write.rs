//! Writes the lines of stdin as Avro, and confirms each delivered record on stdout.
//!
//! It sends one record at a time. If that is too slow, keep many in flight and wait for their
//! reports in order, as the template `producer` does.

use std::io::{BufRead, Read, Write};

use anyhow::{Context, Result, bail};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use tokio::sync::mpsc;

use crate::avro::{Encoder, registry};
use crate::blocking::{LIMIT, check_topic, within};
use crate::config::Config;
use crate::order::{Order, SCHEMA};
use crate::stop::Stop;

/// The maximum length of a line in bytes.
const LONGEST: u64 = 900_000;

pub async fn run(config: &Config, stop: &Stop) -> Result<()> {
    let topic = config.required("TOPIC")?;
    let defaults = [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        // How long the client retries. After that the record has failed, and the program ends.
        ("delivery.timeout.ms", "60000"),
        ("linger.ms", "0"),
    ];
    let client = config.client(&defaults, "KAFKA_PRODUCER_SETTINGS")?;
    let producer: FutureProducer = client.create()?;
    let (asked, name) = (producer.clone(), topic.clone());
    within(2 * LIMIT, move || check_topic(asked.client(), &name)).await??;
    let encoder = Encoder::register(&registry(config)?, &topic, SCHEMA).await?;
    let (mut lines, mut number, mut rejected) = (lines(), 0, 0);
    loop {
        let line = tokio::select! {
            biased;
            () = stop.received() => break,
            line = lines.recv() => line,
        };
        let Some(line) = line else { break };
        number += 1;
        let Ok((key, value)) = encoded(&encoder, &line?).inspect_err(|error| {
            tracing::error!(line = number, "not sent: {error:#}");
        }) else {
            rejected += 1;
            continue;
        };
        let record = FutureRecord::to(&topic).key(&key).payload(&value);
        let delivery = tokio::select! {
            sent = producer.send(record, LIMIT) => sent.map_err(|(error, _)| error),
            () = stop.overdue() => bail!("record {key} is not confirmed"),
        };
        delivery.with_context(|| format!("record {key} was not delivered"))?;
        writeln!(std::io::stdout(), "{key}").context("cannot confirm on stdout")?;
    }
    match rejected {
        0 => Ok(()),
        lines => bail!("{lines} lines were not sent: the log says which"),
    }
}

fn encoded(encoder: &Encoder, line: &str) -> Result<(String, Vec<u8>)> {
    let order: Order = serde_json::from_str(line).context("it is not an order")?;
    Ok((order.id.to_string(), encoder.encode(&order)?))
}

/// Reads on a separate thread, which does not delay the exit. tokio's stdin would delay it until
/// the next line arrives.
fn lines() -> mpsc::Receiver<Result<String>> {
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
