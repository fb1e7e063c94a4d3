//! What happens to the logs behind everybody's back: old segments go.
//!
//! Kafka has two threads for this, and so two intervals. One looks every
//! `log.retention.check.interval.ms` for segments that are too old or too many; the other, the
//! cleaner, compacts, and forgets too where a topic does both.

use std::sync::atomic::Ordering;

use super::{Metadata, Partition, Topic};
use crate::time::Timestamp;

impl Metadata {
    /// Removes the segments that are due in topics that are not compacted. Reads and writes files.
    pub(crate) fn check_retention(&self, now: Timestamp) {
        self.for_each_log(|topic, partition| {
            if !topic.config().cleanup_policy().compact {
                forget(topic, partition, now);
            }
        });
    }

    /// Compacts what is due, and forgets where a topic does both. Reads and writes files.
    pub(crate) fn clean(&self, now: Timestamp) {
        self.for_each_log(|topic, partition| {
            let policy = topic.config().cleanup_policy();
            if policy.compact {
                compact(topic, partition, now, &|| self.is_closing());
                if policy.delete {
                    forget(topic, partition, now);
                }
            }
        });
    }

    /// Looks at every partition, one after the other, until the logs are about to be closed.
    fn for_each_log(&self, act: impl Fn(&Topic, &Partition)) {
        for topic in self.topics() {
            for partition in topic.partitions().iter() {
                if self.is_closing() {
                    return;
                }
                act(&topic, partition);
            }
        }
    }

    /// Has what changes logs by itself come to an end: they are about to be closed.
    pub(crate) fn stop_maintenance(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }
}

fn compact(topic: &Topic, partition: &Partition, now: Timestamp, is_stopped: &dyn Fn() -> bool) {
    let index = partition.index;
    match partition.compact(now, is_stopped) {
        Ok(None) => {}
        Ok(Some(end_offset)) => {
            tracing::debug!(topic = %topic.name, index, end_offset, "the log is compacted");
        }
        Err(error) => {
            tracing::warn!(topic = %topic.name, index, %error, "the log could not be compacted");
        }
    }
}

fn forget(topic: &Topic, partition: &Partition, now: Timestamp) {
    let index = partition.index;
    match partition.forget(now) {
        Ok(None) => {}
        Ok(Some(start_offset)) => {
            tracing::debug!(topic = %topic.name, index, start_offset, "old segments are gone");
        }
        Err(error) => {
            tracing::warn!(topic = %topic.name, index, %error, "old segments could not be removed");
        }
    }
}
