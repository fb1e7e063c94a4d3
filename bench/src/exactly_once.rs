//! Copying records from one topic to another: with transactions, and with a commit of its own.
//!
//! Both read the same input, write it to a topic of three replicas where there are three nodes, and
//! commit how far they came after the same number of records. All else is the client's default.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::Broker;
use crate::produce::{self, Load, Reports};
use crate::table::{Better, Table, figure, median};
use crate::topic::{self, Topic};

/// The most records that are copied in each run: a commit for every few takes its time.
const RECORDS: u64 = 100_000;

/// How many records there are to a commit.
const BATCHES: [u64; 3] = [10, 100, 1_000];

const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guarantee {
    AtLeastOnce,
    ExactlyOnce,
}

/// Copies with both guarantees and commits of several sizes.
pub(crate) fn measure(
    broker: &Broker,
    load: Load,
    runs: u8,
    table: &mut Table,
) -> anyhow::Result<()> {
    for batch in BATCHES {
        // Ten records to a commit are copied slowly, so there are fewer of them.
        let load = Load::new(load.records.min(RECORDS).min(batch * 200), load.size);
        let input = topic::create(broker, 1)?;
        produce::send(broker, &input.name, load)?;
        for (guarantee, name) in
            [(Guarantee::AtLeastOnce, "at least once"), (Guarantee::ExactlyOnce, "exactly once")]
        {
            let mut throughputs = Vec::new();
            for _ in 0..runs {
                let output = topic::create(broker, 1)?;
                let elapsed = copy(broker, &input, &output, load, guarantee, batch)?;
                throughputs.push(figure(load.records) / elapsed.as_secs_f64());
                output.delete()?;
            }
            let what = format!("copy {name}, {batch} records to a commit");
            table.line(&what, median(throughputs), "records/s", Better::More);
        }
        input.delete()?;
    }
    Ok(())
}

/// Copies the whole input. The time counts from the first record to the last commit.
fn copy(
    broker: &Broker,
    input: &Topic<'_>,
    output: &Topic<'_>,
    load: Load,
    guarantee: Guarantee,
    batch: u64,
) -> anyhow::Result<Duration> {
    let producer = producer(broker, &output.name, guarantee)?;
    let consumer = consumer(broker, &input.name, &output.name)?;
    let mut started = None;
    let mut copied = 0;
    while copied < load.records {
        broker.check_interrupted()?;
        let Some(message) = consumer.poll(LIMIT) else { bail!("{copied} records came") };
        let message = message?;
        started.get_or_insert_with(Instant::now);
        if guarantee == Guarantee::ExactlyOnce && copied % batch == 0 {
            producer.begin_transaction()?;
        }
        let value = message.payload().context("a record has a value")?;
        let record = BaseRecord::<(), [u8]>::to(&output.name).payload(value);
        producer.send(record).map_err(|(error, _)| error)?;
        copied += 1;
        if copied % batch == 0 || copied == load.records {
            commit(&producer, &consumer, guarantee)?;
        }
    }
    Ok(started.context("there are records")?.elapsed())
}

fn commit(
    producer: &BaseProducer<Reports>,
    consumer: &BaseConsumer,
    guarantee: Guarantee,
) -> anyhow::Result<()> {
    match guarantee {
        Guarantee::AtLeastOnce => {
            produce::flush(producer)?;
            consumer.store_offsets(&consumer.position()?)?;
            consumer.commit_consumer_state(CommitMode::Sync)?;
        }
        Guarantee::ExactlyOnce => {
            let member = consumer.group_metadata().context("the consumer has a group")?;
            producer.send_offsets_to_transaction(&consumer.position()?, &member, LIMIT)?;
            produce::flush(producer)?;
            producer.commit_transaction(LIMIT)?;
        }
    }
    Ok(())
}

fn producer(
    broker: &Broker,
    name: &str,
    guarantee: Guarantee,
) -> anyhow::Result<BaseProducer<Reports>> {
    let settings = match guarantee {
        Guarantee::AtLeastOnce => ("enable.idempotence", "true"),
        Guarantee::ExactlyOnce => ("transactional.id", name),
    };
    let producer: BaseProducer<Reports> =
        broker.client(&[settings]).create_with_context(Reports::default())?;
    if guarantee == Guarantee::ExactlyOnce {
        producer.init_transactions(LIMIT)?;
    }
    Ok(producer)
}

fn consumer(broker: &Broker, input: &str, group: &str) -> anyhow::Result<BaseConsumer> {
    let settings = [
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
    ];
    let consumer: BaseConsumer = broker.client(&settings).create()?;
    let mut partition = TopicPartitionList::new();
    partition.add_partition_offset(input, 0, Offset::Offset(0))?;
    consumer.assign(&partition)?;
    Ok(consumer)
}
