//! A record with an explicit partition.

use std::sync::mpsc;
use std::time::Duration;

use anyhow::Result;
use helpers::producer;
use rdkafka::error::KafkaError;
use rdkafka::producer::BaseRecord;

const FLUSH_LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn show(brokers: &str, topic: &str) -> Result<()> {
    let producer = producer(brokers).await?;
    let (report_to, reports) = mpsc::channel();
    // ANCHOR: explicit
    for partition in [0, 1, 2, 7] {
        let record = BaseRecord::to(topic).key("JFK").payload("gate closed").partition(partition);
        let report_to = report_to.clone();
        producer.send_then(record, move |report| {
            let outcome = match report.error {
                None => format!("is on {}", report.partition),
                Some(KafkaError::MessageProduction(code)) => format!("not sent: {code}"),
                Some(error) => format!("not sent: {error}"),
            };
            // The receiver is dropped when the example has failed.
            let _ = report_to.send((partition, outcome));
        })?;
    }
    // ANCHOR_END: explicit
    producer.flush_within(FLUSH_LIMIT).await?;
    let mut outcomes: Vec<(i32, String)> = reports.try_iter().collect();
    outcomes.sort();
    for (partition, outcome) in outcomes {
        println!("JFK to {partition}      {outcome}");
    }
    Ok(())
}
