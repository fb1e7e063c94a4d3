//! Copies records from one topic to another exactly once, until it is killed.
//!
//! Usage: `chaos-worker BOOTSTRAP_SERVERS INPUT OUTPUT NAME`. Each record of the output holds the
//! partition and the value of the record that it is a copy of. A line on stdout, `committed N`,
//! follows each transaction whose commit was acknowledged, with its number of records. An error
//! that cannot be retried ends the process: it is started again, as after a kill. So does the end
//! of its standard input, which comes when the test dies.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// How long one attempt of a call may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The most records in one transaction.
const BATCH: usize = 40;
/// How long a transaction waits for its next record.
const PATIENCE: Duration = Duration::from_millis(20);

/// Whether partitions were taken away since the start.
#[derive(Default)]
struct Membership {
    is_lost: AtomicBool,
}

impl ClientContext for Membership {}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if !matches!(rebalance, Rebalance::Assign(_)) {
            self.is_lost.store(true, Ordering::Relaxed);
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [servers, input, output, name] =
        <[String; 4]>::try_from(arguments).expect("there are four arguments");
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(2);
    });
    let why = copy(&servers, &input, &output, &name);
    println!("ended {why}");
    ExitCode::FAILURE
}

/// Copies until something goes wrong, and says what.
fn copy(servers: &str, input: &str, output: &str, name: &str) -> String {
    let done = (|| -> KafkaResult<()> {
        let producer = producer(servers, name)?;
        retried(|| producer.init_transactions(LIMIT))?;
        let consumer = consumer(servers, input, name)?;
        let mut in_transaction = 0;
        loop {
            let polled = consumer.poll(PATIENCE);
            if consumer.context().is_lost.load(Ordering::Relaxed) {
                // Records of the open transaction may be read again, by this or another worker.
                return Ok(());
            }
            let is_pause = polled.is_none();
            match polled {
                Some(Ok(message)) => {
                    if in_transaction == 0 {
                        producer.begin_transaction()?;
                    }
                    send(&producer, output, &message)?;
                    in_transaction += 1;
                }
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error),
                // A node that is not there, for example: the client tries again.
                Some(Err(_)) | None => {}
            }
            if in_transaction == BATCH || (is_pause && in_transaction > 0) {
                commit(&producer, &consumer)?;
                println!("committed {in_transaction}");
                in_transaction = 0;
            }
        }
    })();
    done.map_or_else(|error| error.to_string(), |()| "partitions were taken away".to_owned())
}

fn producer(servers: &str, name: &str) -> KafkaResult<BaseProducer> {
    ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("transactional.id", name)
        .set("linger.ms", "0")
        .set("reconnect.backoff.max.ms", "200")
        .create()
}

fn consumer(servers: &str, input: &str, name: &str) -> KafkaResult<BaseConsumer<Membership>> {
    let consumer: BaseConsumer<Membership> = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", name)
        .set("group.instance.id", name)
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "500")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("fetch.wait.max.ms", "50")
        .set("reconnect.backoff.max.ms", "200")
        .create_with_context(Membership::default())?;
    consumer.subscribe(&[input])?;
    Ok(consumer)
}

fn send(producer: &BaseProducer, output: &str, message: &BorrowedMessage<'_>) -> KafkaResult<()> {
    let original = std::str::from_utf8(message.payload().unwrap_or_default());
    let value = format!("{} {}", message.partition(), original.expect("the input is text"));
    let record = BaseRecord::<(), str>::to(output).payload(&value);
    producer.send(record).map_err(|(error, _)| error)
}

fn commit(producer: &BaseProducer, consumer: &BaseConsumer<Membership>) -> KafkaResult<()> {
    let member = consumer.group_metadata().expect("a subscribed consumer has a group");
    let position = consumer.position()?;
    retried(|| producer.send_offsets_to_transaction(&position, &member, LIMIT))?;
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
    retried(|| producer.commit_transaction(LIMIT))
}

/// Makes a call again for as long as its error says that this may help.
fn retried(mut call: impl FnMut() -> KafkaResult<()>) -> KafkaResult<()> {
    loop {
        match call() {
            Err(KafkaError::Transaction(error)) if error.is_retriable() => {}
            done => return done,
        }
    }
}
