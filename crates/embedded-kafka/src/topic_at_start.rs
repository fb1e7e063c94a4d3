//! Topics that a cluster creates when it starts.

use std::str::FromStr;

use crate::error::StartError;
use crate::metadata::{MOST_PARTITIONS, Metadata, NewTopic, names};

/// A topic to create when a cluster starts. Written as text, it is `orders`, `orders:6` with six
/// partitions, or `orders:6:3` with three replicas of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicAtStart {
    name: String,
    partitions: Option<i32>,
    replication_factor: Option<i16>,
}

impl TopicAtStart {
    /// Names a topic with the cluster's default partitions and replicas.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), partitions: None, replication_factor: None }
    }

    /// Sets its number of partitions.
    #[must_use]
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// Sets the number of nodes that hold each partition.
    #[must_use]
    pub fn replicas(mut self, replication_factor: i16) -> Self {
        self.replication_factor = Some(replication_factor);
        self
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its number of partitions, if that was chosen.
    pub fn chosen_partitions(&self) -> Option<i32> {
        self.partitions
    }

    /// Returns the number of nodes that hold each partition, if that was chosen.
    pub fn chosen_replicas(&self) -> Option<i16> {
        self.replication_factor
    }

    /// Checks whether a cluster of so many nodes can have it.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub fn check(&self, nodes: usize) -> Result<(), String> {
        names::validate(&self.name)?;
        if names::is_internal(&self.name) {
            return Err(format!("{} is the cluster's own topic: it creates it itself", self.name));
        }
        let partitions = self.partitions.unwrap_or(1);
        if !(1..=MOST_PARTITIONS).contains(&partitions) {
            return Err(format!(
                "topic {} has 1 to {MOST_PARTITIONS} partitions, not {partitions}",
                self.name
            ));
        }
        let factor = self.replication_factor.unwrap_or(1);
        if !(1..=nodes as i64).contains(&i64::from(factor)) {
            let name = &self.name;
            return Err(format!(
                "{nodes} node(s) cannot hold {factor} replicas of a partition of topic {name}"
            ));
        }
        Ok(())
    }
}

impl FromStr for TopicAtStart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let mut topic = Self::new(name);
        if let Some(partitions) = parts.next() {
            topic.partitions = Some(number(partitions, "partitions")?);
        }
        if let Some(replicas) = parts.next() {
            topic.replication_factor = Some(number(replicas, "replicas")?);
        }
        if parts.next().is_some() {
            return Err("a topic is NAME, NAME:PARTITIONS or NAME:PARTITIONS:REPLICAS".to_owned());
        }
        // The number of nodes is not known yet.
        topic.check(topic.replication_factor.map_or(1, |factor| factor.max(1) as usize))?;
        Ok(topic)
    }
}

fn number<T: FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number of {what}"))
}

/// Checks what can be checked before there is a cluster.
pub(crate) fn check(topics: &[TopicAtStart], nodes: usize) -> Result<(), StartError> {
    let reject = |reason| StartError::InvalidSetting(reason);
    for (position, topic) in topics.iter().enumerate() {
        topic.check(nodes).map_err(reject)?;
        let before = &topics[..position];
        if before.iter().any(|other| other.name == topic.name) {
            return Err(reject(format!("topic {} twice", topic.name)));
        }
        let before = before.iter().map(|other| other.name.as_str());
        names::check_collision(&topic.name, before).map_err(reject)?;
    }
    Ok(())
}

/// Creates the topics that do not exist yet.
///
/// # Errors
/// When one cannot be created, or exists with other partitions or replicas.
pub(crate) fn create(topics: &[TopicAtStart], metadata: &Metadata) -> Result<(), StartError> {
    for topic in topics {
        let name = &topic.name;
        let reject = |reason: String| StartError::Topic { topic: name.clone(), reason };
        if let Some(present) = metadata.topic(name) {
            let partitions = present.partitions();
            let replicas = partitions.first().map_or(0, |it| it.leadership().replicas.len());
            compare(topic, partitions.len(), replicas).map_err(reject)?;
            continue;
        }
        let new = NewTopic {
            name: name.clone(),
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            ..NewTopic::default()
        };
        metadata.create_topic(new, false).map_err(|rejection| reject(rejection.message))?;
    }
    Ok(())
}

fn compare(topic: &TopicAtStart, partitions: usize, replicas: usize) -> Result<(), String> {
    let differs = |wanted: Option<i64>, present: usize, what: &str| match wanted {
        Some(wanted) if wanted != present as i64 => Err(format!(
            "it is in the data directory already, with {present} {what} and not {wanted}: leave \
             the number out, delete the topic, or choose another data directory"
        )),
        _ => Ok(()),
    };
    differs(topic.partitions.map(i64::from), partitions, "partition(s)")?;
    differs(topic.replication_factor.map(i64::from), replicas, "replica(s)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_a_name_with_partitions_and_replicas() {
        let orders = || TopicAtStart::new("orders");
        let rows = [
            ("orders", orders()),
            ("orders:6", orders().partitions(6)),
            ("orders:6:3", orders().partitions(6).replicas(3)),
        ];
        for (text, topic) in rows {
            assert_eq!(text.parse(), Ok(topic));
        }
    }

    #[test]
    fn an_invalid_topic_has_a_reason() {
        let rows = [
            ("", "the empty string is not allowed"),
            (":3", "the empty string is not allowed"),
            ("bad name", "'bad name' contains one or more characters"),
            ("a:0", "topic a has 1 to 10000 partitions, not 0"),
            ("a:-1", "topic a has 1 to 10000 partitions, not -1"),
            ("a:10001", "topic a has 1 to 10000 partitions, not 10001"),
            ("a:x", "\"x\" is no number of partitions"),
            ("a:", "\"\" is no number of partitions"),
            ("a:99999999999", "\"99999999999\" is no number of partitions"),
            ("a:1:0", "cannot hold 0 replicas"),
            ("a:1:x", "\"x\" is no number of replicas"),
            ("a:1:2:3", "a topic is NAME, NAME:PARTITIONS or NAME:PARTITIONS:REPLICAS"),
            ("__consumer_offsets", "the cluster's own topic"),
        ];
        for (text, reason) in rows {
            let rejected = text.parse::<TopicAtStart>().unwrap_err();
            assert!(rejected.contains(reason), "{text:?}: {rejected}");
        }
    }
}
