//! How far behind a group is, partition by partition, asked of the cluster.
//!
//! Four offsets say it, and each answers another question:
//!
//! | Offset | Who knows it | What it is |
//! |---|---|---|
//! | committed | the group's coordinator | where the group goes on after a restart |
//! | position | the consumer alone | what its next record is read from |
//! | last stable offset | the partition's leader | where a `read_committed` consumer ends |
//! | high watermark | the partition's leader | where any consumer ends |
//!
//! A lag is a distance between two of them, and not a count of records: the markers of transactions
//! take offsets, and so do aborted, compacted and deleted records. Asking needs no member of the
//! group, so that a group without consumers has a lag too; it joins nothing and commits nothing.

use std::fmt;

use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::config::client_config;
use crate::connection::{Deadline, MetadataClient, blocking};
use crate::metadata::describe_with;
use crate::{Error, TopicMetadata};

/// How far behind a group is in a topic. `Display` prints an aligned table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLag {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// Its partitions, in the order of their numbers.
    pub partitions: Vec<PartitionLag>,
}

/// How far behind a group is in one partition. All numbers are offsets, or distances between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionLag {
    /// The partition's number, from 0.
    pub partition: i32,
    /// The next offset to read, as the group has committed it; `None` where it never has.
    pub committed: Option<i64>,
    /// The next offset to read, as a consumer told it to [`GroupLag::with_positions`].
    pub position: Option<i64>,
    /// Where the partition begins and ends; `None` while nobody leads it.
    pub range: Option<OffsetRange>,
}

/// Where a partition begins, and its two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    /// The offset of the first record that is still there (Kafka's log start offset).
    pub low: i64,
    /// Where a `read_committed` consumer ends: the offset of the oldest record whose transaction
    /// is open, or the high watermark where none is (KIP-98).
    pub last_stable: i64,
    /// Where a `read_uncommitted` consumer ends: what is below is on all in-sync replicas.
    pub high: i64,
}

impl PartitionLag {
    /// The lag that `kafka-consumer-groups --describe` prints: high watermark − committed offset.
    ///
    /// It counts offsets, records of open transactions too, and those that were deleted since.
    /// `None`, which that tool prints as `-`, where nothing was committed. Negative where more was
    /// committed than there is, as after a topic was created anew.
    pub fn lag(&self) -> Option<i64> {
        Some(self.range?.high - self.committed?)
    }

    /// How many records can still come to a `read_committed` consumer, at the most: the offsets
    /// from its position up to the last stable offset. Without a position it is what would come
    /// after a restart: from the committed offset, or else from the first record.
    ///
    /// At 0 there is nothing more to read now. `None` while nobody leads the partition.
    pub fn readable(&self) -> Option<i64> {
        let OffsetRange { low, last_stable, .. } = self.range?;
        let next = self.position.or(self.committed).unwrap_or(low).max(low);
        Some((last_stable - next).max(0))
    }

    /// How many offsets were deleted, by retention for example, before the group had read them.
    ///
    /// `None` where nothing was committed, or while nobody leads the partition.
    pub fn lost(&self) -> Option<i64> {
        Some((self.range?.low - self.committed?).max(0))
    }
}

impl GroupLag {
    /// The sum over the partitions of [`PartitionLag::lag`], those left out where it is unknown;
    /// `None` where it is unknown in all.
    pub fn lag(&self) -> Option<i64> {
        self.partitions.iter().filter_map(PartitionLag::lag).reduce(|sum, lag| sum + lag)
    }

    /// The sum over the partitions of [`PartitionLag::readable`].
    pub fn readable(&self) -> i64 {
        self.partitions.iter().filter_map(PartitionLag::readable).sum()
    }

    /// Adds the positions of a consumer, which nobody else knows. Partitions from which it has
    /// read nothing yet have none.
    ///
    /// # Errors
    /// [`Error::Kafka`] where the client does not tell.
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

/// Asks how far behind `group` is in `topic`: the coordinator for what is committed, then each
/// partition's leader for its ends.
///
/// The offsets are read one after the other, while others write and commit: first the last stable
/// offsets, then what is committed, then the high watermarks, so that a lag is rather too large than
/// negative. It takes two clients, since a leader tells a client only the end that suits its
/// `isolation.level`, and a few round trips, however many partitions there are.
///
/// # Errors
/// [`Error::UnknownTopic`] where there is no such topic, [`Error::NotAuthorized`] where this user
/// may not see it, and [`Error::Setting`] for an empty group. Within five seconds:
/// [`Error::NoResponse`] where no broker answers, and [`Error::BrokerTimedOut`] where a leader or the
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

/// The offset of a partition in a list, where it is a number. What was never committed, and the
/// position before the first record, are not.
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
