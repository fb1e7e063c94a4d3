//! A partition: its log, its replicas, and the requests that wait for a change.
//!
//! The log is stored once, and each replica is a position in it. As long as nothing disturbs them
//! the followers have all records of the leader, and the high watermark is the log's end.

use kafka_protocol::ResponseError;
use parking_lot::Mutex;

use super::partition_state::{NodeLogSettings, PartitionState, Written};
use super::replication::{Election, Leadership, NO_LEADER, Replication};
use crate::log::{
    AppendError, BatchRejection, EndTransactionMarker, Log, LogError, Position,
    TransactionStanding, ValidBatch,
};
use crate::time::Timestamp;
use crate::wait::Watch;

/// A partition has another leader, or the same one in a new epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) from: Option<i32>,
    pub(crate) to: Option<i32>,
    pub(crate) epoch: i32,
}

/// One partition of a topic.
#[derive(Debug)]
pub(crate) struct Partition {
    /// Its number within the topic, from 0.
    pub(crate) index: i32,
    state: Mutex<PartitionState>,
    /// Wakes waiting requests when the log has grown, its high watermark or its leader has moved,
    /// or it is deleted.
    pub(crate) changed: Watch,
}

impl Partition {
    pub(crate) fn new(
        index: i32,
        replication: Replication,
        log: Log,
        is_unclean_allowed: bool,
    ) -> Self {
        let (node_settings, is_deleted) = (None, false);
        let state =
            PartitionState { log, replication, is_unclean_allowed, node_settings, is_deleted };
        Self { index, state: Mutex::new(state), changed: Watch::default() }
    }

    /// Reads or changes the partition under its lock. Never across an await.
    pub(crate) fn with<T>(&self, action: impl FnOnce(&mut PartitionState) -> T) -> T {
        action(&mut self.state.lock())
    }

    pub(crate) fn leadership(&self) -> Leadership {
        self.with(|state| state.replication.leadership())
    }

    /// Appends a batch as `node`, the leader, and wakes the waiting requests.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER` at another node, `NOT_ENOUGH_REPLICAS` for acks=all (-1) while
    /// fewer are in sync than `min.insync.replicas`, and the errors of the log.
    pub(crate) fn append(
        &self,
        node: i32,
        acks: i16,
        batch: &ValidBatch,
        now: Timestamp,
    ) -> Result<Written, BatchRejection> {
        let written = self.with(|state| state.append(node, acks, batch, now))?;
        self.changed.wake();
        Ok(written)
    }

    /// Appends a batch of a coordinator, at whichever node leads.
    ///
    /// # Errors
    /// As [`append`](Self::append); `NOT_LEADER_OR_FOLLOWER` while the partition has no leader.
    pub(crate) fn append_as_leader(
        &self,
        batch: &ValidBatch,
        now: Timestamp,
    ) -> Result<Written, BatchRejection> {
        let written = self.with(|state| {
            let leader = state.replication.serving_leader();
            state.append(leader.unwrap_or(NO_LEADER), -1, batch, now)
        })?;
        self.changed.wake();
        Ok(written)
    }

    /// Returns whether an append is safe; see [`PartitionState::outcome`].
    pub(crate) fn outcome(&self, position: &Position) -> Option<Result<(), ResponseError>> {
        self.with(|state| state.outcome(position))
    }

    /// Appends a batch that belongs to a transaction, as [`append`](Self::append) does. Unless the
    /// transaction is open here already, `verify` asks its coordinator first whether the partition
    /// takes part in it (KIP-890): a batch that arrives after the marker would open a transaction
    /// that never ends.
    ///
    /// The coordinator is asked without the lock, because it appends markers while it holds its
    /// own. A marker in between makes the result outdated, and the coordinator is asked again.
    ///
    /// # Errors
    /// As `append`, and the errors of `verify`.
    pub(crate) fn append_transactional(
        &self,
        node: i32,
        acks: i16,
        batch: &ValidBatch,
        now: Timestamp,
        verify: impl Fn() -> Result<(), ResponseError>,
    ) -> Result<Written, BatchRejection> {
        let header = batch.header();
        let mut verified = None;
        loop {
            let (standing, written) = self.with(|state| {
                let standing =
                    state.log.transaction_standing(header.producer_id, header.producer_epoch);
                let is_known = standing == TransactionStanding::Open || verified == Some(standing);
                let written = is_known.then(|| state.append(node, acks, batch, now));
                (standing, written)
            });
            if let Some(written) = written {
                let written = written?;
                self.changed.wake();
                return Ok(written);
            }
            verify()?;
            verified = Some(standing);
        }
    }

    /// Ends a producer's transaction in this partition, at whichever node leads, and wakes the
    /// requests that wait for committed records.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` and `TRANSACTION_COORDINATOR_FENCED` for a marker that another has
    /// overtaken; `NOT_ENOUGH_REPLICAS`, `KAFKA_STORAGE_ERROR` and, once the partition is deleted,
    /// `UNKNOWN_TOPIC_OR_PARTITION`.
    pub(crate) fn append_marker(
        &self,
        producer_id: i64,
        producer_epoch: i16,
        commit: bool,
        coordinator_epoch: i32,
        now: Timestamp,
    ) -> Result<Position, ResponseError> {
        let marker = EndTransactionMarker { commit, coordinator_epoch };
        let position = self.with(|state| {
            let leader = state.replication.serving_leader();
            state.check_leader(leader.unwrap_or(NO_LEADER), None)?;
            state.check_in_sync()?;
            let epoch = state.replication.epoch();
            state
                .log
                .append_marker(producer_id, producer_epoch, marker, epoch, now)
                .inspect_err(report_storage_error)
                .map_err(|error| error.code())?;
            let end = state.log.end_offset();
            state.replication.appended(end);
            Ok(Position { end, epoch })
        })?;
        self.changed.wake();
        Ok(position)
    }

    /// Applies a change to the replicas, and elects a leader if one is needed and available.
    /// Returns the leader and the epoch if either has changed.
    pub(crate) fn disturb(&self, action: impl FnOnce(&mut Replication, i64)) -> Option<Moved> {
        self.elect_after(Election::Clean, action)
    }

    /// Elects a leader, as [`disturb`](Self::disturb) does, by other rules.
    pub(crate) fn elect(&self, election: Election) -> Option<Moved> {
        self.elect_after(election, |_, _| {})
    }

    fn elect_after(
        &self,
        election: Election,
        action: impl FnOnce(&mut Replication, i64),
    ) -> Option<Moved> {
        let moved = self.with(|state| {
            if state.is_deleted {
                return None;
            }
            let (leader, epoch) = (state.replication.leader(), state.replication.epoch());
            action(&mut state.replication, state.log.end_offset());
            state.elect(self.index, election);
            if state.replication.is_reassignment_due() {
                state.replication.complete_reassignment(state.log.end_offset());
                state.elect(self.index, election);
            }
            let now = (state.replication.leader(), state.replication.epoch());
            (now != (leader, epoch)).then_some(Moved { from: leader, to: now.0, epoch: now.1 })
        });
        self.changed.wake();
        moved
    }

    /// Removes the log, and wakes the waiting requests, which respond that it is deleted.
    pub(crate) fn delete(&self) -> Result<(), LogError> {
        let deleted = self.with(|state| {
            state.is_deleted = true;
            state.log.delete()
        });
        self.changed.wake();
        deleted
    }

    pub(super) fn configure(
        &self,
        settings: NodeLogSettings,
        min_in_sync: usize,
        is_unclean_allowed: bool,
    ) {
        self.with(|state| {
            state.log.set_settings(settings.at(state.replication.leader()).clone());
            state.node_settings = Some(settings).filter(|it| !it.of_nodes.is_empty());
            state.is_unclean_allowed = is_unclean_allowed;
            state.replication.require_in_sync(min_in_sync, state.log.end_offset());
        });
        self.changed.wake();
    }
}

fn report_storage_error(error: &AppendError) {
    if let AppendError::Storage(error) = error {
        tracing::error!(%error, "a marker was not written");
    }
}

#[cfg(test)]
#[path = "partition_tests.rs"]
mod tests;
