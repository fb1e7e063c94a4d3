//! Measures how far behind a group is, partition by partition.
//!
//! Four offsets matter, and each tells something else:
//!
//! | Offset | Who knows it | What it is |
//! |---|---|---|
//! | committed | the group's coordinator | where the group resumes after a restart |
//! | position | the consumer alone | the offset of its next record |
//! | last stable offset | the partition's leader | where a `read_committed` consumer ends |
//! | high watermark | the partition's leader | where any consumer ends |
//!
//! A lag is a distance between two of them, not a count of records: transaction markers take
//! offsets, and so do aborted, compacted and deleted records. Reading them needs no membership in
//! the group, so a group without consumers has a lag too.

use std::fmt;

use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::config::client_config;
use crate::connection::{Deadline, MetadataClient, blocking};
use crate::metadata::describe_with;
use crate::{Error, TopicMetadata};

/// The lag of a group in a topic. `Display` prints an aligned table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLag {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// Its partitions, in the order of their numbers.
    pub partitions: Vec<PartitionLag>,
}

/// The lag of a group in one partition. All numbers are offsets, or distances between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionLag {
    /// The partition's number, from 0.
    pub partition: i32,
    /// The next offset to read, as the group has committed it; `None` if it never has.
    pub committed: Option<i64>,
    /// The next offset to read, as a consumer passed it to [`GroupLag::with_positions`].
    pub position: Option<i64>,
    /// The first and last offsets of the partition; `None` while it has no leader.
    pub range: Option<OffsetRange>,
}

/// The first offset of a partition, and its two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    /// The offset of the first record that is still stored (Kafka's log start offset).
    pub low: i64,
    /// The end for a `read_committed` consumer: the offset of the oldest record whose transaction
    /// is open, or the high watermark if none is (KIP-98).
    pub last_stable: i64,
    /// The end for a `read_uncommitted` consumer: all in-sync replicas have what is below it.
    pub high: i64,
}

impl PartitionLag {
    /// Returns the lag that `kafka-consumer-groups --describe` prints: high watermark − committed
    /// offset.
    ///
    /// It counts offsets, including records of open transactions and those deleted since. It is
    /// `None`, which that tool prints as `-`, if nothing was committed. It is negative if the
    /// committed offset is beyond the end, as after a topic was deleted and created again.
    pub fn lag(&self) -> Option<i64> {
        Some(self.range?.high - self.committed?)
    }

    /// Returns how many records a `read_committed` consumer can still read, at most: the offsets
    /// from its position up to the last stable offset. Without a position it is what it would read
    /// after a restart: from the committed offset, or else from the first record.
    ///
    /// At 0 there is nothing more to read now. It is `None` while the partition has no leader.
    pub fn readable(&self) -> Option<i64> {
        let OffsetRange { low, last_stable, .. } = self.range?;
        let next = self.position.or(self.committed).unwrap_or(low).max(low);
        Some((last_stable - next).max(0))
    }

    /// Returns how many offsets were deleted, by retention for example, before the group read them.
    ///
    /// It is `None` if nothing was committed, or while the partition has no leader.
    pub fn lost(&self) -> Option<i64> {
        Some((self.range?.low - self.committed?).max(0))
    }
}

impl GroupLag {
    /// Returns the sum over the partitions of [`PartitionLag::lag`], without those where it is
    /// unknown; `None` if it is unknown in all.
    pub fn lag(&self) -> Option<i64> {
        self.partitions.iter().filter_map(PartitionLag::lag).reduce(|sum, lag| sum + lag)
    }

    /// Returns the sum over the partitions of [`PartitionLag::readable`].
    pub fn readable(&self) -> i64 {
        self.partitions.iter().filter_map(PartitionLag::readable).sum()
    }

    /// Adds the positions of a consumer, which only the consumer itself knows. Partitions from
    /// which it has read nothing yet have none.
    ///
    /// # Errors
    /// [`Error::Kafka`] if the client does not return them.
    pub fn with_positions<C: ConsumerContext>(
        mut self,
        consumer: &impl Consumer<C>,
    ) -> Result<Self, Error> {
        let positions = consumer.position()?;
        for partition in &mut self.partitions {
            partition.position = offset_in(&positions, &self.topic, partition.partition);
        }
        Ok(self)
    }
}

/// Measures how far behind `group` is in `topic`: asks the coordinator for the committed offsets,
/// and each partition's leader for its ends.
///
/// The offsets are read one after the other, while others write and commit: first the last stable
/// offsets, then the committed offsets, then the high watermarks, so that a lag is too large rather
/// than negative. It takes two clients, since a leader returns only the end for the client's
/// `isolation.level`, and a few round trips, however many partitions there are.
///
/// # Errors
/// [`Error::UnknownTopic`] if the topic does not exist, [`Error::NotAuthorized`] if this user may
/// not see it, and [`Error::Setting`] for an empty group. Within five seconds:
/// [`Error::NoResponse`] if no broker responds, and [`Error::BrokerTimedOut`] if a leader or the
/// group's coordinator does not. An unknown group is no error: it has committed nothing.
pub async fn group_lag(brokers: &str, group: &str, topic: &str) -> Result<GroupLag, Error> {
    if group.is_empty() {
        let reason = "a group needs a name".to_owned();
        return Err(Error::Setting { key: "group.id".to_owned(), reason });
    }
    let config = client_config(brokers)?;
    let (group, topic, deadline) = (group.to_owned(), topic.to_owned(), Deadline::start());
    blocking(move || {
        let committed_reader = [("group.id", &*group), ("isolation.level", "read_committed")];
        let stable = MetadataClient::with(&config, &committed_reader, deadline)?;
        let any_reader = [("isolation.level", "read_uncommitted")];
        let all = MetadataClient::with(&config, &any_reader, deadline)?;
        let described = describe_with(&stable, &topic)?;
        let committed = stable.committed(&group, partitions_of(&described))?;
        let partitions = combined(&committed, &described, &describe_with(&all, &topic)?);
        Ok(GroupLag { group, topic, partitions })
    })
    .await
}

fn partitions_of(topic: &TopicMetadata) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in &topic.partitions {
        list.add_partition(&topic.name, partition.id);
    }
    list
}

fn combined(
    committed: &TopicPartitionList,
    stable: &TopicMetadata,
    all: &TopicMetadata,
) -> Vec<PartitionLag> {
    let name = &stable.name;
    let pairs = stable.partitions.iter().zip(&all.partitions);
    let lags = pairs.map(|(stable, all)| {
        let range = stable.watermarks.zip(all.watermarks).map(|(stable, all)| OffsetRange {
            low: all.low,
            last_stable: stable.high,
            high: all.high,
        });
        let committed = offset_in(committed, name, stable.id);
        PartitionLag { partition: stable.id, committed, position: None, range }
    });
    lags.collect()
}

/// Returns the offset of a partition in a list, if it is a number. An offset that was never
/// committed is not, nor is a position before the first record.
fn offset_in(list: &TopicPartitionList, topic: &str, partition: i32) -> Option<i64> {
    match list.find_partition(topic, partition)?.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

impl fmt::Display for GroupLag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["partition", "committed", "position", "low", "stable", "high", "lag"];
        write_row(out, &heading.map(str::to_owned))?;
        for partition in &self.partitions {
            let or_dash = |offset: Option<i64>| offset.map_or("-".to_owned(), |it| it.to_string());
            let range = partition.range;
            writeln!(out)?;
            let cells = [
                partition.partition.to_string(),
                or_dash(partition.committed),
                or_dash(partition.position),
                or_dash(range.map(|it| it.low)),
                or_dash(range.map(|it| it.last_stable)),
                or_dash(range.map(|it| it.high)),
                or_dash(partition.lag()),
            ];
            write_row(out, &cells)?;
        }
        Ok(())
    }
}

fn write_row(out: &mut fmt::Formatter<'_>, cells: &[String; 7]) -> fmt::Result {
    let [partition, offsets @ ..] = cells;
    write!(out, "{partition:>9}")?;
    offsets.iter().try_for_each(|offset| write!(out, "  {offset:>9}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_TRANSACTION: OffsetRange = OffsetRange { low: 6, last_stable: 12, high: 20 };

    fn lag(committed: Option<i64>, position: Option<i64>) -> PartitionLag {
        PartitionLag { partition: 0, committed, position, range: Some(OPEN_TRANSACTION) }
    }

    #[test]
    fn the_lag_goes_to_the_high_watermark_and_what_is_readable_to_the_last_stable_offset() {
        assert_eq!(lag(Some(10), None).lag(), Some(10));
        assert_eq!(lag(Some(10), None).readable(), Some(2));
        assert_eq!(lag(Some(10), Some(12)).lag(), Some(10));
        assert_eq!(lag(Some(10), Some(12)).readable(), Some(0));
    }

    #[test]
    fn deleted_records_are_lag_and_cannot_be_read() {
        assert_eq!(lag(Some(0), None).lag(), Some(20));
        assert_eq!(lag(Some(0), None).readable(), Some(6));
        assert_eq!(lag(Some(0), None).lost(), Some(6));
        assert_eq!(lag(Some(7), None).lost(), Some(0));
    }

    #[test]
    fn where_nothing_was_committed_the_lag_is_unknown_and_all_can_be_read() {
        assert_eq!(lag(None, None).lag(), None);
        assert_eq!(lag(None, None).readable(), Some(6));
        let (group, topic) = ("boards".to_owned(), "delays".to_owned());
        let partitions = vec![lag(None, None), lag(Some(19), None)];
        let group = GroupLag { group, topic, partitions };
        assert_eq!((group.lag(), group.readable()), (Some(1), 6));
    }

    #[test]
    fn a_commit_beyond_the_end_is_a_negative_lag_and_nothing_to_read() {
        assert_eq!(lag(Some(25), None).lag(), Some(-5));
        assert_eq!(lag(Some(25), None).readable(), Some(0));
    }

    #[test]
    fn a_lag_prints_as_an_aligned_table() {
        let (group, topic) = ("boards".to_owned(), "delays".to_owned());
        let leaderless =
            PartitionLag { partition: 1, committed: Some(3), position: None, range: None };
        let partitions = vec![lag(Some(10), Some(12)), leaderless];
        let table = [
            "partition  committed   position        low     stable       high        lag",
            "        0         10         12          6         12         20         10",
            "        1          3          -          -          -          -          -",
        ];
        assert_eq!(GroupLag { group, topic, partitions }.to_string(), table.join("\n"));
    }
}
