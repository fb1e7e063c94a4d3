//! Changes of topics: creation, new settings, deletion. They reject what Kafka's controller
//! rejects, with its messages.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use super::assignment::{check_manual, spread};
use super::new_topic::{MOST_PARTITIONS, NewTopic};
use super::store::TopicRecord;
use super::{Metadata, Topic, names};
use crate::config::TopicConfig;
use crate::config::layers::Given;
use crate::event::Event;
use crate::log::{is_partition_directory, owns};
use crate::rejection::Rejection;

impl Metadata {
    /// Creates a topic, or only checks that it could be.
    pub(crate) fn create_topic(
        &self,
        new: NewTopic,
        validate_only: bool,
    ) -> Result<Arc<Topic>, Rejection> {
        let _one_at_a_time = self.changing.lock();
        self.check_name(&new.name)?;
        let given = new.config.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
        let config = TopicConfig::create(given, self.handed_down().of_all.clone())?;
        let replicas = self.place(&new)?;
        if !validate_only {
            let partitions = 0..replicas.len() as i32;
            self.clear_away(&new.name, partitions).map_err(|error| Rejection::storage(&error))?;
        }
        let record = TopicRecord {
            name: new.name,
            id: Uuid::new_v4(),
            replicas,
            config: config.overrides().clone(),
        };
        let nodes = self.nodes.availability();
        let topic = Topic::open(record.clone(), &self.place_for_logs(&nodes))
            .map_err(|error| Rejection::storage(&error))?;
        let topic = Arc::new(topic);
        if validate_only {
            return Ok(topic);
        }
        self.store.write_topic(&record).map_err(|error| Rejection::storage(&error))?;
        self.topics.write().insert(Arc::clone(&topic));
        self.events
            .emit(|| Event::TopicCreated { topic: record.name, partitions: record.replicas.len() });
        Ok(topic)
    }

    /// Returns the topic. Creates it if it does not exist, with the cluster's defaults, or with
    /// Kafka's settings for an internal topic.
    pub(crate) fn create_when_asked_for(&self, name: &str) -> Result<Arc<Topic>, Rejection> {
        let new = match name {
            names::CONSUMER_OFFSETS => self.new_offsets_topic(),
            names::TRANSACTION_STATE => self.new_transaction_topic(),
            _ => NewTopic { name: name.to_owned(), ..NewTopic::default() },
        };
        match self.create_topic(new, false) {
            // Two clients that ask at the same moment both receive the topic.
            Err(rejection) if rejection.code == ResponseError::TopicAlreadyExists => {
                self.topic(name).ok_or_else(Rejection::unknown_topic)
            }
            created => created,
        }
    }

    /// Deletes a topic with all its records. A topic of the same name that was created in the
    /// meantime is another topic, and stays.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION` if another request was faster, `KAFKA_STORAGE_ERROR`.
    pub(crate) fn delete_topic(&self, topic: &Topic) -> Result<(), Rejection> {
        let _one_at_a_time = self.changing.lock();
        let name = &*topic.name;
        if self.topic_by_id(topic.id).is_none() {
            return Err(Rejection::unknown_topic());
        }
        self.store.remove_topic(name).map_err(|error| Rejection::storage(&error))?;
        self.topics.write().remove(name);
        for partition in topic.partitions().iter() {
            // A directory that cannot be removed now is removed when the name is used again, or at
            // the next start.
            if let Err(error) = partition.delete() {
                tracing::warn!(%error, topic = name, "a deleted partition is still on disk");
            }
        }
        self.events.emit(|| Event::TopicDeleted { topic: name.into() });
        Ok(())
    }

    /// Adds partitions until a topic has `count` of them.
    pub(crate) fn create_partitions(
        &self,
        name: &str,
        count: i32,
        assignments: Option<&[Vec<i32>]>,
        validate_only: bool,
    ) -> Result<(), Rejection> {
        let _one_at_a_time = self.changing.lock();
        // Kafka responds with the code alone here.
        let unknown = || Rejection::new(ResponseError::UnknownTopicOrPartition, "");
        let topic = self.topic(name).ok_or_else(unknown)?;
        let partitions = topic.partitions();
        let present = partitions.len();
        let added = increase(name, present, count)?;
        let factor = partitions.first().map_or(1, |first| first.leadership().replicas.len());
        let replicas = match assignments {
            None => {
                check_factor(factor, self.nodes.count())?;
                self.spread_over_nodes(added, factor, present, shift(name))?
            }
            Some(given) if given.len() != added => {
                return Err(Rejection::new(
                    ResponseError::InvalidReplicaAssignment,
                    format!(
                        "Attempted to add {added} additional partition(s), but only {} \
                         assignment(s) were specified.",
                        given.len(),
                    ),
                ));
            }
            Some(given) => {
                check_manual(&self.node_ids(), given, Some(factor))?;
                given.to_vec()
            }
        };
        if validate_only {
            return Ok(());
        }
        let record = topic.record(&topic.config(), replicas.clone());
        let nodes = self.nodes.availability();
        let first = present as i32;
        self.clear_away(name, first..count).map_err(|error| Rejection::storage(&error))?;
        // Partitions that cannot be opened are not persisted, or the next start would fail.
        let opened = topic
            .open_partitions(replicas, &self.place_for_logs(&nodes))
            .map_err(|error| Rejection::storage(&error))?;
        self.store.write_topic(&record).map_err(|error| Rejection::storage(&error))?;
        topic.add_partitions(opened);
        Ok(())
    }

    /// Returns the settings of a topic at a node, `None` if there is no such topic.
    pub(crate) fn topic_config(&self, name: &str, node: i32) -> Option<TopicConfig> {
        Some(TopicConfig::clone(&*self.topic(name)?.config_at(Some(node))))
    }

    /// Replaces a topic's settings with the result of `change`, or only checks that it could be
    /// done.
    pub(crate) fn change_topic_config(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Rejection>,
    ) -> Result<(), Rejection> {
        let _one_at_a_time = self.changing.lock();
        let topic = self.topic(name).ok_or_else(|| Rejection::no_such_topic(name))?;
        let config = change(&topic.config())?;
        if validate_only {
            return Ok(());
        }
        let record = topic.record(&config, Vec::new());
        self.store.write_topic(&record).map_err(|error| Rejection::storage(&error))?;
        topic.configure(&config, &self.handed_down());
        Ok(())
    }

    /// Replaces the dynamic settings of the named node, or of all nodes if `name` is empty, with
    /// the result of `change`. Topics inherit the new settings at once.
    ///
    /// # Errors
    /// An error of `change`, and `KAFKA_STORAGE_ERROR` if the settings cannot be persisted.
    pub(crate) fn change_node_overrides(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&Given) -> Result<Given, Rejection>,
    ) -> Result<bool, Rejection> {
        let _one_at_a_time = self.changing.lock();
        let now = self.node_overrides(name);
        let changed = change(&now)?;
        if validate_only || changed == now {
            return Ok(false);
        }
        self.write_node_overrides(name, changed)?;
        self.hand_down();
        Ok(true)
    }

    /// Makes all topics inherit the current settings of their nodes.
    fn hand_down(&self) {
        let handed_down = self.make_handed_down();
        for topic in self.topics() {
            topic.configure(&topic.config(), &handed_down);
        }
    }

    /// Removes the files that a failed deletion left in the place of new partitions. On a file
    /// system that ignores case the directory may be another topic's, which keeps it.
    fn clear_away(&self, topic: &str, partitions: Range<i32>) -> io::Result<()> {
        for partition in partitions {
            let directory = self.store.partition_directory(topic, partition);
            let is_owned = || self.topics().iter().any(|other| owns(other.id, &directory));
            if is_partition_directory(&directory) && !is_owned() {
                std::fs::remove_dir_all(&directory)?;
                tracing::info!(path = %directory.display(), "removed the log of a deleted topic");
            }
        }
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        let invalid = |message| Rejection::new(ResponseError::InvalidTopicException, message);
        names::validate(name).map_err(invalid)?;
        let topics = self.topics.read();
        if topics.by_name.contains_key(name) {
            let message = format!("Topic '{name}' already exists.");
            return Err(Rejection::new(ResponseError::TopicAlreadyExists, message));
        }
        names::check_collision(name, topics.by_name.keys().map(|name| &**name)).map_err(invalid)
    }

    /// Returns the nodes for each partition of a new topic.
    fn place(&self, new: &NewTopic) -> Result<Vec<Vec<i32>>, Rejection> {
        if !new.assignments.is_empty() {
            return self.place_explicitly(new);
        }
        let partitions = new.partitions.unwrap_or(self.settings.default_partitions);
        let factor = new.replication_factor.unwrap_or(self.settings.default_replication_factor);
        if partitions < 1 {
            return Err(Rejection::new(
                ResponseError::InvalidPartitions,
                "Number of partitions was set to an invalid non-positive value.",
            ));
        }
        check_count(partitions)?;
        if factor < 1 {
            return Err(Rejection::new(
                ResponseError::InvalidReplicationFactor,
                "Replication factor was set to an invalid non-positive value.",
            ));
        }
        check_factor(factor as usize, self.nodes.count())?;
        self.spread_over_nodes(partitions as usize, factor as usize, 0, shift(&new.name))
    }

    /// Spreads replicas over the nodes that are up. Nodes that are down get some only if there are
    /// too few others, and never the first one: such a node could not lead.
    fn spread_over_nodes(
        &self,
        count: usize,
        factor: usize,
        first: usize,
        shift: usize,
    ) -> Result<Vec<Vec<i32>>, Rejection> {
        let up: Vec<i32> = self.nodes().iter().map(|node| node.id).collect();
        if up.is_empty() {
            return Err(Rejection::new(
                ResponseError::InvalidReplicationFactor,
                format!(
                    "Unable to replicate the partition {factor} time(s): All brokers are currently \
                     fenced."
                ),
            ));
        }
        let mut replicas = spread(&up, count, factor.min(up.len()), first, shift);
        let down = self.node_ids().into_iter().filter(|node| !up.contains(node));
        let down: Vec<i32> = down.take(factor.saturating_sub(up.len())).collect();
        for partition in &mut replicas {
            partition.extend(&down);
        }
        Ok(replicas)
    }

    fn place_explicitly(&self, new: &NewTopic) -> Result<Vec<Vec<i32>>, Rejection> {
        let reject = |what| {
            let message = format!(
                "A manual partition assignment was specified, but {what} was not set to -1."
            );
            Err(Rejection::new(ResponseError::InvalidRequest, message))
        };
        if new.replication_factor.is_some() {
            return reject("replication factor");
        }
        if new.partitions.is_some() {
            return reject("numPartitions");
        }
        let mut assignments = new.assignments.clone();
        assignments.sort();
        if assignments.iter().zip(0..).any(|((index, _), expected)| *index != expected) {
            return Err(Rejection::new(
                ResponseError::InvalidReplicaAssignment,
                "partitions should be a consecutive 0-based integer sequence",
            ));
        }
        let replicas: Vec<_> = assignments.into_iter().map(|(_, replicas)| replicas).collect();
        check_count(replicas.len() as i32)?;
        check_manual(&self.node_ids(), &replicas, None)?;
        Ok(replicas)
    }
}

/// Returns how many partitions to add.
fn increase(name: &str, present: usize, count: i32) -> Result<usize, Rejection> {
    let invalid = |message| Err(Rejection::new(ResponseError::InvalidPartitions, message));
    match usize::try_from(count) {
        Ok(count) if count > present => Ok(count - present),
        Ok(count) if count == present => {
            invalid(format!("Topic already has {present} partition(s)."))
        }
        _ => invalid(format!(
            "The topic {name} currently has {present} partition(s); {count} would not be an increase."
        )),
    }
}

fn check_count(partitions: i32) -> Result<(), Rejection> {
    if partitions <= MOST_PARTITIONS {
        return Ok(());
    }
    Err(Rejection::new(
        ResponseError::InvalidPartitions,
        format!("A topic has at most {MOST_PARTITIONS} partitions here, not {partitions}."),
    ))
}

/// Returns whether there are enough nodes for each replica of a partition to have its own.
fn check_factor(factor: usize, nodes: usize) -> Result<(), Rejection> {
    if factor <= nodes {
        return Ok(());
    }
    Err(Rejection::new(
        ResponseError::InvalidReplicationFactor,
        format!(
            "Unable to replicate the partition {factor} time(s): The target replication factor of \
             {factor} cannot be reached because only {nodes} broker(s) are registered."
        ),
    ))
}

/// Topics begin at different nodes, and the same topic at the same one each time.
fn shift(name: &str) -> usize {
    crc32c::crc32c(name.as_bytes()) as usize
}

#[cfg(test)]
mod tests {
    use super::super::Node;
    use super::*;
    use crate::config::Settings;
    use crate::event::Events;
    use crate::time::Clock;

    #[test]
    fn a_topic_that_was_created_again_is_not_deleted_in_the_place_of_the_old_one() {
        let data = tempfile::tempdir().unwrap();
        let nodes = [Node { id: 1, address: ([127, 0, 0, 1], 9092).into() }];
        let (settings, clock) = (Settings::default(), Arc::new(Clock::new()));
        let metadata =
            Metadata::open(data.path(), &nodes, &settings, &clock, Events::new()).unwrap();
        let create = || {
            let new = NewTopic { name: "airports".into(), ..NewTopic::default() };
            metadata.create_topic(new, false).unwrap()
        };
        // A caller found the first topic, and deletes it after it was replaced.
        let first = create();
        metadata.delete_topic(&first).unwrap();
        let second = create();
        let rejected = metadata.delete_topic(&first).unwrap_err();
        assert_eq!(rejected.code, ResponseError::UnknownTopicOrPartition);
        assert_eq!(metadata.topic("airports").unwrap().id, second.id);
    }

    #[test]
    fn partitions_can_only_become_more() {
        assert_eq!(increase("t", 3, 5), Ok(2));
        let message = |count| increase("t", 3, count).unwrap_err().message;
        assert_eq!(message(3), "Topic already has 3 partition(s).");
        assert_eq!(
            message(2),
            "The topic t currently has 3 partition(s); 2 would not be an increase."
        );
        assert_eq!(increase("t", 3, MOST_PARTITIONS + 3), Ok(10_000));
    }
}
