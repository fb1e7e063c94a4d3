//! Writes the count, and then commits the offsets.
//!
//! Message: the count is the number of departures

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use helpers::commit::{Committed, outcome};
use helpers::{ConsumerBuilder, StopSignal, close_within};
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use tokio::task::block_in_place;

const LIMIT: Duration = Duration::from_secs(10);
const PARTITIONS: i32 = 3;
const SAVE_EVERY: Duration = Duration::from_millis(200);

/// What is stored: a count, and the offsets up to which it counts.
#[derive(Default, Serialize, Deserialize)]
struct State {
    count: u64,
    /// The next offset to read, for each partition.
    next: BTreeMap<i32, i64>,
}

impl State {
    fn load(file: &Path) -> Result<Self> {
        match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).context("the state is damaged"),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).context("the state cannot be read"),
        }
    }

    /// Writes another file, and gives it the name of the state, which is one step.
    fn save(&self, file: &Path) -> Result<()> {
        let other = file.with_extension("new");
        let mut new = File::create(&other)?;
        new.write_all(&serde_json::to_vec(self)?)?;
        new.sync_all()?;
        fs::rename(other, file).context("the state cannot be replaced")
    }

    /// The partitions, each at the offset that the group has committed.
    fn assignment(&self, topic: &str, consumer: &StreamConsumer) -> Result<TopicPartitionList> {
        let mut all = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            all.add_partition(topic, partition);
        }
        let committed = block_in_place(|| consumer.committed_offsets(all, LIMIT))?;
        for partition in 0..PARTITIONS {
            if let Some(mut it) = committed.find_partition(topic, partition)
                && it.offset() == Offset::Invalid
            {
                it.set_offset(Offset::Beginning)?;
            }
        }
        Ok(committed)
    }

    fn commit(&self, topic: &str, consumer: &StreamConsumer) -> Result<()> {
        let mut next = TopicPartitionList::new();
        for (partition, offset) in &self.next {
            next.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
        }
        match outcome(consumer.commit(&next, CommitMode::Sync))? {
            Committed::Done | Committed::Nothing => {}
            Committed::Later(why) => eprintln!("not committed: {why}"),
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, group) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("GROUP")?);
    let (topic, file) = (env::var("TOPIC")?, PathBuf::from(env::var("STATE")?));
    let mut state = State::load(&file)?;
    let consumer = ConsumerBuilder::new(&brokers, group).build().await?;
    consumer.assign(&state.assignment(&topic, &consumer)?)?;

    let (mut is_saved, mut saves) = (true, tokio::time::interval(SAVE_EVERY));
    let mut stop = StopSignal::listen()?;
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            _ = saves.tick(), if !is_saved => {
                block_in_place(|| {
                    state.save(&file)?;
                    state.commit(&topic, &consumer)?;
                    anyhow::Ok(())
                })?;
                is_saved = true;
                continue;
            }
            () = stop.received() => break,
        };
        match polled {
            Ok(departure) => {
                state.count += 1;
                state.next.insert(departure.partition(), departure.offset() + 1);
                is_saved = false;
            }
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("{error}"),
        }
    }
    block_in_place(|| {
        state.save(&file)?;
        state.commit(&topic, &consumer)?;
        anyhow::Ok(())
    })?;
    println!("{} departures, closed: {:?}", state.count, close_within(consumer, LIMIT).await?);
    Ok(())
}
