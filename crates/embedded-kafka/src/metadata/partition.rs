//! A partition: its log, who leads it, and who waits for it to grow.
//!
//! The log is stored once. Each replica is a position in it, and as long as nothing disturbs them
//! the followers have all that the leader has: the high watermark is the log's end.

use kafka_protocol::ResponseError;
use parking_lot::Mutex;

use crate::log::{
    AppendError, Appended, EndTransactionMarker, Log, LogError, LogSettings, Rejection,
    TransactionStanding, ValidBatch,
};
use crate::time::Timestamp;
use crate::wait::Watch;

/// The isolation level of a reader that wants committed records only (KIP-98).
pub(crate) const READ_COMMITTED: i8 = 1;

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

    /// What readers of committed records may read up to, exclusive: below it no transaction is open.
    pub(crate) fn last_stable_offset(&self) -> i64 {
        self.log.last_stable_offset().min(self.high_watermark())
    }

    /// What a reader may read up to, exclusive, by the `isolation_level` of its request: 0 for
    /// everything, 1 for committed records only.
    pub(crate) fn readable_end(&self, isolation_level: i8) -> i64 {
        if isolation_level == READ_COMMITTED {
            self.last_stable_offset()
        } else {
            self.high_watermark()
        }
    }

    /// Appends a batch as `node`; see [`Partition::append`].
    fn append(
        &mut self,
        node: i32,
        acks: i16,
        batch: &ValidBatch,
        now: Timestamp,
    ) -> Result<Appended, Rejection> {
        self.check_leader(node, None)?;
        if acks == -1 {
            self.check_in_sync()?;
        }
        let epoch = self.leadership.epoch;
        self.log.append(batch, epoch, now).map_err(Rejection::from)
    }

    /// Whether as many replicas are in sync as acks=all asks for.
    fn check_in_sync(&self) -> Result<(), ResponseError> {
        if self.leadership.in_sync.len() < self.min_in_sync.min(self.leadership.replicas.len()) {
            return Err(ResponseError::NotEnoughReplicas);
        }
        Ok(())
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
        let appended = self.with(|state| state.append(node, acks, batch, now))?;
        self.changed.wake();
        Ok(appended)
    }

    /// Appends a batch that belongs to a transaction, as [`append`](Self::append) does. Unless the
    /// transaction is open here already, `verify` asks its coordinator first whether the partition
    /// takes part in it (KIP-890): a batch that arrives after the marker would open a transaction
    /// that nobody ends.
    ///
    /// The coordinator is asked without the lock, because it appends markers while it holds its own.
    /// A marker that came in between makes the answer worthless, and it is asked again.
    ///
    /// # Errors
    /// As `append`, and what `verify` answers.
    pub(crate) fn append_transactional(
        &self,
        node: i32,
        acks: i16,
        batch: &ValidBatch,
        now: Timestamp,
        verify: impl Fn() -> Result<(), ResponseError>,
    ) -> Result<Appended, Rejection> {
        let header = batch.header();
        let mut verified = None;
        loop {
            let (standing, appended) = self.with(|state| {
                let standing =
                    state.log.transaction_standing(header.producer_id, header.producer_epoch);
                let is_known = standing == TransactionStanding::Open || verified == Some(standing);
                let appended = is_known.then(|| state.append(node, acks, batch, now));
                (standing, appended)
            });
            if let Some(appended) = appended {
                let appended = appended?;
                self.changed.wake();
                return Ok(appended);
            }
            verify()?;
            verified = Some(standing);
        }
    }

    /// Ends a producer's transaction in this partition, wherever its leader is, and wakes who waits
    /// for committed records.
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
    ) -> Result<(), ResponseError> {
        let marker = EndTransactionMarker { commit, coordinator_epoch };
        self.with(|state| {
            state.check_epoch(None)?;
            state.check_in_sync()?;
            let epoch = state.leadership.epoch;
            state
                .log
                .append_marker(producer_id, producer_epoch, marker, epoch, now)
                .inspect_err(report_storage_error)
                .map_err(|error| error.code())
        })?;
        self.changed.wake();
        Ok(())
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

fn report_storage_error(error: &AppendError) {
    if let AppendError::Storage(error) = error {
        tracing::error!(%error, "a marker was not written");
    }
}

#[cfg(test)]
#[path = "partition_tests.rs"]
mod tests;
