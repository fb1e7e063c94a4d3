//! The topics of one run: the departures that all groups read, and two smaller ones.

use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{client_config, create_topic, delete_topic, producer};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::BaseRecord;
use serde::Serialize;

/// The number of departures that each group reads.
pub(crate) const RECORDS: usize = 600;

const GROUPS: [&str; 10] = [
    "name",
    "several",
    "pattern",
    "crowd",
    "eager",
    "cooperative",
    "static",
    "consumer",
    "death",
    "silence",
];
const FLUSH_LIMIT: Duration = Duration::from_secs(30);

/// The names of the topics.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    /// Six partitions, and departures in each.
    pub(crate) main: String,
    /// Two partitions each, and names that begin with that of `main`.
    pub(crate) regions: [String; 2],
}

/// A flight that leaves an airport.
#[derive(Debug, Serialize)]
struct Departure {
    flight: String,
    from: &'static str,
}

impl Topics {
    /// The topics of a run, which `create` creates.
    pub(crate) fn named(main: String) -> Topics {
        let regions = ["asia", "europe"].map(|region| format!("{main}-{region}"));
        Topics { main, regions }
    }

    /// Creates the topics and fills the first.
    pub(crate) async fn create(&self, brokers: &str) -> Result<()> {
        create_topic(brokers, &self.main, 6, -1).await?;
        for region in &self.regions {
            create_topic(brokers, region, 2, -1).await?;
        }
        let producer = producer(brokers).await?;
        for number in 0..RECORDS {
            let departure = Departure { flight: format!("KW{number:03}"), from: "JFK" };
            let value = serde_json::to_vec(&departure)?;
            let partition = (number % 6) as i32;
            let record = BaseRecord::<(), _>::to(&self.main).payload(&value).partition(partition);
            producer.send(record)?;
        }
        let summary = producer.flush(FLUSH_LIMIT)?;
        ensure!(summary.delivered == RECORDS as u64, "not everything arrived: {summary}");
        Ok(())
    }

    /// The name of a group of this run.
    pub(crate) fn group(&self, name: &str) -> String {
        format!("{}-{name}", self.main)
    }

    /// Deletes the topics, and the groups that read them.
    pub(crate) async fn delete(&self, brokers: &str) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = client_config(brokers)?.create()?;
        let groups = GROUPS.map(|name| self.group(name));
        // A group with members cannot be deleted, and one without members and offsets goes by
        // itself. That of the static members is such: they do not leave, their sessions end.
        admin.delete_groups(&groups.each_ref().map(String::as_str), &AdminOptions::new()).await?;
        for topic in self.regions.iter().chain([&self.main]) {
            delete_topic(brokers, topic).await?;
        }
        Ok(())
    }
}
