//! Seeks to the beginning of the partition.
//!
//! Message: --  no passenger is checked in twice without need

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, EndOfPartitions, close_within,
    commit_stored_within, store_processed,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::Offset;

const LIMIT: Duration = Duration::from_secs(10);
const BREAK: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let desk = Desk {
        producer: ClientConfig::new()
            .set("bootstrap.servers", &brokers)
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .create()?,
        topic: env::var("CHECKED_IN")?,
        office: env::var("OFFICE")?.into(),
    };
    let builder = ConsumerBuilder::new(&brokers, env::var("GROUP")?).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[&env::var("TOPIC")?])?;
    let (mut commits, mut end) = (CommitEvery::new(50, LIMIT), EndOfPartitions::new());
    while !end.all_of(&consumer.assignment()?) {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = commits.due() => {
                commits.committed(commit_stored_within(&consumer, LIMIT).await?);
                continue;
            }
        };
        match polled {
            Ok(passenger) => {
                end.message_from(passenger.partition());
                if let Err(error) = desk.check_in(&passenger).await {
                    eprintln!("{error}");
                    again(&consumer, &passenger).await?;
                    continue;
                }
                // Only what is checked in is stored, so a commit cannot skip anyone.
                store_processed(&*consumer, &passenger)?;
                commits.stored();
            }
            Err(KafkaError::PartitionEOF(partition)) => end.ended(partition),
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("{error}"),
        }
    }
    println!("{:?}", close_within(consumer, LIMIT).await?);
    Ok(())
}

/// Moves the position back to a record, after a short break. The seek blocks, and has a limit.
async fn again(
    consumer: &Arc<StreamConsumer<CommitOnRevoke>>,
    passenger: &BorrowedMessage<'_>,
) -> Result<()> {
    let (topic, partition) = (passenger.topic().to_owned(), passenger.partition());
    let (offset, consumer) = (Offset::Beginning, Arc::clone(consumer));
    let seek = move || consumer.seek(&topic, partition, offset, LIMIT);
    tokio::task::spawn_blocking(seek).await??;
    tokio::time::sleep(BREAK).await;
    Ok(())
}

struct Desk {
    producer: FutureProducer,
    topic: String,
    office: PathBuf,
}

impl Desk {
    /// Checks in a passenger, which fails while the visa office is closed.
    async fn check_in(&self, passenger: &BorrowedMessage<'_>) -> Result<()> {
        let headers = passenger.headers();
        let needs_visa = headers.is_some_and(|it| it.iter().any(|it| it.key == "visa"));
        if needs_visa && !self.office.exists() {
            bail!("the visa office is closed");
        }
        let (key, value) = (passenger.key(), passenger.payload());
        let mut record = FutureRecord::<[u8], [u8]>::to(&self.topic);
        (record.key, record.payload) = (key, value);
        let report = self.producer.send_result(record).map_err(|(error, _)| error)?.await?;
        report.map_err(|(error, _)| anyhow!("not delivered: {error}"))?;
        Ok(())
    }
}
