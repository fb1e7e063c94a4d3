//! A second instance of a transactional producer, which takes over from the program.

use std::time::Duration;

use anyhow::Context;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// How long each call may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Starts with the program's transactional id, which fences the program, and commits one record.
/// Blocks.
pub(crate) fn take_over(
    servers: &str,
    transactional_id: &str,
    topic: &str,
    text: &str,
) -> anyhow::Result<()> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("client.id", "workshop-check")
        .set("transactional.id", transactional_id)
        .create()?;
    producer.init_transactions(LIMIT).context("the second instance cannot start")?;
    producer.begin_transaction()?;
    let record = BaseRecord::<str, str>::to(topic).payload(text);
    producer.send(record).map_err(|(error, _)| error)?;
    producer.commit_transaction(LIMIT).context("the second instance cannot commit")
}
