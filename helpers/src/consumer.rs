//! Read records as a member of a group.
//!
//! What comes back is rdkafka's own consumer: subscribing, polling and seeking are calls on it. A
//! record that is processed is stored ([`store_processed`](crate::store_processed)), and what is
//! stored is committed ([`commit_stored`](crate::commit_stored)). Closing is its drop: it leaves the
//! group at once, so that the other members need not wait for a session timeout (45 s), but it
//! commits nothing by itself here. [`close_within`](crate::close_within) does both, in time.

use std::collections::BTreeSet;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, DefaultConsumerContext, StreamConsumer};
use rdkafka::topic_partition_list::{TopicPartitionList, TopicPartitionListElem};

use crate::config::{client_config, with_overrides};
use crate::{Error, connection};

/// A consumer with working defaults, as a stream of messages: [`ConsumerBuilder`] says which.
///
/// # Errors
/// Those of [`ConsumerBuilder::build`].
#[doc(alias = "get_kafka_consumer")]
pub async fn consumer(brokers: &str, group: &str) -> Result<StreamConsumer, Error> {
    ConsumerBuilder::new(brokers, group).build().await
}

/// How a consumer is to be built.
///
/// Three settings differ from librdkafka's defaults, unless the caller overrides them:
/// - `auto.offset.reset=earliest` (librdkafka and Java: latest): a group that has committed nothing
///   yet begins with the first record. With `latest` it would see only what comes after it joined.
/// - `enable.auto.commit=false` (librdkafka and Java: true): the program commits when it has
///   processed, and hears what became of it.
/// - `enable.auto.offset.store=false` (librdkafka: true; Java has no such setting): what a commit
///   commits is what the program has stored after processing, and nothing else.
///
/// The last one keeps records from being lost at a clean end. With `true`, librdkafka stores the
/// offset of each record that a poll hands over, and rdkafka 0.39 polls when nobody looks: dropping
/// a consumer closes its queue, and polls until that is done (consumer/base_consumer.rs). These
/// polls throw away records that were already fetched, up to hundreds of thousands. Each counts as
/// handed over, and the commit that comes next goes past what was processed: one in a revoke
/// callback, or librdkafka's own at the end with `enable.auto.commit=true`. The group never sees
/// these records again, and its lag says 0.
///
/// So a commit without offsets (`commit_consumer_state`, [`commit_stored`](crate::commit_stored))
/// commits nothing here until something is stored. With `enable.auto.commit=true` set over the
/// default, librdkafka commits what is stored by itself every five seconds and at a clean end, which
/// loses nothing either.
///
/// librdkafka's `isolation.level` is `read_committed`, Java's is `read_uncommitted`.
pub struct ConsumerBuilder {
    brokers: String,
    group: String,
    overrides: Vec<(String, String)>,
}

impl ConsumerBuilder {
    /// A consumer of the group `group` for the cluster at `brokers`. Groups are independent of each
    /// other: each has its own offsets and reads every record.
    pub fn new(brokers: impl Into<String>, group: impl Into<String>) -> Self {
        ConsumerBuilder { brokers: brokers.into(), group: group.into(), overrides: Vec::new() }
    }

    /// Sets any librdkafka setting, over the defaults and over the environment.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.push((key.into(), value.into()));
        self
    }

    /// Makes the end of each partition known: the consumer then gives
    /// [`KafkaError::PartitionEOF`](rdkafka::error::KafkaError::PartitionEOF) there (librdkafka's
    /// `enable.partition.eof`). [`EndOfPartitions`] keeps count.
    #[must_use]
    pub fn enable_partition_eof(self) -> Self {
        self.set("enable.partition.eof", "true")
    }

    /// Checks that a broker answers, then builds a consumer to await messages from. Without the
    /// check a missing broker would be retried for ever, without a word.
    ///
    /// # Errors
    /// [`Error::NoResponse`] within five seconds where no broker answers, [`Error::Setting`] for an
    /// empty group or a setting that librdkafka refuses, [`Error::SettingsTogether`] for settings
    /// that contradict each other, and those of [`client_config`].
    pub async fn build(self) -> Result<StreamConsumer, Error> {
        self.build_with(DefaultConsumerContext).await
    }

    /// [`build`](ConsumerBuilder::build) with the caller's callbacks, such as
    /// [`CommitOnRevoke`](crate::CommitOnRevoke). rdkafka calls them from inside `recv`, on a thread
    /// of the runtime, which they must not block for long.
    ///
    /// # Errors
    /// Those of [`build`](ConsumerBuilder::build).
    pub async fn build_with<C>(self, context: C) -> Result<StreamConsumer<C>, Error>
    where
        C: ConsumerContext + 'static,
    {
        Ok(self.checked_config().await?.create_with_context(context)?)
    }

    /// [`build`](ConsumerBuilder::build), but a consumer that is polled from a thread.
    ///
    /// # Errors
    /// Those of [`build`](ConsumerBuilder::build).
    pub async fn build_polled(self) -> Result<BaseConsumer, Error> {
        self.build_polled_with(DefaultConsumerContext).await
    }

    /// [`build_polled`](ConsumerBuilder::build_polled) with the caller's callbacks. rdkafka calls
    /// them from inside `poll`, on the thread that polls.
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

    /// The settings with these defaults, for a client that is built later or elsewhere. Whether a
    /// broker answers is not checked.
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

/// Which partitions of one topic have been read to their end, so that a program can stop when there
/// is nothing left. The end is where the topic ended at that moment: a record that comes later
/// takes the partition out again.
#[derive(Clone, Debug, Default)]
pub struct EndOfPartitions {
    ended: BTreeSet<i32>,
}

impl EndOfPartitions {
    /// No partition has ended yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// To be called for each `KafkaError::PartitionEOF(partition)`.
    pub fn ended(&mut self, partition: i32) {
        self.ended.insert(partition);
    }

    /// To be called for each message.
    pub fn message_from(&mut self, partition: i32) {
        self.ended.remove(&partition);
    }

    /// Whether every partition of `assignment` has ended. An empty assignment has not: the group is
    /// still being balanced. Partitions that are no longer assigned are forgotten.
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
    fn a_group_without_a_name_is_refused() {
        let refused = ConsumerBuilder::new("127.0.0.1:9092", "").config().unwrap_err();
        assert!(refused.to_string().contains("group.id"), "{refused}");
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
    fn a_partition_that_was_taken_away_is_forgotten() {
        let mut end = EndOfPartitions::new();
        end.ended(0);
        end.ended(1);
        assert!(end.all_of(&assignment(&[0])));
        assert!(!end.all_of(&assignment(&[0, 1])));
    }
}
