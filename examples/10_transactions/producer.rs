//! A transactional producer, and how to react to its errors.

use std::time::Duration;

use anyhow::Result;
use rdkafka::error::{KafkaError, RDKafkaError};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::scene::{Departure, Scene};

/// How long a call of a transaction may take before it returns, to be called again.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

// ANCHOR: new
/// A producer with a name that outlives its process, ready to begin.
pub(crate) fn transactional_producer(
    scene: &Scene<'_>,
    transactional_id: &str,
    settings: &[(&str, &str)],
) -> Result<BaseProducer> {
    let mut config = helpers::client_config(scene.brokers)?;
    config.set("transactional.id", transactional_id);
    for (key, value) in settings {
        config.set(*key, *value);
    }
    let producer: BaseProducer = config.create()?;
    // Fences earlier producers with this name, and ends the transaction that they left open.
    producer.init_transactions(LIMIT)?;
    Ok(producer)
}
// ANCHOR_END: new

/// Queues departures, and waits until the leader has them.
pub(crate) fn send(producer: &BaseProducer, scene: &Scene<'_>, flights: &[&str]) -> Result<()> {
    for flight in flights {
        let departure = Departure::of(flight);
        let value = serde_json::to_string(&departure)?;
        let record = BaseRecord::to(scene.topic)
            .partition(scene.partition)
            .key(&departure.from)
            .payload(&value);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    Ok(producer.flush(LIMIT)?)
}

// ANCHOR: errors
/// What to do about an error of a transaction. The error itself says it.
fn what_to_do(error: &RDKafkaError) -> &'static str {
    if error.is_fatal() {
        "end this producer: it can do nothing more"
    } else if error.txn_requires_abort() {
        "abort_transaction, and begin again"
    } else if error.is_retriable() {
        "make the same call again"
    } else {
        "correct the program"
    }
}
// ANCHOR_END: errors

/// Prints how a call ended.
pub(crate) fn report(call: &str, result: Result<(), KafkaError>) {
    match result {
        Ok(()) => println!("   {call}  ok"),
        Err(KafkaError::Transaction(error)) => {
            println!("   {call}  {}", error.code());
            println!("   so                          {}", what_to_do(&error));
        }
        Err(error) => println!("   {call}  {error}"),
    }
}
