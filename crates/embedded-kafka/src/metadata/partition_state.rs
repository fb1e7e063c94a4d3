//! The state of a partition under its lock: its log and its replicas, and what follows from both:
//! which records may be read where, and which are safe.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::replication::{Election, Replication};
use crate::log::{Appended, BatchRejection, Log, LogSettings, Position, ValidBatch};
use crate::time::Timestamp;

/// The isolation level of a reader that wants committed records only (KIP-98).
pub(crate) const READ_COMMITTED: i8 = 1;

/// The isolation level of a reader that wants all records.
pub(crate) const READ_UNCOMMITTED: i8 = 0;

/// The result of an append.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) appended: Appended,
    pub(crate) position: Position,
    /// Tells whether every replica in sync has it.
    pub(crate) is_replicated: bool,
}

/// The settings of a log at the nodes that differ, and at all others. The settings of the leader's
/// node apply.
#[derive(Debug, Clone)]
pub(super) struct NodeLogSettings {
    pub(super) of_all: LogSettings,
    pub(super) of_nodes: BTreeMap<i32, LogSettings>,
}

impl NodeLogSettings {
    pub(super) fn at(&self, leader: Option<i32>) -> &LogSettings {
        leader.and_then(|node| self.of_nodes.get(&node)).unwrap_or(&self.of_all)
    }
}

/// The state of a partition that its lock guards.
#[derive(Debug)]
pub(crate) struct PartitionState {
    pub(crate) log: Log,
    pub(crate) replication: Replication,
    /// Tells whether records may be lost rather than the partition be offline
    /// (`unclean.leader.election.enable`).
    pub(super) is_unclean_allowed: bool,
    /// The log settings of each node, if nodes differ.
    pub(super) node_settings: Option<NodeLogSettings>,
    /// Set when the topic is deleted, for requests that had already found the partition.
    pub(super) is_deleted: bool,
}

impl PartitionState {
    /// Returns the offset that consumers may read up to, exclusive: every replica in sync has the
    /// records before it.
    pub(crate) fn high_watermark(&self) -> i64 {
        self.replication.high_watermark()
    }

    /// Returns the offset that a reader may read up to at `node`, exclusive, by the
    /// `isolation_level` of its request: 0 for everything, 1 for committed records only.
    pub(crate) fn readable_end(&self, node: i32, isolation_level: i8) -> i64 {
        let high_watermark = self.replication.high_watermark_at(node);
        if isolation_level == READ_COMMITTED {
            self.log.last_stable_offset().min(high_watermark)
        } else {
            high_watermark
        }
    }

    /// Returns the end of the log of the replica on `node`.
    pub(crate) fn end_at(&self, node: i32) -> i64 {
        self.replication.end_at(node, self.log.end_offset())
    }

    /// Returns whether an append is safe. `None` while that is not decided.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER` if the leader or its epoch has changed since,
    /// `UNKNOWN_TOPIC_OR_PARTITION` once it is deleted, and `NOT_ENOUGH_REPLICAS_AFTER_APPEND` if
    /// fewer replicas have it than `min.insync.replicas`.
    pub(crate) fn outcome(&self, position: &Position) -> Option<Result<(), ResponseError>> {
        if self.is_deleted {
            return Some(Err(ResponseError::UnknownTopicOrPartition));
        }
        if self.replication.epoch() != position.epoch {
            return Some(Err(ResponseError::NotLeaderOrFollower));
        }
        (self.high_watermark() >= position.end).then(|| {
            if self.replication.meets_min_isr() {
                Ok(())
            } else {
                Err(ResponseError::NotEnoughReplicasAfterAppend)
            }
        })
    }

    /// Returns whether a coordinator's append or read is safe, like [`outcome`](Self::outcome) for
    /// records. Below the high watermark it is, even if fewer replicas are in sync since; while too
    /// few are in sync, it will not become safe.
    pub(crate) fn coordinator_outcome(
        &self,
        position: &Position,
    ) -> Option<Result<(), ResponseError>> {
        match self.outcome(position) {
            Some(Err(ResponseError::NotEnoughReplicasAfterAppend)) => Some(Ok(())),
            None if !self.replication.meets_min_isr() => {
                Some(Err(ResponseError::NotEnoughReplicas))
            }
            outcome => outcome,
        }
    }

    /// Appends a batch as `node`; see [`Partition::append`].
    pub(super) fn append(
        &mut self,
        node: i32,
        acks: i16,
        batch: &ValidBatch,
        now: Timestamp,
    ) -> Result<Written, BatchRejection> {
        self.check_leader(node, None)?;
        if acks == -1 {
            self.check_in_sync()?;
        }
        let epoch = self.replication.epoch();
        let appended = self.log.append(batch, epoch, now).map_err(BatchRejection::from)?;
        self.replication.appended(self.log.end_offset());
        let position = Position { end: appended.last_offset + 1, epoch };
        let is_replicated = self.high_watermark() >= position.end;
        Ok(Written { appended, position, is_replicated })
    }

    /// Returns whether enough replicas are in sync for acks=all.
    pub(super) fn check_in_sync(&self) -> Result<(), ResponseError> {
        if self.replication.meets_min_isr() {
            return Ok(());
        }
        Err(ResponseError::NotEnoughReplicas)
    }

    /// Returns whether `node` leads, at the epoch that the client knows, if it knows one.
    ///
    /// # Errors
    /// As in KIP-320: `FENCED_LEADER_EPOCH` for an older epoch, `UNKNOWN_LEADER_EPOCH` for a newer.
    /// `NOT_LEADER_OR_FOLLOWER` at another node, `UNKNOWN_TOPIC_OR_PARTITION` once it is deleted.
    pub(crate) fn check_leader(&self, node: i32, known: Option<i32>) -> Result<(), ResponseError> {
        self.check_epoch(known)?;
        if self.replication.is_led_by(node) {
            return Ok(());
        }
        Err(ResponseError::NotLeaderOrFollower)
    }

    /// Returns whether `node` leads or follows, so that consumers may read its records there.
    ///
    /// # Errors
    /// As [`check_leader`](Self::check_leader).
    pub(crate) fn check_replica(&self, node: i32, known: Option<i32>) -> Result<(), ResponseError> {
        self.check_epoch(known)?;
        if self.replication.holds(node) {
            return Ok(());
        }
        Err(ResponseError::NotLeaderOrFollower)
    }

    /// Returns the preferred read replica from `offset` on, if `node` leads and one that is `near`
    /// the reader has the offset; see [`Replication::preferred_replica`].
    pub(crate) fn preferred_replica(&self, node: i32, near: &[i32], offset: i64) -> Option<i32> {
        if near.is_empty() || offset < self.log.start_offset() || !self.replication.is_led_by(node)
        {
            return None;
        }
        self.replication.preferred_replica(near, offset, self.log.end_offset())
    }

    /// Makes the elected node the leader, with its own log: the rest is truncated, and lost.
    pub(super) fn elect(&mut self, index: i32, election: Election) {
        let election = match election {
            Election::Clean if self.is_unclean_allowed => Election::Unclean,
            other => other,
        };
        let Some(node) = self.replication.candidate(election) else {
            return;
        };
        if let Err(error) = self.log.truncate_to(self.end_at(node)) {
            tracing::error!(%error, index, node, "no new leader: its log could not be cut");
            return;
        }
        self.replication.lead(node, self.log.end_offset());
        if let Some(settings) = &self.node_settings {
            self.log.set_settings(settings.at(Some(node)).clone());
        }
    }

    fn check_epoch(&self, known: Option<i32>) -> Result<(), ResponseError> {
        let epoch = self.replication.epoch();
        match known {
            _ if self.is_deleted => Err(ResponseError::UnknownTopicOrPartition),
            Some(known) if known < epoch => Err(ResponseError::FencedLeaderEpoch),
            Some(known) if known > epoch => Err(ResponseError::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }
}
