//! The record that is sent, and the report that says where it landed.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::Publisher;
use rdkafka::producer::BaseRecord;
use serde::Serialize;

const FLUSH_LIMIT: Duration = Duration::from_secs(30);

/// A flight that leaves an airport. The airport is the key: what leaves one airport stays in order.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Departure {
    flight: String,
    from: String,
}

impl Departure {
    /// The departure number `number` of the airport `from`.
    pub(crate) fn new(from: &str, number: u32) -> Self {
        Departure { flight: format!("{from}{number:03}"), from: from.to_owned() }
    }
}

// ANCHOR: landed
/// Sends departures, keyed by airport, and returns the partition of each key: the delivery report
/// says it. Before the report, it is unknown.
pub(crate) async fn landed(
    producer: &Publisher,
    topic: &str,
    departures: &[Departure],
) -> Result<BTreeMap<String, i32>> {
    let (report_to, reports) = mpsc::channel();
    for departure in departures {
        let (report_to, key) = (report_to.clone(), departure.from.clone());
        let value = serde_json::to_vec(departure)?;
        let record = BaseRecord::to(topic).key(&departure.from).payload(&value);
        producer.send_then(record, move |report| {
            // The receiver is dropped when the example has failed.
            let _ = report_to.send((key, report.partition));
        })?;
    }
    let summary = producer.flush_within(FLUSH_LIMIT).await?;
    ensure!(summary.failed + summary.still_queued == 0, "not everything arrived: {summary}");
    Ok(reports.try_iter().collect())
}
// ANCHOR_END: landed

/// How many of the keys are on another partition in `after` than in `before`.
pub(crate) fn moved(before: &BTreeMap<String, i32>, after: &BTreeMap<String, i32>) -> usize {
    before.iter().filter(|(key, partition)| after.get(*key) != Some(partition)).count()
}
