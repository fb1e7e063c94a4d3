//! Failover: a node stops, comes back or hands over, so leaders move, and coordinators move with
//! their partitions.
//!
//! A coordinator that moves is unloaded before its log may be truncated, and its state is loaded
//! again from the next leader's log, as in Kafka. One change of this kind runs at a time. All of
//! them read and write files, and so belong on a thread that may wait.

use std::sync::Arc;

use kafka_protocol::ResponseError;

use crate::coordinators::{read_offsets_topic, read_transaction_topic};
use crate::event::Event;
use crate::metadata::Topic;
use crate::metadata::names::{CONSUMER_OFFSETS, TRANSACTION_STATE, is_internal};
use crate::metadata::replication::Election;
use crate::rejection::Rejection;
use crate::state::State;
use crate::time::Timestamp;

impl State {
    /// Kills a node and closes its connections. The other nodes notice some time later.
    pub(crate) fn kill_node(&self, node: i32) {
        let _one_at_a_time = self.moving.lock();
        let missed_at = self.clock.now() + self.settings.failover_delay_ms;
        self.metadata.kill_node(node, missed_at);
        self.unload_coordinators(node);
        self.events.emit(|| Event::Node { node, what: "was killed" });
    }

    /// Shuts a node down in order: others lead its partitions, and know that it is down.
    pub(crate) fn stop_node(&self, node: i32) {
        let _one_at_a_time = self.moving.lock();
        self.unload_coordinators(node);
        self.metadata.fence_node(node);
        self.load_coordinators();
        self.events.emit(|| Event::Node { node, what: "was shut down" });
    }

    /// Starts a node again, which catches up.
    pub(crate) fn start_node(&self, node: i32) {
        let _one_at_a_time = self.moving.lock();
        if self.metadata.missed_nodes(Timestamp::MAX).contains(&node) {
            // It comes back before the others have noticed its absence. Kafka's controller treats
            // that as a new start all the same.
            self.metadata.fence_node(node);
        }
        self.unload_reassigned_coordinators();
        self.metadata.start_node(node);
        self.load_coordinators();
        self.events.emit(|| Event::Node { node, what: "was started" });
    }

    /// Pauses a node: it does nothing, and its sockets stay open. The others treat it like a dead
    /// node.
    pub(crate) fn pause_node(&self, node: i32) {
        let _one_at_a_time = self.moving.lock();
        let missed_at = self.clock.now() + self.settings.failover_delay_ms;
        self.metadata.pause_node(node, missed_at);
        self.unload_coordinators(node);
        self.events.emit(|| Event::Node { node, what: "was paused" });
    }

    /// Resumes a paused node. If the others have not noticed its absence, it still leads its
    /// partitions.
    pub(crate) fn resume_node(&self, node: i32) {
        let _one_at_a_time = self.moving.lock();
        self.unload_reassigned_coordinators();
        self.metadata.start_node(node);
        self.load_coordinators();
        self.events.emit(|| Event::Node { node, what: "goes on" });
    }

    /// Pauses the replication of a node: it fetches nothing from the leaders that it follows.
    pub(crate) fn pause_replication(&self, node: i32) {
        let _one_at_a_time = self.moving.lock();
        self.metadata.pause_replication(node);
        self.load_coordinators();
    }

    /// Resumes the replication of a node, which catches up.
    pub(crate) fn resume_replication(&self, node: i32) {
        let _one_at_a_time = self.moving.lock();
        self.unload_reassigned_coordinators();
        self.metadata.resume_replication(node);
        self.load_coordinators();
    }

    /// Elects leaders. Returns for each partition whether another node leads now.
    pub(crate) fn elect(&self, partitions: &[(Arc<Topic>, i32)], election: Election) -> Vec<bool> {
        let _one_at_a_time = self.moving.lock();
        let named = |topic: &str| -> Vec<i32> {
            let named = partitions.iter().filter(|(other, _)| &*other.name == topic);
            named.map(|(_, index)| *index).collect()
        };
        self.groups.unload(&named(CONSUMER_OFFSETS), self.clock.now());
        self.transactions.unload(&named(TRANSACTION_STATE));
        let moved = self.metadata.elect(partitions, election);
        self.load_coordinators();
        let is_moved = |topic: &Topic, index: i32| {
            moved.iter().any(|it| it.partition == index && it.topic == topic.name)
        };
        partitions.iter().map(|(topic, index)| is_moved(topic, *index)).collect()
    }

    /// Assigns other replicas to a partition, or cancels its reassignment without a `target`.
    ///
    /// # Errors
    /// As [`Metadata::reassign`](crate::metadata::Metadata::reassign).
    pub(crate) fn reassign(
        &self,
        topic: &str,
        partition: i32,
        target: Option<Vec<i32>>,
        may_change_factor: bool,
    ) -> Result<(), Rejection> {
        let _one_at_a_time = self.moving.lock();
        match topic {
            CONSUMER_OFFSETS => self.groups.unload(&[partition], self.clock.now()),
            TRANSACTION_STATE => self.transactions.unload(&[partition]),
            _ => {}
        }
        let reassigned = self.metadata.reassign(topic, partition, target, may_change_factor);
        self.load_coordinators();
        reassigned
    }

    /// Deletes a topic, and the state of groups and transactions about it. If it is a topic of the
    /// coordinators, they drop all that they stored there.
    ///
    /// # Errors
    /// As [`Metadata::delete_topic`](crate::metadata::Metadata::delete_topic).
    pub(crate) fn delete_topic(&self, topic: &Topic) -> Result<(), Rejection> {
        let now = self.clock.now();
        if !topic.is_internal() {
            self.metadata.delete_topic(topic)?;
            self.groups.delete_offsets_of_topics(&[&topic.name], now);
            return Ok(());
        }
        let _one_at_a_time = self.moving.lock();
        let partitions: Vec<i32> = topic.partitions().iter().map(|it| it.index).collect();
        match &*topic.name {
            CONSUMER_OFFSETS => self.groups.unload(&partitions, now),
            _ => self.transactions.unload(&partitions),
        }
        let deleted = self.metadata.delete_topic(topic);
        // The remaining state is read again.
        self.load_coordinators();
        deleted
    }

    /// Returns the node that coordinates a group. The first call creates `__consumer_offsets`.
    ///
    /// # Errors
    /// `COORDINATOR_NOT_AVAILABLE` if that fails; clients ask again after it.
    pub(crate) fn find_group_coordinator(&self, group: &str) -> Result<i32, ResponseError> {
        self.ensure_internal_topic(CONSUMER_OFFSETS)?;
        let coordinator = self.metadata.group_coordinator(group);
        coordinator.ok_or(ResponseError::CoordinatorNotAvailable)
    }

    /// Returns the node that coordinates a transactional id. The first call creates
    /// `__transaction_state`.
    ///
    /// # Errors
    /// `COORDINATOR_NOT_AVAILABLE` if that fails; clients ask again after it.
    pub(crate) fn find_transaction_coordinator(&self, id: &str) -> Result<i32, ResponseError> {
        self.ensure_internal_topic(TRANSACTION_STATE)?;
        let coordinator = self.metadata.transaction_coordinator(id);
        coordinator.ok_or(ResponseError::CoordinatorNotAvailable)
    }

    fn ensure_internal_topic(&self, name: &str) -> Result<(), ResponseError> {
        if self.metadata.topic(name).is_none() {
            self.metadata.ensure_internal_topic(name)?;
            self.topic_created(name);
        }
        Ok(())
    }

    /// Handles the creation of a topic. Coordinators with their state in it begin with an empty
    /// state.
    pub(crate) fn topic_created(&self, name: &str) {
        if is_internal(name) {
            let _one_at_a_time = self.moving.lock();
            self.load_coordinators();
        }
    }

    /// Returns whether [`tick_nodes`](Self::tick_nodes) has something to do.
    pub(crate) fn misses_a_node(&self, now: Timestamp) -> bool {
        !self.metadata.missed_nodes(now).is_empty()
    }

    /// Notices that nodes are down, and elects others in their place.
    pub(crate) fn tick_nodes(&self, now: Timestamp) {
        let _one_at_a_time = self.moving.lock();
        for node in self.metadata.missed_nodes(now) {
            self.metadata.fence_node(node);
        }
        self.load_coordinators();
    }

    /// Advances the time for the replicas, some of which may have fallen behind.
    pub(crate) fn tick_replicas(&self, now: Timestamp) {
        let _one_at_a_time = self.moving.lock();
        self.metadata.shrink_isr(self.settings.replica_lag_time_max_ms, now);
    }

    /// Retries what has failed: leaders for partitions that have none, coordinators whose log could
    /// not be read.
    pub(crate) fn retry_elections(&self) {
        let _one_at_a_time = self.moving.lock();
        self.metadata.elect_for_leaderless();
        self.load_coordinators();
    }

    fn unload_coordinators(&self, node: i32) {
        let groups = self.metadata.led_by(CONSUMER_OFFSETS, node);
        self.groups.unload(&groups, self.clock.now());
        self.transactions.unload(&self.metadata.led_by(TRANSACTION_STATE, node));
    }

    /// Unloads coordinators after a node that catches up has completed a reassignment, because
    /// another node leads then.
    fn unload_reassigned_coordinators(&self) {
        let groups = self.metadata.reassigned(CONSUMER_OFFSETS);
        self.groups.unload(&groups, self.clock.now());
        self.transactions.unload(&self.metadata.reassigned(TRANSACTION_STATE));
    }

    /// Loads the coordinators whose partitions have a leader.
    fn load_coordinators(&self) {
        let now = self.clock.now();
        let is_led = |topic: &str, partition: i32| {
            let partition = self.metadata.partition(topic, partition);
            partition.is_ok_and(|it| it.with(|it| it.replication.serving_leader()).is_some())
        };
        let led = |partitions: Vec<i32>, topic: &str| -> Vec<i32> {
            partitions.into_iter().filter(|partition| is_led(topic, *partition)).collect()
        };
        let wanted = led(self.groups.unloaded(), CONSUMER_OFFSETS);
        if !wanted.is_empty() {
            let read = read_offsets_topic(
                &self.metadata,
                |partition| wanted.contains(&partition),
                |partition, entry| self.groups.replay(partition, entry),
            );
            match read {
                Ok(()) => self.groups.finish_loading(|partition| wanted.contains(&partition), now),
                Err(error) => {
                    tracing::error!(%error, "groups could not be read by their next coordinator");
                    self.groups.unload(&wanted, now);
                }
            }
        }
        let wanted = led(self.transactions.unloaded(), TRANSACTION_STATE);
        if !wanted.is_empty() {
            let read = read_transaction_topic(
                &self.metadata,
                |partition| wanted.contains(&partition),
                |key, value| self.transactions.replay(key, value),
            );
            match read {
                Ok(()) => {
                    self.transactions.finish_loading(|partition| wanted.contains(&partition), now);
                }
                Err(error) => {
                    tracing::error!(%error, "transactions could not be read by their coordinator");
                    self.transactions.unload(&wanted);
                }
            }
        }
    }
}
