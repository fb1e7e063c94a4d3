//! Reads records as a member of a group.
//!
//! You get rdkafka's own consumer: you subscribe, poll and seek with its methods. You store a
//! record after processing it ([`store_processed`](crate::store_processed)), and commit what is
//! stored ([`commit_stored`](crate::commit_stored)). Dropping the consumer closes it: it leaves the
//! group at once, so that the other members need not wait for a session timeout (45 s), but it does
//! not commit. [`close_within`](crate::close_within) does both, with a limit.

use std::collections::BTreeSet;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, DefaultConsumerContext, StreamConsumer};
use rdkafka::topic_partition_list::{TopicPartitionList, TopicPartitionListElem};

use crate::config::{client_config, with_overrides};
use crate::{Error, connection};

/// Builds a consumer with the defaults of [`ConsumerBuilder`], as a stream of messages.
///
/// # Errors
/// Those of [`ConsumerBuilder::build`].
#[doc(alias = "get_kafka_consumer")]
pub async fn consumer(brokers: &str, group: &str) -> Result<StreamConsumer, Error> {
    ConsumerBuilder::new(brokers, group).build().await
}

/// Builds a consumer.
///
/// Three settings differ from librdkafka's defaults, unless the caller overrides them:
/// - `auto.offset.reset=earliest` (librdkafka and Java: latest): a group that has committed nothing
///   yet begins with the first record. With `latest` it would see only what comes after it joined.
/// - `enable.auto.commit=false` (librdkafka and Java: true): the program commits after processing,
///   and sees the outcome.
/// - `enable.auto.offset.store=false` (librdkafka: true; Java has no such setting): what a commit
///   commits is what the program has stored after processing, and nothing else.
///
/// The last one prevents lost records at a clean shutdown. With `true`, librdkafka stores the
/// offset of each record that a poll returns, and rdkafka 0.39 polls by itself: dropping a consumer
/// closes its queue, and polls until that is done (consumer/base_consumer.rs). These polls discard
/// records that were already fetched, up to hundreds of thousands. Each counts as delivered, and
/// the next commit goes past what was processed: one in a revoke callback, or librdkafka's own at
/// the end with `enable.auto.commit=true`. The group never sees these records again, and its lag
/// says 0.
///
/// So a commit without offsets (`commit_consumer_state`, [`commit_stored`](crate::commit_stored))
/// commits nothing here until something is stored. With `enable.auto.commit=true` set over the
/// default, librdkafka commits what is stored by itself every five seconds and at a clean shutdown,
/// which loses nothing either.
///
/// librdkafka's `isolation.level` is `read_committed`, Java's is `read_uncommitted`.
pub struct ConsumerBuilder {
    brokers: String,
    group: String,
    overrides: Vec<(String, String)>,
}

impl ConsumerBuilder {
    /// Starts a builder for a consumer of the group `group` on the cluster at `brokers`. Groups are
    /// independent of each other: each has its own offsets and reads every record.
    pub fn new(brokers: impl Into<String>, group: impl Into<String>) -> Self {
        ConsumerBuilder { brokers: brokers.into(), group: group.into(), overrides: Vec::new() }
    }

    /// Sets any librdkafka setting, over the defaults and over the environment.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.push((key.into(), value.into()));
        self
    }

    /// Reports the end of each partition: the consumer then returns
    /// [`KafkaError::PartitionEOF`](rdkafka::error::KafkaError::PartitionEOF) there (librdkafka's
    /// `enable.partition.eof`). [`EndOfPartitions`] keeps track.
    #[must_use]
    pub fn enable_partition_eof(self) -> Self {
        self.set("enable.partition.eof", "true")
    }

    /// Checks that a broker responds, then builds a consumer to await messages from. Without the
    /// check, librdkafka would silently retry a missing broker forever.
    ///
    /// # Errors
    /// [`Error::NoResponse`] within five seconds if no broker responds, [`Error::Setting`] for an
    /// empty group or a setting that librdkafka rejects, [`Error::SettingsTogether`] for settings
    /// that contradict each other, and those of [`client_config`].
    pub async fn build(self) -> Result<StreamConsumer, Error> {
        self.build_with(DefaultConsumerContext).await
    }

    /// Does what [`build`](ConsumerBuilder::build) does, with your own callbacks, such as
    /// [`CommitOnRevoke`](crate::CommitOnRevoke). rdkafka calls them from inside `recv`, on a
    /// thread of the runtime, which they must not block for long.
    ///
    /// # Errors
    /// Those of [`build`](ConsumerBuilder::build).
    pub async fn build_with<C>(self, context: C) -> Result<StreamConsumer<C>, Error>
    where
        C: ConsumerContext + 'static,
    {
        Ok(self.checked_config().await?.create_with_context(context)?)
    }

    /// Does what [`build`](ConsumerBuilder::build) does, for a consumer that you poll from a
    /// thread.
    ///
    /// # Errors
    /// Those of [`build`](ConsumerBuilder::build).
    pub async fn build_polled(self) -> Result<BaseConsumer, Error> {
        self.build_polled_with(DefaultConsumerContext).await
    }

    /// Does what [`build_polled`](ConsumerBuilder::build_polled) does, with your own callbacks.
    /// rdkafka calls them from inside `poll`, on the thread that polls.
    ///
    /// # Errors
    /// Those of [`build`](ConsumerBuilder::build).
    pub async fn build_polled_with<C>(self, context: C) -> Result<BaseConsumer<C>, Error>
    where
        C: ConsumerContext,
    {
        Ok(self.checked_config().await?.create_with_context(context)?)
    }

    async fn checked_config(&self) -> Result<ClientConfig, Error> {
        let config = self.config()?;
        connection::check(&config).await?;
        Ok(config)
    }

    /// Returns the settings with these defaults, for a client that you build later or elsewhere. It
    /// does not check that a broker responds.
    ///
    /// # Errors
    /// Those of [`build`](ConsumerBuilder::build), without [`Error::NoResponse`].
    pub fn config(&self) -> Result<ClientConfig, Error> {
        let mut config = client_config(&self.brokers)?;
        config
            .set("group.id", &self.group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        let config = with_overrides(config, &self.overrides)?;
        if config.get("group.id").is_none_or(str::is_empty) {
            let reason = "a group needs a name".to_owned();
            return Err(Error::Setting { key: "group.id".to_owned(), reason });
        }
        Ok(config)
    }
}

/// Tracks which partitions of one topic have been read to their end, so that a program can stop
/// when nothing is left. The end is where the partition ended at that moment: after a later record,
/// the partition no longer counts as ended.
#[derive(Clone, Debug, Default)]
pub struct EndOfPartitions {
    ended: BTreeSet<i32>,
}

impl EndOfPartitions {
    /// Starts with no partition ended.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records an end; call it for each `KafkaError::PartitionEOF(partition)`.
    pub fn ended(&mut self, partition: i32) {
        self.ended.insert(partition);
    }

    /// Records a message; call it for each one.
    pub fn message_from(&mut self, partition: i32) {
        self.ended.remove(&partition);
    }

    /// Returns whether every partition of `assignment` has ended. For an empty assignment it
    /// returns false: the group is still rebalancing. Partitions that are no longer assigned are
    /// removed.
    pub fn all_of(&mut self, assignment: &TopicPartitionList) -> bool {
        let assigned: BTreeSet<i32> =
            assignment.elements().iter().map(TopicPartitionListElem::partition).collect();
        self.ended.retain(|partition| assigned.contains(partition));
        !assigned.is_empty() && self.ended == assigned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition("airports", *partition);
        }
        list
    }

    #[test]
    fn a_consumer_starts_at_the_beginning_and_stores_and_commits_by_hand() {
        let config = ConsumerBuilder::new("127.0.0.1:9092", "east-coast-dpt").config().unwrap();
        assert_eq!(config.get("group.id"), Some("east-coast-dpt"));
        assert_eq!(config.get("auto.offset.reset"), Some("earliest"));
        assert_eq!(config.get("enable.auto.commit"), Some("false"));
        assert_eq!(config.get("enable.auto.offset.store"), Some("false"));
    }

    #[test]
    fn every_setting_can_be_overridden() {
        let builder = ConsumerBuilder::new("127.0.0.1:9092", "east-coast-dpt")
            .set("auto.offset.reset", "latest")
            .set("enable.auto.commit", "true");
        let config = builder.config().unwrap();
        assert_eq!(config.get("auto.offset.reset"), Some("latest"));
        assert_eq!(config.get("enable.auto.commit"), Some("true"));
    }

    #[test]
    fn a_group_without_a_name_is_rejected() {
        let rejected = ConsumerBuilder::new("127.0.0.1:9092", "").config().unwrap_err();
        assert!(rejected.to_string().contains("group.id"), "{rejected}");
    }

    #[test]
    fn the_end_is_reached_when_every_assigned_partition_ended() {
        let mut end = EndOfPartitions::new();
        assert!(!end.all_of(&assignment(&[])));
        end.ended(0);
        assert!(!end.all_of(&assignment(&[0, 1])));
        end.ended(1);
        assert!(end.all_of(&assignment(&[0, 1])));
        end.message_from(1);
        assert!(!end.all_of(&assignment(&[0, 1])));
    }

    #[test]
    fn a_partition_that_was_taken_away_is_removed() {
        let mut end = EndOfPartitions::new();
        end.ended(0);
        end.ended(1);
        assert!(end.all_of(&assignment(&[0])));
        assert!(!end.all_of(&assignment(&[0, 1])));
    }
}
