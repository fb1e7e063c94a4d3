//! The common part of the topics in which coordinators keep their state.
//!
//! One partition keeps all records of a group or a transactional id. The name of the id decides
//! which one, and that partition's leader is its coordinator.

use std::io;

use kafka_protocol::ResponseError;

use super::Metadata;
use super::new_topic::NewTopic;
use crate::log::{BatchHeader, ReadError};

/// The number of nodes that hold an internal topic, if there are as many
/// (`offsets.topic.replication.factor`, `transaction.state.log.replication.factor`).
const REPLICATION_FACTOR: usize = 3;

/// The number of bytes of a partition that are read at once when a cluster starts.
const REPLAY_BYTES: usize = 1 << 20;

impl Metadata {
    /// Returns the number of nodes that hold an internal topic, unless the user chose another.
    pub(super) fn internal_replication_factor(&self) -> i16 {
        self.nodes.count().min(REPLICATION_FACTOR) as i16
    }

    /// Returns an internal topic, as Kafka creates it by itself.
    pub(super) fn new_internal_topic(
        &self,
        name: &str,
        partitions: i32,
        replication_factor: i16,
        config: &[(&str, &str)],
    ) -> NewTopic {
        let config = config.iter().map(|(name, value)| ((*name).into(), Some((*value).into())));
        NewTopic {
            name: name.into(),
            partitions: Some(partitions),
            replication_factor: Some(replication_factor),
            assignments: Vec::new(),
            config: config.collect(),
        }
    }

    /// Creates an internal topic, if it does not exist.
    ///
    /// # Errors
    /// `COORDINATOR_NOT_AVAILABLE` if that fails; clients ask again after it.
    pub(crate) fn ensure_internal_topic(&self, name: &str) -> Result<(), ResponseError> {
        if self.topic(name).is_some() {
            return Ok(());
        }
        self.create_when_asked_for(name).map(drop).map_err(|rejection| {
            tracing::error!(reason = rejection.message, topic = name, "no topic for a coordinator");
            ResponseError::CoordinatorNotAvailable
        })
    }

    /// Passes on every batch of the wanted partitions of a topic, header first, each partition in
    /// the order in which it was written.
    pub(crate) fn read_internal_topic(
        &self,
        topic: &str,
        is_wanted: impl Fn(i32) -> bool,
        mut visit: impl FnMut(i32, &BatchHeader, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(topic) = self.topic(topic) else {
            return Ok(());
        };
        let partitions = topic.partitions();
        for partition in partitions.iter().filter(|partition| is_wanted(partition.index)) {
            let (mut offset, end) =
                partition.with(|state| (state.log.start_offset(), state.log.end_offset()));
            while offset < end {
                let slice = partition.with(|state| state.log.locate(offset, end, REPLAY_BYTES));
                let read = slice.map_err(io::Error::other)?.map(|slice| slice.read(true));
                let batches = match read {
                    // Compaction has left nothing up to the end.
                    None => break,
                    Some(Ok(batches)) if batches.is_empty() => break,
                    Some(Ok(batches)) => batches,
                    Some(Err(ReadError::Outdated)) => continue,
                    Some(Err(ReadError::Io(error))) => return Err(error),
                    Some(Err(error)) => return Err(io::Error::other(error)),
                };
                offset =
                    visit_batches(&batches, |header, batch| visit(partition.index, header, batch))?;
            }
        }
        Ok(())
    }
}

/// Passes on whole batches. Returns the offset after them.
fn visit_batches(
    mut batches: &[u8],
    mut visit: impl FnMut(&BatchHeader, &[u8]) -> io::Result<()>,
) -> io::Result<i64> {
    let mut next = 0;
    while !batches.is_empty() {
        let header = BatchHeader::parse(batches).map_err(io::Error::other)?;
        let (batch, rest) =
            batches.split_at_checked(header.size()).ok_or(io::ErrorKind::InvalidData)?;
        visit(&header, batch)?;
        next = header.last_offset() + 1;
        batches = rest;
    }
    Ok(next)
}
