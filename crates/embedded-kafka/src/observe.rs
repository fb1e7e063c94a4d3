//! Looking at a running cluster from inside the process: its calls, the records in its logs, and
//! what its groups have committed. No request is sent for it, so it works while nodes are down.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::ApiKey;

use crate::cluster::Cluster;
use crate::inspect::Inspection;
use crate::inspected_call::InspectedCall;
use crate::log::ReadError;
use crate::metadata::{Partition, Topic, names};
use crate::record_batch::{RecordBatch, UnreadableBatch};

/// The number of bytes of a log that are read at once.
const READ_AT_ONCE: usize = 1 << 20;

/// An error of reading a partition's log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadLogError {
    /// The partition does not exist, or not any more.
    #[error("there is no partition {topic}/{partition}: see Cluster::partitions")]
    NoSuchPartition {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// The log begins after this offset, or ends before it.
    #[error("{topic}/{partition} has no offset {offset}: see PartitionStanding")]
    OffsetOutOfRange {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
    },
    /// The files of the log cannot be read.
    #[error("the log of {topic}/{partition} cannot be read: {reason}")]
    Storage {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The reason.
        reason: String,
    },
    /// A batch cannot be decoded.
    #[error(transparent)]
    Batch(#[from] UnreadableBatch),
}

/// A partition with the state of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStanding {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The node that leads it. `None` while there is none: it was killed, and the others have not
    /// noticed yet, or no replica can take over.
    pub leader: Option<i32>,
    /// The number of changes of its leader.
    pub leader_epoch: i32,
    /// The in-sync replicas (ISR).
    pub in_sync: Vec<i32>,
    /// The offset of the first record that retention and `DeleteRecords` have left.
    pub start_offset: i64,
    /// The offset that the next record will get. While a killed leader has no successor, the log
    /// still has the records that only this leader had.
    pub end_offset: i64,
    /// The offset below which consumers read.
    pub high_watermark: i64,
    /// Tells whether `cleanup.policy` includes `compact`.
    pub is_compacted: bool,
}

/// An offset that a group has committed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommittedOffset {
    /// The group's id.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next offset to read.
    pub offset: i64,
}

impl Cluster {
    /// Calls `look` with each call from now on, right before its response is sent, until the
    /// returned [`Inspection`] is dropped.
    ///
    /// The closure runs on a thread of the cluster, which handles no other request in the meantime:
    /// it must not block. It may run on several threads at once. If it panics, it is removed, and
    /// the call continues.
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use embedded_kafka::messages::ProduceRequest;
    /// use embedded_kafka::{CallOutcome, Cluster};
    ///
    /// # async fn example() -> Result<(), embedded_kafka::StartError> {
    /// let cluster = Cluster::builder().start().await?;
    /// let (seen, calls) = mpsc::channel();
    /// let inspection = cluster.inspect(move |call| {
    ///     let acks = call.request::<ProduceRequest>().map(|request| request.acks);
    ///     let is_lost = *call.outcome() == CallOutcome::ResponseDropped;
    ///     // The receiver may be gone already.
    ///     let _ = seen.send((call.api_name(), call.client_id().to_owned(), acks, is_lost));
    /// });
    /// // Run the client under test here.
    /// drop(inspection);
    /// for (api, client, acks, is_lost) in calls {
    ///     println!("{client}: {api} acks={acks:?} response dropped: {is_lost}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn inspect(&self, look: impl Fn(&InspectedCall) + Send + Sync + 'static) -> Inspection {
        self.state().inspections.install(None, Box::new(look))
    }

    /// Calls `look` with each call of these APIs, as [`inspect`](Self::inspect) does. Calls of
    /// other APIs are not copied.
    pub fn inspect_apis(
        &self,
        apis: &[ApiKey],
        look: impl Fn(&InspectedCall) + Send + Sync + 'static,
    ) -> Inspection {
        self.state().inspections.install(Some(apis.to_vec()), Box::new(look))
    }

    /// Returns the partitions of all topics but the internal ones, by topic and number.
    pub fn partitions(&self) -> Vec<PartitionStanding> {
        let mut topics = self.state().metadata.topics();
        topics.retain(|topic| !names::is_internal(&topic.name));
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        let all = topics.iter().flat_map(|topic| {
            topic.partitions().iter().map(|it| standing_of(topic, it)).collect::<Vec<_>>()
        });
        all.collect()
    }

    /// Reads about 1 MiB of batches from the one that holds `offset` on, up to the end of its
    /// segment at most: read on from the last offset + 1. An empty result means that there are no
    /// more. Records that are not replicated yet, or belong to an open or an aborted transaction,
    /// are among them.
    ///
    /// # Errors
    /// [`ReadLogError::NoSuchPartition`]; [`ReadLogError::OffsetOutOfRange`] if the offset was
    /// deleted or not written yet; the rest if the log is damaged.
    pub async fn read_log(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Vec<RecordBatch>, ReadLogError> {
        let found = self.state().metadata.partition(topic, partition);
        let found = found.map_err(|_| {
            let topic = topic.to_owned();
            ReadLogError::NoSuchPartition { topic, partition }
        })?;
        let topic = topic.to_owned();
        // Reading may wait for the disk.
        let reading = self.running().runtime.spawn_blocking(move || {
            let bytes = read(&found, &topic, offset)?;
            Ok(RecordBatch::decode_all(&bytes)?)
        });
        reading.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Returns the offsets that all groups have committed, by group, topic and partition. Offsets
    /// of open transactions are not among them.
    pub fn committed_offsets(&self) -> Vec<CommittedOffset> {
        let groups = &self.state().groups;
        let mut all = Vec::new();
        for group in groups.list().into_iter().map(|listed| listed.group) {
            for (topic, partitions) in groups.fetch_offsets(&group, None, false) {
                for (partition, fetched) in partitions {
                    let Ok(Some(committed)) = fetched else { continue };
                    let (group, topic) = (group.clone(), topic.clone());
                    all.push(CommittedOffset { group, topic, partition, offset: committed.offset });
                }
            }
        }
        all.sort_by(|one, other| {
            let key = |it: &CommittedOffset| (it.group.clone(), it.topic.clone(), it.partition);
            key(one).cmp(&key(other))
        });
        all
    }
}

fn standing_of(topic: &Arc<Topic>, partition: &Arc<Partition>) -> PartitionStanding {
    partition.with(|state| PartitionStanding {
        topic: topic.name.to_string(),
        partition: partition.index,
        leader: state.replication.leader().filter(|node| state.replication.is_led_by(*node)),
        leader_epoch: state.replication.epoch(),
        in_sync: state.replication.leadership().in_sync,
        start_offset: state.log.start_offset(),
        end_offset: state.log.end_offset(),
        high_watermark: state.high_watermark(),
        is_compacted: state.log.settings().compacted,
    })
}

/// Reads whole batches. They are located again if they moved within the log in the meantime.
fn read(partition: &Partition, topic: &str, offset: i64) -> Result<Bytes, ReadLogError> {
    let (topic, partition_index) = (topic.to_owned(), partition.index);
    loop {
        let located = partition.with(|it| it.log.locate(offset, i64::MAX, READ_AT_ONCE));
        let Ok(located) = located else {
            let partition = partition_index;
            return Err(ReadLogError::OffsetOutOfRange { topic, partition, offset });
        };
        let Some(slice) = located else { return Ok(Bytes::new()) };
        match slice.read(true) {
            Ok(bytes) => return Ok(bytes),
            Err(ReadError::Outdated) => {}
            Err(error) => {
                let (partition, reason) = (partition_index, error.to_string());
                return Err(ReadLogError::Storage { topic, partition, reason });
            }
        }
    }
}
