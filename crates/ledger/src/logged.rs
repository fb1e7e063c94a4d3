//! The records of a partition's log, with what the transactions around them came to.

use std::collections::HashMap;

use embedded_kafka::{Cluster, Marker, PartitionStanding, ReadLogError};

use crate::books::Sequence;
use crate::content::Content;

/// What a record is to a consumer of committed records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It reads the record: its transaction was committed, or there was none.
    Committed,
    /// It does not get that far before the transaction ends.
    Open,
    /// It skips the record.
    Aborted,
}

/// A record in the log of a partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoggedRecord {
    pub(crate) offset: i64,
    pub(crate) content: Content,
    /// The sequence number, if its producer is idempotent.
    pub(crate) sequence: Option<Sequence>,
    pub(crate) fate: Fate,
}

/// How often a log is read again whose start or end moves in the meantime.
const READ_AGAIN: usize = 5;

/// Reads the log of a partition from its start to its end. It is empty if the topic has been
/// deleted in the meantime.
///
/// # Errors
/// The log cannot be read.
pub(crate) async fn read(
    cluster: &Cluster,
    standing: &PartitionStanding,
) -> Result<Vec<LoggedRecord>, ReadLogError> {
    let mut standing = standing.clone();
    for _ in 0..READ_AGAIN {
        match read_once(cluster, &standing).await {
            Err(ReadLogError::NoSuchPartition { .. }) => return Ok(Vec::new()),
            // Retention has deleted records, or a new leader has truncated the log.
            Err(ReadLogError::OffsetOutOfRange { .. }) => {}
            read => return read,
        }
        let is_same = |it: &PartitionStanding| {
            it.topic == standing.topic && it.partition == standing.partition
        };
        let Some(now) = cluster.partitions().into_iter().find(is_same) else {
            return Ok(Vec::new());
        };
        standing = now;
    }
    read_once(cluster, &standing).await
}

async fn read_once(
    cluster: &Cluster,
    standing: &PartitionStanding,
) -> Result<Vec<LoggedRecord>, ReadLogError> {
    let mut log = Vec::new();
    // The records of open transactions, by their producer ids.
    let mut open: HashMap<i64, Vec<usize>> = HashMap::new();
    let mut next = standing.start_offset;
    while next < standing.end_offset {
        let batches = cluster.read_log(&standing.topic, standing.partition, next).await?;
        let Some(last) = batches.last() else { break };
        next = last.last_offset + 1;
        for batch in &batches {
            if let Some(marker) = batch.marker {
                let fate = match marker {
                    Marker::Commit => Fate::Committed,
                    Marker::Abort => Fate::Aborted,
                };
                for index in open.remove(&batch.producer_id).unwrap_or_default() {
                    let record: &mut LoggedRecord = &mut log[index];
                    record.fate = fate;
                }
            }
            // Retention and DeleteRecords may leave the end of a batch.
            let kept = batch.records.iter().filter(|it| it.offset >= standing.start_offset);
            for record in kept {
                let fate = if batch.is_transactional { Fate::Open } else { Fate::Committed };
                if batch.is_transactional {
                    open.entry(batch.producer_id).or_default().push(log.len());
                }
                log.push(LoggedRecord {
                    offset: record.offset,
                    content: Content::of(record),
                    sequence: Sequence::of(batch, record),
                    fate,
                });
            }
        }
    }
    Ok(log)
}
