//! Reassignment of a partition's replicas (KIP-455): checked, persisted, and then begun.

use kafka_protocol::ResponseError;

use super::Metadata;
use super::assignment::check_manual;
use crate::rejection::Rejection;

impl Metadata {
    /// Makes `target` the replicas of a partition as soon as all of them are in sync. `None`
    /// cancels the reassignment in progress.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`, `INVALID_REPLICA_ASSIGNMENT`, `INVALID_REPLICATION_FACTOR` if
    /// their number may not change, `NO_REASSIGNMENT_IN_PROGRESS` if there is nothing to cancel.
    pub(crate) fn reassign(
        &self,
        name: &str,
        index: i32,
        target: Option<Vec<i32>>,
        may_change_factor: bool,
    ) -> Result<(), Rejection> {
        let _one_at_a_time = self.changing.lock();
        let unknown = |what| Rejection::new(ResponseError::UnknownTopicOrPartition, what);
        let topic = self
            .topic(name)
            .ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
        let partition = topic
            .partition(index)
            .ok_or_else(|| unknown(format!("Unable to find partition {name}:{index}.")))?;
        let led = partition.leadership();
        let original = led.replicas.iter().filter(|node| !led.adding.contains(node));
        let original: Vec<i32> = original.copied().collect();
        if target.is_none() && led.adding.is_empty() && led.removing.is_empty() {
            return Err(Rejection::new(ResponseError::NoReassignmentInProgress, ""));
        }
        let wanted = target.clone().unwrap_or_else(|| original.clone());
        check_manual(&self.node_ids(), std::slice::from_ref(&wanted), None)?;
        if !may_change_factor && wanted.len() != original.len() {
            return Err(Rejection::new(
                ResponseError::InvalidReplicationFactor,
                format!(
                    "The replication factor is changed from {} to {}",
                    original.len(),
                    wanted.len()
                ),
            ));
        }
        let mut record = topic.record(&topic.config(), Vec::new());
        if let Some(replicas) = record.replicas.get_mut(index as usize) {
            replicas.clone_from(&wanted);
        }
        self.store.write_topic(&record).map_err(|error| Rejection::storage(&error))?;
        self.count_election();
        let availability = self.nodes.availability();
        let find = |id: &i32| availability.iter().copied().find(|node| node.id == *id);
        let nodes: Vec<_> = wanted.iter().filter_map(find).collect();
        let now = self.clock.now();
        let moved = partition.disturb(|replication, end| {
            replication.cancel_reassignment(end);
            if target.is_some() {
                replication.reassign(&nodes, end, now);
            }
        });
        if let Some(moved) = moved {
            self.tell(&topic, index, moved);
        }
        Ok(())
    }
}
