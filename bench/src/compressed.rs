//! Producing batches that were compressed beforehand: what it costs a broker to look into them.
//!
//! A client of librdkafka would spend most of the time in the codec, on the same cores. Here one
//! batch is made of records that compress as events do, and sent again and again over one
//! connection with five requests in flight. Uncompressed batches are sent in the same way, for
//! comparison.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use kafka_protocol::messages::ProduceRequest;
use rdkafka::consumer::{BaseConsumer, Consumer};
use wire_client::batch::Batch;
use wire_client::raw::RawClient;
use wire_client::requests::{produce, produced};

use crate::broker::{Broker, watch};
use crate::produce::{Load, Run};
use crate::table::{Better, Table, figure, median};
use crate::topic;

/// As many requests as a client of Java has in flight.
const IN_FLIGHT: usize = 5;

/// The version of Produce.
const VERSION: i16 = 9;

/// Bytes of the values of a batch: a topic takes a MiB with what stands around them.
const BATCH: u32 = 900_000;

/// How long the cluster may take to name the leader.
const LIMIT: Duration = Duration::from_secs(60);

/// A codec's name, its id in a batch's attributes, and how it is applied.
type Codec = (&'static str, i16, fn(&[u8]) -> Vec<u8>);

const CODECS: [Codec; 3] = [
    ("uncompressed", 0, <[u8]>::to_vec),
    ("lz4", 3, lz4),
    ("zstd", 4, |bytes| {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }),
];

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    std::io::Write::write_all(&mut encoder, bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Measures all codecs with records of one size.
pub(crate) fn measure(
    broker: &Broker,
    load: Load,
    runs: u8,
    table: &mut Table,
) -> anyhow::Result<()> {
    for (codec, id, compress) in CODECS {
        let records = (BATCH / load.size).max(1);
        let plain = batch(records, load.size);
        let sent = plain.encode_with(id, compress);
        let ratio = figure(plain.encode().len() as u64) / figure(sent.len() as u64);
        let all: Vec<Run> =
            (0..runs).map(|_| run(broker, &sent, records, load)).collect::<Result<_, _>>()?;
        let size = if load.size == 1024 { "1 KiB".to_owned() } else { format!("{} B", load.size) };
        let what = format!("ready batches of {size}, {codec} ({ratio:.1} times smaller)");
        let throughputs = all.iter().map(Run::megabytes_per_second).collect();
        table.line(&what, median(throughputs), "MB/s", Better::More);
        let used = all.iter().filter_map(|run| run.per_gigabyte(run.used.cpu_time)).collect();
        let what = format!("{what}: CPU time of the brokers");
        table.line(&what, median(used), "s per GB", Better::Less);
    }
    Ok(())
}

/// Records that look like events: the same names in each, and values that differ.
fn batch(records: u32, size: u32) -> Batch {
    let mut random = fastrand::Rng::with_seed(7);
    let values: Vec<String> = (0..records).map(|_| event(&mut random, size as usize)).collect();
    Batch::of(&values.iter().map(String::as_str).collect::<Vec<_>>())
}

fn event(random: &mut fastrand::Rng, size: usize) -> String {
    const AIRPORTS: [&str; 8] = ["JFK", "EWR", "LGA", "SFO", "LAX", "FRA", "CDG", "NRT"];
    let mut event = String::with_capacity(size + 80);
    while event.len() < size {
        let (from, to) = (AIRPORTS[random.usize(..8)], AIRPORTS[random.usize(..8)]);
        let (number, delay) = (random.u16(1..9_999), random.u16(..180));
        event += &format!(r#"{{"flight":{number},"from":"{from}","to":"{to}","delay":{delay}}}"#);
    }
    event.truncate(size);
    event
}

/// One run: as many batches as hold the load's records, to a new topic of one partition.
fn run(broker: &Broker, sent: &Bytes, records: u32, load: Load) -> anyhow::Result<Run> {
    let topic = topic::create(broker, 1)?;
    let mut leader = leader(broker, &topic.name)?;
    let requests = usize::try_from(load.records.div_ceil(records.into()))?;
    let request = produce(&topic.name, 0, -1, sent.clone());
    let (frame, correlation_id) = leader.frame(VERSION, &request);
    let ((), used) = watch(broker, || {
        for index in 0..requests + IN_FLIGHT {
            if index >= IN_FLIGHT {
                let answer = leader.receive::<ProduceRequest>(VERSION, correlation_id)?;
                let answer = produced(&answer);
                if answer.error_code != 0 {
                    bail!("a batch was refused with error {}", answer.error_code);
                }
            }
            if index < requests {
                leader.send_bytes(&frame)?;
            }
            broker.check_interrupted()?;
        }
        Ok(())
    })?;
    topic.delete()?;
    let bytes = requests as u64 * u64::from(records) * u64::from(load.size);
    Ok(Run { bytes, used })
}

/// A connection to the leader of the topic's one partition.
fn leader(broker: &Broker, topic: &str) -> anyhow::Result<RawClient> {
    let consumer: BaseConsumer = broker.client(&[]).create()?;
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT)?;
    let partition = metadata.topics().first().and_then(|topic| topic.partitions().first());
    let leader = partition.context("the topic has no partition")?.leader();
    let node = metadata.brokers().iter().find(|node| node.id() == leader);
    let node = node.context("the partition has no leader")?;
    Ok(RawClient::try_connect(&format!("{}:{}", node.host(), node.port()))?)
}
