//! The topics of this example.

use std::time::Duration;

use anyhow::Result;
use helpers::{create_topic, unique_name};

/// A record's way when it fails: each topic with how long a record waits in it.
pub(crate) struct Topics {
    pub(crate) departures: String,
    pub(crate) retries: [(String, Duration); 2],
    pub(crate) dead_letters: String,
    /// The dead letters of the first scene, which has readers of its own.
    pub(crate) parked: String,
}

impl Topics {
    /// Names that no other run uses.
    pub(crate) fn unique() -> Topics {
        let departures = unique_name("departures");
        // One delay for each topic: then what came first is due first, and no record waits for one
        // with a longer delay.
        let retry = |wait| (format!("{departures}-retry-{wait}ms"), Duration::from_millis(wait));
        Topics {
            retries: [retry(500), retry(1000)],
            dead_letters: format!("{departures}-dead-letters"),
            parked: format!("{departures}-parked"),
            departures,
        }
    }

    pub(crate) async fn create(&self, brokers: &str) -> Result<()> {
        for topic in self.all() {
            create_topic(brokers, topic, 1, -1).await?;
        }
        Ok(())
    }

    pub(crate) fn all(&self) -> [&str; 5] {
        let [(first, _), (second, _)] = &self.retries;
        [&self.departures, first, second, &self.dead_letters, &self.parked]
    }
}
