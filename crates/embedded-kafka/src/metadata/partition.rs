//! A partition: its log, who leads it, and who waits for it to grow.
//!
//! The log is stored once. Each replica is a position in it, and as long as nothing disturbs them
//! the followers have all that the leader has: the high watermark is the log's end.

use kafka_protocol::ResponseError;
use parking_lot::Mutex;

use crate::log::{Appended, Log, LogError, LogSettings, Rejection, ValidBatch};
use crate::time::Timestamp;
use crate::wait::Watch;

/// Who leads a partition, and who follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// The node that reads and writes go to.
    pub(crate) leader: i32,
    /// Counts the changes of leader (KIP-101).
    pub(crate) epoch: i32,
    /// All nodes that hold the partition, the preferred leader first.
    pub(crate) replicas: Vec<i32>,
    /// The replicas that have everything up to the high watermark (ISR).
    pub(crate) in_sync: Vec<i32>,
}

/// One partition of a topic.
#[derive(Debug)]
pub(crate) struct Partition {
    /// Its number within the topic, from 0.
    pub(crate) index: i32,
    state: Mutex<PartitionState>,
    /// Woken when the log has grown, or is gone.
    pub(crate) changed: Watch,
}

/// What may change of a partition, under its lock.
#[derive(Debug)]
pub(crate) struct PartitionState {
    pub(crate) log: Log,
    pub(crate) leadership: Leadership,
    /// The least number of replicas in sync that acks=all asks for (`min.insync.replicas`).
    min_in_sync: usize,
    /// Set when the topic is deleted, for requests that had already found the partition.
    is_deleted: bool,
}

impl Leadership {
    /// The replicas that do not have everything, because their nodes are gone.
    pub(crate) fn offline(&self) -> impl Iterator<Item = i32> {
        self.replicas.iter().copied().filter(|node| !self.in_sync.contains(node))
    }
}

impl PartitionState {
    /// What consumers may read up to, exclusive: what every replica in sync has.
    pub(crate) fn high_watermark(&self) -> i64 {
        self.log.end_offset()
    }

    /// Whether `node` leads, at the epoch that the client knows of, if it knows one.
    ///
    /// # Errors
    /// As in KIP-320: `FENCED_LEADER_EPOCH` for an older epoch, `UNKNOWN_LEADER_EPOCH` for a newer.
    /// `NOT_LEADER_OR_FOLLOWER` at another node, `UNKNOWN_TOPIC_OR_PARTITION` once it is deleted.
    pub(crate) fn check_leader(&self, node: i32, known: Option<i32>) -> Result<(), ResponseError> {
        self.check_epoch(known)?;
        if self.leadership.leader == node {
            return Ok(());
        }
        Err(ResponseError::NotLeaderOrFollower)
    }

    /// Whether `node` leads, or follows and is in sync, so that it has all that consumers may read.
    ///
    /// # Errors
    /// As [`check_leader`](Self::check_leader).
    pub(crate) fn check_replica(&self, node: i32, known: Option<i32>) -> Result<(), ResponseError> {
        self.check_epoch(known)?;
        if self.leadership.in_sync.contains(&node) {
            return Ok(());
        }
        Err(ResponseError::NotLeaderOrFollower)
    }

    fn check_epoch(&self, known: Option<i32>) -> Result<(), ResponseError> {
        let epoch = self.leadership.epoch;
        match known {
            _ if self.is_deleted => Err(ResponseError::UnknownTopicOrPartition),
            Some(known) if known < epoch => Err(ResponseError::FencedLeaderEpoch),
            Some(known) if known > epoch => Err(ResponseError::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }
}

impl Partition {
    pub(crate) fn new(index: i32, leadership: Leadership, log: Log, min_in_sync: usize) -> Self {
        let state = PartitionState { log, leadership, min_in_sync, is_deleted: false };
        Self { index, state: Mutex::new(state), changed: Watch::default() }
    }

    /// Looks at the partition, or changes it, under its lock. Never across an await.
    pub(crate) fn with<T>(&self, action: impl FnOnce(&mut PartitionState) -> T) -> T {
        action(&mut self.state.lock())
    }

    pub(crate) fn leadership(&self) -> Leadership {
        self.with(|state| state.leadership.clone())
    }

    /// Appends a batch as `node`, the leader, and wakes who waits for it.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER` at another node, `NOT_ENOUGH_REPLICAS` for acks=all (-1) while
    /// fewer are in sync than `min.insync.replicas`, and what the log refuses.
    pub(crate) fn append(
        &self,
        node: i32,
        acks: i16,
        batch: &ValidBatch,
        now: Timestamp,
    ) -> Result<Appended, Rejection> {
        let appended = self.with(|state| {
            state.check_leader(node, None)?;
            if acks == -1 && state.leadership.in_sync.len() < state.min_in_sync {
                return Err(ResponseError::NotEnoughReplicas.into());
            }
            let epoch = state.leadership.epoch;
            state.log.append(batch, epoch, now).map_err(Rejection::from)
        })?;
        self.changed.wake();
        Ok(appended)
    }

    /// Removes the log. Whoever waits for it is woken and told that it is gone.
    pub(crate) fn delete(&self) -> Result<(), LogError> {
        let deleted = self.with(|state| {
            state.is_deleted = true;
            state.log.delete()
        });
        self.changed.wake();
        deleted
    }

    pub(crate) fn configure(&self, settings: LogSettings, min_in_sync: usize) {
        self.with(|state| {
            state.log.set_settings(settings);
            state.min_in_sync = min_in_sync;
        });
    }
}
