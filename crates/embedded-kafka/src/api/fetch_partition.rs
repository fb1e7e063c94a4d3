//! One partition of a fetch: finds its records, checks that this node may serve them, and reads
//! them.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, LeaderIdAndEpoch, PartitionData,
};
use kafka_protocol::messages::{BrokerId, ProducerId};

use super::context::Context;
use crate::log::{AbortedTransactions, BatchHeader, ReadError, Slice};
use crate::metadata::{Partition, PartitionState, READ_COMMITTED, READ_UNCOMMITTED, Topic};

/// The first version with the log's start offset.
const LOG_START_OFFSET: i16 = 5;

/// The first version in which consumers may ask a follower (KIP-392).
const FROM_FOLLOWERS: i16 = 11;

/// The first version that names the current leader.
const CURRENT_LEADER: i16 = 12;

/// The reader: its request and the node that serves it.
pub(super) struct Reader<'a> {
    pub(super) context: &'a Context,
    pub(super) version: i16,
    /// The nodes in the reader's rack, if both have one (KIP-392).
    pub(super) near: Vec<i32>,
    /// The node that the client claims to be, negative for none.
    pub(super) replica: i32,
}

/// One partition of a request.
pub(super) struct Wanted {
    fetch: FetchPartition,
    isolation_level: i8,
    pub(super) partition: Result<Arc<Partition>, ResponseError>,
}

/// The state of a partition at one moment.
struct Located {
    high_watermark: i64,
    last_stable_offset: i64,
    log_start_offset: i64,
    slice: Option<Slice>,
    /// The preferred read replica, that the reader should fetch from instead.
    preferred: Option<i32>,
    /// The aborted transactions, for a reader of committed records.
    aborted: Option<AbortedTransactions>,
}

impl Wanted {
    pub(super) fn new(
        fetch: FetchPartition,
        isolation_level: i8,
        topic: Result<&Arc<Topic>, &ResponseError>,
    ) -> Self {
        let partition = topic.map_err(|error| *error).and_then(|topic| {
            topic.partition(fetch.partition).ok_or(ResponseError::UnknownTopicOrPartition)
        });
        Self { fetch, isolation_level, partition }
    }

    /// Checks that this node may serve the partition: the leader, or from version 11 on any replica
    /// (KIP-392). Every negative epoch means that the client knows none.
    fn check_replica(
        &self,
        state: &PartitionState,
        reader: &Reader<'_>,
    ) -> Result<(), ResponseError> {
        let known = Some(self.fetch.current_leader_epoch).filter(|epoch| *epoch >= 0);
        if reader.replica >= 0 && !state.replication.holds(reader.replica) {
            return Err(ResponseError::NotLeaderOrFollower);
        }
        if reader.version >= FROM_FOLLOWERS {
            return state.check_replica(reader.context.node, known);
        }
        state.check_leader(reader.context.node, known)
    }

    /// Finds the preferred read replica, if it is another node.
    fn preferred_replica(&self, state: &PartitionState, reader: &Reader<'_>) -> Option<i32> {
        state.preferred_replica(reader.context.node, &reader.near, self.fetch.fetch_offset)
    }

    /// Checks that the replica on this node has the offset, or will have it next.
    fn check_offset(&self, state: &PartitionState, node: i32) -> Result<(), ResponseError> {
        let from = self.fetch.fetch_offset;
        if from < state.log.start_offset() || from > state.end_at(node) {
            return Err(ResponseError::OffsetOutOfRange);
        }
        Ok(())
    }

    /// Counts the available bytes. An error makes the response leave at once, and so does `None`,
    /// if the response names a preferred replica.
    pub(super) fn available(&self, reader: &Reader<'_>) -> Result<Option<u64>, ResponseError> {
        let partition = self.partition.as_ref().map_err(|error| *error)?;
        let (from, node) = (self.fetch.fetch_offset, reader.context.node);
        partition.with(|state| {
            self.check_replica(state, reader)?;
            if self.preferred_replica(state, reader).is_some() {
                return Ok(None);
            }
            self.check_offset(state, node)?;
            let end = state.readable_end(node, self.isolation_level);
            Ok(Some(state.log.available_bytes(from, end)))
        })
    }

    fn locate(&self, max_bytes: usize, reader: &Reader<'_>) -> Result<Located, ResponseError> {
        let partition = self.partition.as_ref().map_err(|error| *error)?;
        let node = reader.context.node;
        partition.with(|state| {
            self.check_replica(state, reader)?;
            let preferred = self.preferred_replica(state, reader);
            let slice = if preferred.is_some() {
                None
            } else {
                self.check_offset(state, node)?;
                let end = state.readable_end(node, self.isolation_level);
                let located = state.log.locate(self.fetch.fetch_offset, end, max_bytes);
                located.map_err(|_| ResponseError::OffsetOutOfRange)?
            };
            let is_read_committed = self.isolation_level == READ_COMMITTED;
            Ok(Located {
                high_watermark: state.readable_end(node, READ_UNCOMMITTED),
                last_stable_offset: state.readable_end(node, READ_COMMITTED),
                log_start_offset: state.log.start_offset(),
                slice,
                preferred,
                aborted: is_read_committed.then(|| state.log.aborted_transactions()),
            })
        })
    }
}

/// Reads a partition's records, within the rest of the response's size.
pub(super) async fn read_partition(
    wanted: &Wanted,
    left: &mut usize,
    first: bool,
    reader: &Reader<'_>,
) -> PartitionData {
    let Reader { context, version, .. } = *reader;
    let data = nothing(wanted);
    let of_partition = usize::try_from(wanted.fetch.partition_max_bytes).unwrap_or(0);
    let most = of_partition.min(*left);
    // With nothing left, only the first batch of all may go over the limit.
    let found = if first || *left > 0 {
        locate_and_read(wanted, most, first, reader).await
    } else {
        wanted.locate(most, reader).map(|located| (located, Bytes::new()))
    };
    match found {
        Ok((located, records)) => {
            let records = context.state.fetched.keep_count(records);
            *left = left.saturating_sub(records.len());
            let data = data
                .with_high_watermark(located.high_watermark)
                .with_last_stable_offset(located.last_stable_offset)
                .with_aborted_transactions(
                    located.aborted.map(|all| aborted(&all, wanted.fetch.fetch_offset, &records)),
                )
                .with_preferred_read_replica(BrokerId(located.preferred.unwrap_or(-1)))
                .with_records(Some(records));
            if version >= LOG_START_OFFSET {
                data.with_log_start_offset(located.log_start_offset)
            } else {
                data
            }
        }
        Err(error) => rejected(data, wanted, error, version),
    }
}

/// Builds a partition's response without records, and without the end of its log.
pub(super) fn nothing(wanted: &Wanted) -> PartitionData {
    PartitionData::default()
        .with_partition_index(wanted.fetch.partition)
        .with_records(Some(Bytes::new()))
        .with_aborted_transactions(None)
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
}

/// Lists the aborted transactions among these records, which the reader asked for from `offset` on,
/// so that it skips their records.
fn aborted(all: &AbortedTransactions, offset: i64, records: &[u8]) -> Vec<AbortedTransaction> {
    if records.is_empty() || all.is_empty() {
        return Vec::new();
    }
    let mut batches = records;
    let mut end = offset;
    while let Ok(header) = BatchHeader::parse(batches) {
        end = header.last_offset() + 1;
        batches = batches.get(header.size()..).unwrap_or_default();
    }
    let overlapping = all.overlapping(offset, end).into_iter();
    let wire = overlapping.map(|transaction| {
        AbortedTransaction::default()
            .with_producer_id(ProducerId(transaction.producer_id))
            .with_first_offset(transaction.first_offset)
    });
    wire.collect()
}

/// Returns the state of a partition and its records. An empty result means that there are none: if
/// they moved within the log while they were read, they are located again.
async fn locate_and_read(
    wanted: &Wanted,
    max_bytes: usize,
    at_least_one: bool,
    reader: &Reader<'_>,
) -> Result<(Located, Bytes), ResponseError> {
    loop {
        let mut located = wanted.locate(max_bytes, reader)?;
        let Some(slice) = located.slice.take() else {
            return Ok((located, Bytes::new()));
        };
        match read_slice(slice, at_least_one).await {
            Err(ReadError::Outdated) => {}
            Ok(records) => return Ok((located, records)),
            Err(error) => {
                tracing::error!(%error, "a segment could not be read");
                return Err(ResponseError::KafkaStorageError);
            }
        }
    }
}

/// Reads bytes in the page cache inline, and others on a thread that may wait for the disk: the
/// switch to it and back costs more than the copy of a megabyte.
async fn read_slice(slice: Slice, at_least_one: bool) -> Result<Bytes, ReadError> {
    match slice.read_without_waiting(at_least_one)? {
        Some(records) => Ok(records),
        None => {
            let reading = tokio::task::spawn_blocking(move || slice.read(at_least_one));
            reading.await.map_err(io::Error::other)?
        }
    }
}

pub(super) fn rejected(
    mut data: PartitionData,
    wanted: &Wanted,
    error: ResponseError,
    version: i16,
) -> PartitionData {
    data.error_code = error.code();
    if error == ResponseError::NotLeaderOrFollower
        && version >= CURRENT_LEADER
        && let Ok(partition) = &wanted.partition
    {
        let leadership = partition.leadership();
        data.current_leader = LeaderIdAndEpoch::default()
            .with_leader_id(BrokerId(leadership.leader))
            .with_leader_epoch(leadership.epoch);
    }
    data
}
