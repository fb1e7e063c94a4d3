//! The process that is killed: a consumer that commits in one of four ways.
//!
//! Processing is a line on stdout, which the parent collects as the departure board. A line in a
//! pipe survives its writer, as any effect outside of Kafka does. The committed offset is in Kafka,
//! and so the two can come apart.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use helpers::ConsumerBuilder;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// What the consumer says when the moment has come. It then waits to be killed.
pub(crate) const READY: &str = "kill me now";
const FLIGHT: &str = "WS105";

/// When an offset is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    OnReceipt,
    OnAnInterval,
    AfterProcessing,
    StoredOffsets,
}

impl Strategy {
    pub(crate) const ALL: [Strategy; 4] = [
        Strategy::OnReceipt,
        Strategy::OnAnInterval,
        Strategy::AfterProcessing,
        Strategy::StoredOffsets,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Strategy::OnReceipt => "on receipt",
            Strategy::OnAnInterval => "on an interval",
            Strategy::AfterProcessing => "after processing",
            Strategy::StoredOffsets => "stored offsets",
        }
    }

    fn is_automatic(self) -> bool {
        matches!(self, Strategy::OnAnInterval | Strategy::StoredOffsets)
    }
}

/// When the consumer is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It has the record and has not processed it, and the interval of auto-commit has passed.
    InTheMiddle,
    /// It has processed the record, and has done nothing more.
    RightBehind,
}

impl Moment {
    pub(crate) const ALL: [Moment; 2] = [Moment::InTheMiddle, Moment::RightBehind];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Moment::InTheMiddle => "before processing",
            Moment::RightBehind => "after processing",
        }
    }
}

/// Reads the topic from what its group has committed to the end. The arguments are brokers, topic,
/// group, strategy, and the moment of death, if it is to die.
pub(crate) async fn run(arguments: &[String]) -> Result<()> {
    let [brokers, topic, group, strategy, moment] = arguments else {
        bail!("a consumer needs brokers, a topic, a group, a strategy and a moment");
    };
    end_with_the_parent();
    let strategy = Strategy::ALL.into_iter().find(|it| it.name() == strategy);
    let strategy = strategy.context("there is no such strategy")?;
    let moment = Moment::ALL.into_iter().find(|it| it.name() == moment);
    let consumer = build(brokers, group, strategy, moment).await?;
    // ANCHOR: assign
    let mut partition = TopicPartitionList::new();
    partition.add_partition_offset(topic, 0, Offset::Stored)?;
    consumer.assign(&partition)?;
    // ANCHOR_END: assign
    loop {
        match consumer.recv().await {
            Ok(message) => handle(&consumer, &message, strategy, moment).await?,
            // Dropped, a consumer with auto-commit commits what is stored.
            Err(KafkaError::PartitionEOF(_)) => return Ok(()),
            Err(error @ KafkaError::MessageConsumption(Code::UnknownTopicOrPartition)) => {
                return Err(error.into());
            }
            // So it is while a cluster is young. The client does not ask again by itself.
            Err(KafkaError::MessageConsumption(Code::NotCoordinator)) => {
                consumer.assign(&partition)?;
            }
            Err(error) => eprintln!("error      {error}"),
        }
    }
}

async fn build(
    brokers: &str,
    group: &str,
    strategy: Strategy,
    moment: Option<Moment>,
) -> Result<StreamConsumer> {
    // ANCHOR: settings
    // The default is 5,000 ms. After 100 the interval passes in the middle of a departure, and with
    // a minute the kill comes first.
    let interval_ms = if moment == Some(Moment::RightBehind) { "60000" } else { "100" };
    let builder = ConsumerBuilder::new(brokers, group).tell_end_of_partitions();
    let builder = match strategy {
        Strategy::OnReceipt | Strategy::AfterProcessing => {
            builder.set("enable.auto.commit", "false")
        }
        Strategy::OnAnInterval => {
            builder.set("enable.auto.commit", "true").set("auto.commit.interval.ms", interval_ms)
        }
        Strategy::StoredOffsets => builder
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", interval_ms)
            .set("enable.auto.offset.store", "false"),
    };
    // ANCHOR_END: settings
    Ok(builder.build().await?)
}

// ANCHOR: handle
async fn handle(
    consumer: &StreamConsumer,
    message: &BorrowedMessage<'_>,
    strategy: Strategy,
    moment: Option<Moment>,
) -> Result<()> {
    let flight = std::str::from_utf8(message.key().unwrap_or_default())?;
    let dies = |at: Moment| moment == Some(at) && flight == FLIGHT;

    if strategy == Strategy::OnReceipt {
        consumer.commit_message(message, CommitMode::Sync)?;
    }
    if dies(Moment::InTheMiddle) {
        // A departure that takes long: auto-commit does not wait for it.
        wait_for_auto_commit(consumer, message, strategy).await?;
        wait_for_the_kill();
    }
    println!("{flight}");
    if dies(Moment::RightBehind) {
        wait_for_the_kill();
    }
    match strategy {
        Strategy::AfterProcessing => consumer.commit_message(message, CommitMode::Sync)?,
        Strategy::StoredOffsets => consumer.store_offset_from_message(message)?,
        Strategy::OnReceipt | Strategy::OnAnInterval => {}
    }
    Ok(())
}
// ANCHOR_END: handle

/// Waits until auto-commit has committed what is stored: with `enable.auto.offset.store`, the
/// default, that includes the record that is still being processed.
async fn wait_for_auto_commit(
    consumer: &StreamConsumer,
    message: &BorrowedMessage<'_>,
    strategy: Strategy,
) -> Result<()> {
    let stored = match strategy {
        Strategy::OnAnInterval => message.offset() + 1,
        _ => message.offset(),
    };
    for _ in 0..200 {
        let committed = consumer.committed(Duration::from_secs(5))?;
        let is_stored = |it: Offset| it == Offset::Offset(stored);
        if !strategy.is_automatic() || committed.elements().iter().all(|it| is_stored(it.offset()))
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ensure!(false, "auto-commit has not committed {stored}");
    Ok(())
}

/// Tells the parent that the moment has come, and does nothing more.
fn wait_for_the_kill() -> ! {
    println!("{READY}");
    loop {
        std::thread::park();
    }
}

/// The parent holds this process's stdin. When it ends, however it ends, so does this.
fn end_with_the_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
}
