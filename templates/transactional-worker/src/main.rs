//! Reads orders and writes an invoice for each, exactly once.
//!
//! A transaction contains the invoices and the offsets of their orders. However the program ends, a
//! `read_committed` consumer reads each invoice once. The program uses one thread and no async
//! runtime, because the calls of a transaction block.

mod config;
mod errors;
mod offsets;
mod process;
mod transactions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};

use config::Config;
use errors::PollErrors;
use transactions::Transactions;

/// How often the program checks for a signal and for a due commit while no records arrive.
const POLL: Duration = Duration::from_millis(100);

fn main() -> Result<()> {
    let config = Config::load()?;
    config.start_log();
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    // Ctrl-C, SIGTERM and SIGHUP.
    ctrlc::set_handler(move || told.store(true, Ordering::Relaxed))
        .context("cannot listen for signals")?;
    // This comes first: it aborts the open transaction of the previous process, or waits for its
    // commit. Only then are the group's committed offsets final.
    let mut transactions = Transactions::start(&config)?;
    let consumer = consumer(&config)?;
    let input = config.required("INPUT_TOPIC")?;
    transactions.check_topic(&input)?;
    consumer.subscribe(&[&input])?;
    let ended = work(&consumer, &mut transactions, &stop);
    if let Err(error) = &ended {
        // Otherwise, consumers would wait until the coordinator aborts it.
        tracing::error!("aborting: {error:#}");
        transactions.abort().unwrap_or_else(|error| tracing::error!("cannot abort: {error:#}"));
    }
    ended
}

fn consumer(config: &Config) -> Result<BaseConsumer<Membership>> {
    let defaults = [
        ("group.id", &*config.required("GROUP")?),
        ("auto.offset.reset", "earliest"),
        // Only the transactions commit offsets.
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("isolation.level", "read_committed"),
        // Eager: a rebalance revokes all partitions, and each one restarts at its committed offset.
        // So the program only has to abort.
        ("partition.assignment.strategy", "range"),
        ("queued.max.messages.kbytes", "16384"),
    ];
    let client = config.client(&defaults, "KAFKA_CONSUMER_SETTINGS")?;
    Ok(client.create_with_context(Membership::default())?)
}

fn work(
    consumer: &BaseConsumer<Membership>,
    transactions: &mut Transactions,
    stop: &AtomicBool,
) -> Result<()> {
    let mut errors = PollErrors::default();
    loop {
        let polled = consumer.poll(POLL);
        // This comes first, because the polled record belongs to the next assignment.
        if consumer.context().is_revoked.swap(false, Ordering::Relaxed) {
            transactions.abort()?;
        }
        match polled {
            None => {}
            Some(Ok(message)) => transactions.add(&message)?,
            Some(Err(error)) => errors.check(error)?,
        }
        let is_over = stop.load(Ordering::Relaxed);
        if is_over || transactions.is_due() {
            transactions.commit(consumer)?;
        }
        if is_over {
            return Ok(());
        }
    }
}

/// Notes that partitions were revoked. The open transaction then contains records that now belong
/// to another member.
#[derive(Default)]
struct Membership {
    is_revoked: AtomicBool,
}

impl ClientContext for Membership {}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        tracing::info!(?rebalance, "rebalancing");
        if !matches!(rebalance, Rebalance::Assign(_)) {
            self.is_revoked.store(true, Ordering::Relaxed);
        }
    }
}
