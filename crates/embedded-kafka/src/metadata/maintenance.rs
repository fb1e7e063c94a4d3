//! Background work on the logs: retention and compaction.
//!
//! Kafka has two threads for this, and so two intervals. One looks every
//! `log.retention.check.interval.ms` for segments that are too old or too many. The other, the
//! cleaner, compacts, and also deletes old segments of topics that do both.

use std::sync::atomic::Ordering;

use super::{Metadata, Partition, Topic};
use crate::config::CleanupPolicy;
use crate::log::{Log, LogError};
use crate::time::Timestamp;

impl Metadata {
    /// Removes the segments that are due in topics that are not compacted. Reads and writes files.
    pub(crate) fn check_retention(&self, now: Timestamp) {
        self.for_each_log(|topic, partition| {
            if !policy_of(topic, partition).compact {
                delete_old_segments(topic, partition, now);
            }
        });
    }

    /// Compacts the logs that are due, and deletes old segments of topics that do both. Reads and
    /// writes files.
    pub(crate) fn clean(&self, now: Timestamp) {
        self.for_each_log(|topic, partition| {
            let policy = policy_of(topic, partition);
            if policy.compact {
                compact(topic, partition, now, &|| self.is_closing());
                if policy.delete {
                    delete_old_segments(topic, partition, now);
                }
            }
        });
    }

    /// Visits every partition, one after the other, until the logs are about to be closed.
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

    /// Stops the background work, because the logs are about to be closed.
    pub(crate) fn stop_maintenance(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }
}

impl Partition {
    /// Removes the segments that are due, and returns the new start of the log. `None` if none is
    /// due. Reads files, though not under the lock.
    ///
    /// # Errors
    /// When the files cannot be read or changed.
    pub(crate) fn delete_old_segments(&self, now: Timestamp) -> Result<Option<i64>, LogError> {
        let aged =
            self.with(
                |state| {
                    if state.is_deleted { None } else { state.log.aged(state.high_watermark()) }
                },
            );
        let Some(due) = aged.map(|aged| aged.due(now)).transpose()?.flatten() else {
            return Ok(None);
        };
        let start_offset = self.with(|state| {
            if state.is_deleted {
                return Ok(None);
            }
            state.log.delete_segments_before(due, now).map(Some)
        })?;
        self.changed.wake();
        Ok(start_offset)
    }

    /// Compacts the log if it is due, and returns the offset up to which it is clean then. `None`
    /// if it is not due, or if `is_stopped` says so. Reads and writes files, though under the lock
    /// it only moves and removes some.
    ///
    /// # Errors
    /// When the files cannot be read or changed.
    pub(crate) fn compact(
        &self,
        now: Timestamp,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Option<i64>, LogError> {
        let pass = self.with(|state| {
            let stable_end = state.high_watermark().min(state.log.last_stable_offset());
            if state.is_deleted { None } else { state.log.cleaning(stable_end, now) }
        });
        let Some(mut pass) = pass else { return Ok(None) };
        if !pass.is_due()? {
            return Ok(None);
        }
        let Some(mut cleaning) = pass.prepare(is_stopped)? else { return Ok(None) };
        let end_offset = cleaning.end_offset();
        // A log that was deleted or truncated in the meantime is left alone.
        let when_there = |act: &mut dyn FnMut(&mut Log) -> std::io::Result<bool>| {
            self.with(|state| if state.is_deleted { Ok(false) } else { act(&mut state.log) })
        };
        if !when_there(&mut |log| log.begin_cleaning(end_offset).map(|()| true))? {
            return Ok(None);
        }
        while !cleaning.is_done() {
            let Some(cleaned) = cleaning.next_segment(is_stopped)? else { return Ok(None) };
            let mut cleaned = Some(cleaned);
            let is_swapped = when_there(&mut |log| match cleaned.take() {
                Some(cleaned) => log.swap_in(cleaned),
                None => Ok(false),
            })?;
            if !is_swapped {
                return Ok(None);
            }
        }
        let is_clean = when_there(&mut |log| log.finish_cleaning(end_offset).map(|()| true))?;
        Ok(is_clean.then_some(end_offset))
    }
}

/// Returns the cleanup policy of the leader's node.
fn policy_of(topic: &Topic, partition: &Partition) -> CleanupPolicy {
    let leader = partition.with(|state| state.replication.leader());
    topic.config_at(leader).cleanup_policy()
}

fn compact(topic: &Topic, partition: &Partition, now: Timestamp, is_stopped: &dyn Fn() -> bool) {
    let index = partition.index;
    match partition.compact(now, is_stopped) {
        Ok(None) => {}
        Ok(Some(end_offset)) => {
            tracing::debug!(topic = %topic.name, index, end_offset, "log compacted");
        }
        Err(error) => {
            tracing::warn!(topic = %topic.name, index, %error, "the log could not be compacted");
        }
    }
}

fn delete_old_segments(topic: &Topic, partition: &Partition, now: Timestamp) {
    let index = partition.index;
    match partition.delete_old_segments(now) {
        Ok(None) => {}
        Ok(Some(start_offset)) => {
            tracing::debug!(topic = %topic.name, index, start_offset, "old segments deleted");
        }
        Err(error) => {
            tracing::warn!(topic = %topic.name, index, %error, "old segments could not be deleted");
        }
    }
}
