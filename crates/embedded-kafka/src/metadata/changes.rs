//! Topics come, change and go. What Kafka's controller refuses is refused here, in its words.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use super::assignment::{check_manual, spread};
use super::config::TopicConfig;
use super::store::TopicRecord;
use super::{Metadata, Refusal, Topic, names};
use crate::event::Event;

/// The most partitions that one topic may have here, so that a typing error does not make a
/// million directories.
const MOST_PARTITIONS: i32 = 10_000;

/// A topic that somebody wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    /// `None` for the cluster's default (-1 on the wire).
    pub(crate) partitions: Option<i32>,
    /// `None` for the cluster's default (-1 on the wire).
    pub(crate) replication_factor: Option<i16>,
    /// The replicas of each partition, where the caller chooses them.
    pub(crate) assignments: Vec<(i32, Vec<i32>)>,
    /// Settings other than the defaults.
    pub(crate) config: Vec<(String, Option<String>)>,
}

impl Metadata {
    /// Creates a topic, or only checks that it could be.
    pub(crate) fn create_topic(
        &self,
        new: NewTopic,
        validate_only: bool,
    ) -> Result<Arc<Topic>, Refusal> {
        let _one_at_a_time = self.changing.lock();
        self.check_name(&new.name)?;
        let given = new.config.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
        let config = TopicConfig::create(given)?;
        let replicas = self.place(&new)?;
        let record = TopicRecord {
            name: new.name,
            id: Uuid::new_v4(),
            replicas,
            config: config.overrides().clone(),
        };
        let nodes = self.node_ids();
        let topic = Topic::open(record.clone(), &self.place_for_logs(&nodes))
            .map_err(|error| Refusal::storage(&error))?;
        let topic = Arc::new(topic);
        if validate_only {
            return Ok(topic);
        }
        self.store.write_topic(&record).map_err(|error| Refusal::storage(&error))?;
        self.topics.write().insert(Arc::clone(&topic));
        self.events
            .emit(|| Event::TopicCreated { topic: record.name, partitions: record.replicas.len() });
        Ok(topic)
    }

    /// Deletes a topic and all that is in it.
    pub(crate) fn delete_topic(&self, name: &str) -> Result<(), ResponseError> {
        let _one_at_a_time = self.changing.lock();
        if self.topic(name).is_none() {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        self.store.remove_topic(name).map_err(|error| Refusal::storage(&error).code)?;
        let removed = self.topics.write().remove(name);
        for partition in removed.iter().flat_map(|topic| topic.partitions().to_vec()) {
            // What cannot be removed now is swept away at the next start.
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
    ) -> Result<(), Refusal> {
        let _one_at_a_time = self.changing.lock();
        let topic = self.topic(name).ok_or_else(|| {
            let code = ResponseError::UnknownTopicOrPartition;
            Refusal::new(code, "This server does not host this topic-partition.")
        })?;
        let partitions = topic.partitions();
        let present = partitions.len();
        let added = increase(name, present, count)?;
        let replicas = match assignments {
            None => {
                let (factor, nodes) = (partitions[0].leadership().replicas.len(), self.node_ids());
                check_factor(factor, nodes.len())?;
                spread(&nodes, added, factor, present, shift(name))
            }
            Some(given) if given.len() != added => {
                return Err(Refusal::new(
                    ResponseError::InvalidReplicaAssignment,
                    format!(
                        "Attempted to add {added} additional partition(s), but only {} \
                         assignment(s) were specified.",
                        given.len(),
                    ),
                ));
            }
            Some(given) => {
                check_manual(&self.node_ids(), given)?;
                given.to_vec()
            }
        };
        if validate_only {
            return Ok(());
        }
        let record = topic.record(&topic.config(), replicas.clone());
        self.store.write_topic(&record).map_err(|error| Refusal::storage(&error))?;
        let nodes = self.node_ids();
        topic
            .add_partitions(replicas, &self.place_for_logs(&nodes))
            .map_err(|error| Refusal::storage(&error))
    }

    /// The settings of a topic, `None` where there is no such topic.
    pub(crate) fn topic_config(&self, name: &str) -> Option<TopicConfig> {
        Some(TopicConfig::clone(&*self.topic(name)?.config()))
    }

    /// Puts what `change` makes of a topic's settings in their place, or only checks that it could
    /// be done.
    pub(crate) fn change_topic_config(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Refusal>,
    ) -> Result<(), Refusal> {
        let _one_at_a_time = self.changing.lock();
        let topic = self.topic(name).ok_or_else(|| Refusal::no_such_topic(name))?;
        let config = change(&topic.config())?;
        if validate_only {
            return Ok(());
        }
        let record = topic.record(&config, Vec::new());
        self.store.write_topic(&record).map_err(|error| Refusal::storage(&error))?;
        topic.configure(config);
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let invalid = |message| Refusal::new(ResponseError::InvalidTopicException, message);
        names::validate(name).map_err(invalid)?;
        let topics = self.topics.read();
        if topics.by_name.contains_key(name) {
            let message = format!("Topic '{name}' already exists.");
            return Err(Refusal::new(ResponseError::TopicAlreadyExists, message));
        }
        names::check_collision(name, topics.by_name.keys().map(|name| &**name)).map_err(invalid)
    }

    /// The nodes for each partition of a new topic.
    fn place(&self, new: &NewTopic) -> Result<Vec<Vec<i32>>, Refusal> {
        if !new.assignments.is_empty() {
            return self.place_as_told(new);
        }
        let partitions = new.partitions.unwrap_or(self.settings.default_partitions);
        let factor = new.replication_factor.unwrap_or(self.settings.default_replication_factor);
        if partitions < 1 {
            return Err(Refusal::new(
                ResponseError::InvalidPartitions,
                "Number of partitions was set to an invalid non-positive value.",
            ));
        }
        check_count(partitions)?;
        if factor < 1 {
            return Err(Refusal::new(
                ResponseError::InvalidReplicationFactor,
                "Replication factor was set to an invalid non-positive value.",
            ));
        }
        let nodes = self.node_ids();
        check_factor(factor as usize, nodes.len())?;
        Ok(spread(&nodes, partitions as usize, factor as usize, 0, shift(&new.name)))
    }

    fn place_as_told(&self, new: &NewTopic) -> Result<Vec<Vec<i32>>, Refusal> {
        let refuse = |what| {
            let message = format!(
                "A manual partition assignment was specified, but {what} was not set to -1."
            );
            Err(Refusal::new(ResponseError::InvalidRequest, message))
        };
        if new.replication_factor.is_some() {
            return refuse("replication factor");
        }
        if new.partitions.is_some() {
            return refuse("numPartitions");
        }
        let mut assignments = new.assignments.clone();
        assignments.sort();
        if assignments.iter().zip(0..).any(|((index, _), expected)| *index != expected) {
            return Err(Refusal::new(
                ResponseError::InvalidReplicaAssignment,
                "partitions should be a consecutive 0-based integer sequence",
            ));
        }
        let replicas: Vec<_> = assignments.into_iter().map(|(_, replicas)| replicas).collect();
        check_count(replicas.len() as i32)?;
        check_manual(&self.node_ids(), &replicas)?;
        Ok(replicas)
    }
}

/// How many partitions are to be added.
fn increase(name: &str, present: usize, count: i32) -> Result<usize, Refusal> {
    let invalid = |message| Err(Refusal::new(ResponseError::InvalidPartitions, message));
    match usize::try_from(count) {
        Ok(count) if count > present => {
            check_count(count as i32)?;
            Ok(count - present)
        }
        Ok(count) if count == present => {
            invalid(format!("Topic already has {present} partition(s)."))
        }
        _ => invalid(format!(
            "The topic {name} currently has {present} partition(s); {count} would not be an increase."
        )),
    }
}

fn check_count(partitions: i32) -> Result<(), Refusal> {
    if partitions <= MOST_PARTITIONS {
        return Ok(());
    }
    Err(Refusal::new(
        ResponseError::InvalidPartitions,
        format!("A topic has at most {MOST_PARTITIONS} partitions here, not {partitions}."),
    ))
}

/// Whether there are nodes enough for each replica of a partition to have its own.
fn check_factor(factor: usize, nodes: usize) -> Result<(), Refusal> {
    if factor <= nodes {
        return Ok(());
    }
    Err(Refusal::new(
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
    use super::*;

    #[test]
    fn partitions_can_only_become_more() {
        assert_eq!(increase("t", 3, 5), Ok(2));
        let message = |count| increase("t", 3, count).unwrap_err().message;
        assert_eq!(message(3), "Topic already has 3 partition(s).");
        assert_eq!(
            message(2),
            "The topic t currently has 3 partition(s); 2 would not be an increase."
        );
        assert!(message(MOST_PARTITIONS + 1).contains("at most 10000"));
    }
}
