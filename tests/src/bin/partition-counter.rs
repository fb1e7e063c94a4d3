//! The member that the exercise of chapter 07 asks for: it counts the records of each of its
//! partitions, and keeps the counts in files when its partitions are taken away.
//!
//! Usage: `partition-counter BOOTSTRAP_SERVERS GROUP TOPIC DIRECTORY [SETTING=VALUE …]`. It reads
//! until Ctrl-C, says `started` on stdout when it would hear one, and `counted` for every record. A
//! partition's count is in the file of its number in DIRECTORY.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use helpers::{Committed, ConsumerBuilder, StopSignal, commit_stored, store_processed};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionListElem;

/// How many records are counted without a pause. It pauses so that it can be stopped in the middle.
const AT_ONCE: usize = 4;
const PAUSE: Duration = Duration::from_millis(1);

struct Counts {
    directory: PathBuf,
    partitions: Mutex<BTreeMap<i32, u64>>,
}

impl ClientContext for Counts {}

impl ConsumerContext for Counts {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(revoked) = rebalance else { return };
        // A file counts what is committed, and nothing else. A commit takes all partitions along,
        // so all counts are written, and none where it is refused: then the next member counts
        // again from what was committed before, as it does where the partitions are lost already.
        let committed =
            (!consumer.assignment_lost()).then(|| commit_stored(consumer, CommitMode::Sync));
        match committed {
            Some(Ok(Committed::Done | Committed::Nothing)) => self.write(),
            Some(Ok(Committed::Later(_))) | None => {}
            Some(Err(error)) => eprintln!("{error}"),
        }
        for partition in revoked.elements().iter().map(TopicPartitionListElem::partition) {
            self.partitions().remove(&partition);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(assigned) = rebalance else { return };
        for partition in assigned.elements().iter().map(TopicPartitionListElem::partition) {
            // There is no file where no one has counted yet.
            let file = std::fs::read_to_string(self.directory.join(partition.to_string()));
            let count = file.map_or(0, |count| count.parse().expect("a file holds a count"));
            self.partitions().insert(partition, count);
        }
    }
}

impl Counts {
    fn write(&self) {
        for (partition, count) in &*self.partitions() {
            let file = self.directory.join(partition.to_string());
            std::fs::write(file, count.to_string()).expect("the directory is there");
        }
    }

    fn partitions(&self) -> MutexGuard<'_, BTreeMap<i32, u64>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stop = StopSignal::listen()?;
    println!("started");
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("an argument is missing");
    let (brokers, group, topic) = (next()?, next()?, next()?);
    let counts = Counts { directory: next()?.into(), partitions: Mutex::default() };
    let mut builder = ConsumerBuilder::new(brokers, group);
    for setting in arguments {
        let (key, value) = setting.split_once('=').ok_or("a setting has a value")?;
        builder = builder.set(key, value);
    }
    let consumer = builder.build_with(counts).await?;
    consumer.subscribe(&[&topic])?;
    count(&consumer, &mut stop).await?;
    // Dropped, it gives up its partitions, and with them what it has counted.
    drop(consumer);
    Ok(())
}

async fn count(
    consumer: &StreamConsumer<Counts>,
    stop: &mut StopSignal,
) -> Result<(), Box<dyn Error>> {
    let mut counted = 0;
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = stop.received() => return Ok(()),
        };
        match polled {
            Ok(message) => {
                *consumer.context().partitions().entry(message.partition()).or_default() += 1;
                store_processed(consumer, &message)?;
                counted += 1;
                if counted % AT_ONCE == 0 {
                    tokio::time::sleep(PAUSE).await;
                }
                println!("counted");
            }
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("{error}"),
        }
    }
}
