//! The process that ends: a consumer that commits in one of four ways.
//!
//! Processing is a line on stdout, which the parent collects as the departure board. A line in a
//! pipe survives its writer, as any effect outside of Kafka does. The committed offset is in Kafka,
//! so the two can differ.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use helpers::{Committed, ConsumerBuilder, RepeatedErrors, commit_stored_within, store_processed};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// What the consumer prints at the chosen moment. It then waits to be killed.
pub(crate) const READY: &str = "kill me now";
const FLIGHT: &str = "WS105";
const LIMIT: Duration = Duration::from_secs(10);

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

/// How the consumer ends, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Killed: it has the record and has not processed it, and the interval of auto-commit has
    /// passed.
    InTheMiddle,
    /// Killed: it has processed the record, and has done nothing more.
    RightAfter,
    /// Not killed: it has processed the record, reads no more, and closes its consumer.
    CleanShutdown,
}

impl Moment {
    pub(crate) const ALL: [Moment; 3] =
        [Moment::InTheMiddle, Moment::RightAfter, Moment::CleanShutdown];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Moment::InTheMiddle => "killed before processing",
            Moment::RightAfter => "killed after processing",
            Moment::CleanShutdown => "clean shutdown",
        }
    }
}

/// Reads the topic from what its group has committed to the end. The arguments are brokers, topic,
/// group, strategy, and the moment at which it is to end, if it is.
pub(crate) async fn run(arguments: &[String]) -> Result<()> {
    let [brokers, topic, group, strategy, moment] = arguments else {
        bail!("a consumer needs brokers, a topic, a group, a strategy and a moment");
    };
    end_with_the_parent();
    let strategy = Strategy::ALL.into_iter().find(|it| it.name() == strategy);
    let strategy = strategy.context("there is no such strategy")?;
    let moment = Moment::ALL.into_iter().find(|it| it.name() == moment);
    let consumer = Arc::new(build(brokers, group, strategy, moment).await?);
    // ANCHOR: assign
    let mut partition = TopicPartitionList::new();
    partition.add_partition_offset(topic, 0, Offset::Stored)?;
    consumer.assign(&partition)?;
    // ANCHOR_END: assign
    let mut errors = RepeatedErrors::new(LIMIT);
    loop {
        match consumer.recv().await {
            Ok(message) => {
                handle(&consumer, &message, strategy, moment).await?;
                if moment == Some(Moment::CleanShutdown) && flight(&message)? == FLIGHT {
                    // Dropped, the consumer closes, as it would after a Ctrl-C.
                    return Ok(());
                }
            }
            // Dropped, a consumer with auto-commit commits what is stored.
            Err(KafkaError::PartitionEOF(_)) => return Ok(()),
            Err(error @ KafkaError::MessageConsumption(Code::UnknownTopicOrPartition)) => {
                return Err(error.into());
            }
            // So it is while a cluster is young. The client does not ask again by itself.
            Err(KafkaError::MessageConsumption(Code::NotCoordinator)) => {
                consumer.assign(&partition)?;
            }
            Err(error) => {
                errors.line(&error).iter().for_each(|line| eprintln!("error      {line}"));
            }
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
    // a minute the end comes first.
    let interval_ms = if moment == Some(Moment::InTheMiddle) { "100" } else { "60000" };
    let builder = ConsumerBuilder::new(brokers, group).enable_partition_eof();
    let builder = match strategy {
        // The builder's own: nothing is committed and nothing is stored but by this program.
        Strategy::OnReceipt | Strategy::AfterProcessing => builder,
        // librdkafka's own: a record counts as done when it is handed over.
        Strategy::OnAnInterval => builder
            .set("enable.auto.commit", "true")
            .set("enable.auto.offset.store", "true")
            .set("auto.commit.interval.ms", interval_ms),
        Strategy::StoredOffsets => {
            builder.set("enable.auto.commit", "true").set("auto.commit.interval.ms", interval_ms)
        }
    };
    // ANCHOR_END: settings
    Ok(builder.build().await?)
}

// ANCHOR: handle
async fn handle(
    consumer: &Arc<StreamConsumer>,
    message: &BorrowedMessage<'_>,
    strategy: Strategy,
    moment: Option<Moment>,
) -> Result<()> {
    let flight = flight(message)?;
    let dies = |at: Moment| moment == Some(at) && flight == FLIGHT;

    if strategy == Strategy::OnReceipt && !commit(consumer, message).await? {
        // At most once: the next commit includes it, and no member processes it.
        return Ok(());
    }
    if dies(Moment::InTheMiddle) {
        // A departure that takes long: auto-commit does not wait for it.
        wait_for_auto_commit(consumer, message, strategy).await?;
        wait_for_the_kill();
    }
    println!("{flight}");
    if dies(Moment::RightAfter) {
        wait_for_the_kill();
    }
    match strategy {
        // Where that fails for now, it stays stored, and the next commit takes it along.
        Strategy::AfterProcessing => drop(commit(consumer, message).await?),
        // Auto-commit commits it, within the interval and when the consumer is closed.
        Strategy::StoredOffsets => drop(store_processed(&**consumer, message)?),
        Strategy::OnReceipt | Strategy::OnAnInterval => {}
    }
    Ok(())
}

/// Whether the group's coordinator has it now. Only what never passes is an error.
async fn commit(consumer: &Arc<StreamConsumer>, message: &BorrowedMessage<'_>) -> Result<bool> {
    store_processed(&**consumer, message)?;
    Ok(commit_stored_within(consumer, LIMIT).await? == Committed::Done)
}
// ANCHOR_END: handle

fn flight<'a>(message: &'a BorrowedMessage<'_>) -> Result<&'a str> {
    Ok(std::str::from_utf8(message.key().unwrap_or_default())?)
}

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

/// Tells the parent that the moment has come, and then waits.
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
