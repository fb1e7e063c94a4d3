//! The topics and groups of one run.

use anyhow::Result;
use helpers::{create_topic, delete_topic, unique_name};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

use crate::partitions::PARTITIONS;

/// As many copies as the cluster keeps by default.
const REPLICATION_FACTOR: i32 = -1;

pub(crate) struct Names {
    /// The topic of the first scene, a partition for each case.
    pub(crate) partitions: String,
    /// The topics of the others.
    pub(crate) departures: String,
    pub(crate) delays: String,
    /// The groups, one for each scene.
    pub(crate) auditors: String,
    pub(crate) boards: String,
    pub(crate) alarms: String,
}

impl Names {
    /// Names that no other run uses.
    pub(crate) fn unique() -> Names {
        let [partitions, departures, delays] =
            ["partitions", "departures", "delays"].map(unique_name);
        let [auditors, boards, alarms] = ["auditors", "boards", "alarms"].map(unique_name);
        Names { partitions, departures, delays, auditors, boards, alarms }
    }

    pub(crate) async fn create(&self, brokers: &str) -> Result<()> {
        let partitions = PARTITIONS.len() as i32;
        create_topic(brokers, &self.partitions, partitions, REPLICATION_FACTOR).await?;
        create_topic(brokers, &self.departures, 1, REPLICATION_FACTOR).await?;
        create_topic(brokers, &self.delays, 1, REPLICATION_FACTOR).await?;
        Ok(())
    }

    pub(crate) async fn delete(&self, brokers: &str) -> Result<()> {
        for topic in [&self.partitions, &self.departures, &self.delays] {
            delete_topic(brokers, topic).await?;
        }
        let admin: AdminClient<DefaultClientContext> = helpers::client_config(brokers)?.create()?;
        let groups = [&*self.auditors, &*self.boards, &*self.alarms];
        // After a Ctrl-C some have committed nothing, and do not exist.
        let _ = admin.delete_groups(&groups, &AdminOptions::new()).await?;
        Ok(())
    }
}
