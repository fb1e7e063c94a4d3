//! The nodes: which of them run, which are paused, and what happens to their partitions.
//!
//! The cluster notices a killed node only some time later, as in Kafka, when its session with the
//! controller expires. Until then the node stays in the metadata and leads its partitions, and its
//! clients receive no response. A node that is shut down in order hands over first.

use std::sync::Arc;

use super::node_list::{Node, Voter};
use super::partition::Moved;
use super::replication::{Election, Replication};
use super::{Metadata, Partition, Topic};
use crate::event::Event;
use crate::time::Timestamp;

/// A partition that has another leader.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

impl Metadata {
    /// Returns the nodes that are down, once the others know.
    pub(crate) fn fenced_nodes(&self) -> Vec<Node> {
        self.nodes.fenced()
    }

    /// Returns all nodes as replicas of the cluster's metadata.
    pub(crate) fn voters(&self) -> Vec<Voter> {
        self.nodes.voters()
    }

    /// Returns whether there is such a node, up or not.
    pub(crate) fn has_node(&self, node: i32) -> bool {
        self.nodes.availability().iter().any(|other| other.id == node)
    }

    /// Returns whether the node fetches nothing from other leaders.
    pub(crate) fn is_replication_paused(&self, node: i32) -> bool {
        self.nodes
            .availability()
            .iter()
            .any(|other| other.id == node && other.is_replication_paused)
    }

    /// Kills a node. The cluster notices at `missed_at`.
    pub(crate) fn kill_node(&self, node: i32, missed_at: Timestamp) {
        self.mark_down(node, missed_at, true);
    }

    /// Pauses a node, which does nothing and has lost nothing. The cluster notices at `missed_at`.
    pub(crate) fn pause_node(&self, node: i32, missed_at: Timestamp) {
        self.mark_down(node, missed_at, false);
    }

    fn mark_down(&self, node: i32, missed_at: Timestamp, was_killed: bool) {
        let _one_at_a_time = self.changing.lock();
        let left_at = (self.changes(), self.clock.now());
        self.nodes.change(node, |state| {
            if state.is_up {
                state.left_at = Some(left_at);
            }
            // A node that is killed while it is paused was fenced already, or will be soon.
            if state.is_up {
                state.missed_at = Some(missed_at);
            }
            state.is_up = false;
            state.was_killed |= was_killed;
        });
        let now = self.clock.now();
        self.disturb(|partition| {
            partition.disturb(|replication, end| replication.mark_down(node, end, now))
        });
    }

    /// Returns the nodes whose absence the cluster notices by now.
    pub(crate) fn missed_nodes(&self, now: Timestamp) -> Vec<i32> {
        self.nodes.missed(now)
    }

    /// Fences a node, once the others know that it is down: it leaves every ISR, and others lead.
    pub(crate) fn fence_node(&self, node: i32) -> Vec<Move> {
        let _one_at_a_time = self.changing.lock();
        let left_at = (self.changes(), self.clock.now());
        self.nodes.change(node, |state| {
            if state.is_up {
                state.left_at = Some(left_at);
            }
            state.is_up = false;
            state.missed_at = None;
        });
        let now = self.clock.now();
        self.count_election();
        self.disturb(|partition| {
            partition.disturb(|replication, end| replication.fence(node, end, now))
        })
    }

    /// Starts a node again, or resumes it. It may lead the partitions that no other node could.
    pub(crate) fn start_node(&self, node: i32) -> Vec<Move> {
        let _one_at_a_time = self.changing.lock();
        let before = self.nodes.change(node, |state| {
            state.is_up = true;
            state.was_killed = false;
            state.missed_at = None;
        });
        let was_killed = before.is_some_and(|before| before.was_killed);
        self.count_election();
        self.disturb(|partition| {
            partition.disturb(|replication, end| replication.start(node, was_killed, end))
        })
    }

    /// Pauses the replication of a node: it fetches nothing from other leaders.
    pub(crate) fn pause_replication(&self, node: i32) -> Vec<Move> {
        let _one_at_a_time = self.changing.lock();
        self.nodes.change(node, |state| state.is_replication_paused = true);
        let now = self.clock.now();
        self.disturb(|partition| {
            partition.disturb(|replication, end| replication.pause(node, end, now))
        })
    }

    /// Resumes the replication of a node.
    pub(crate) fn resume_replication(&self, node: i32) -> Vec<Move> {
        let _one_at_a_time = self.changing.lock();
        self.nodes.change(node, |state| state.is_replication_paused = false);
        self.disturb(|partition| {
            partition.disturb(|replication, end| replication.resume(node, end))
        })
    }

    /// Returns whether a node is down, or its replicas do not fetch.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.nodes.availability().iter().any(|node| node.is_replication_paused || !node.is_up)
    }

    /// Removes from each ISR the replicas that have been behind for longer than `longest` (in ms).
    pub(crate) fn shrink_isr(&self, longest: i64, now: Timestamp) {
        let _one_at_a_time = self.changing.lock();
        self.disturb(|partition| {
            partition.disturb(|replication, end| {
                replication.shrink_isr(longest, end, now);
            })
        });
    }

    /// Elects leaders for some partitions, under the caller's rules.
    pub(crate) fn elect(&self, partitions: &[(Arc<Topic>, i32)], election: Election) -> Vec<Move> {
        let _one_at_a_time = self.changing.lock();
        self.count_election();
        let moved = partitions.iter().filter_map(|(topic, index)| {
            let partition = topic.partition(*index)?;
            partition.elect(election).map(|moved| self.tell(topic, *index, moved))
        });
        moved.collect()
    }

    /// Elects leaders for the partitions without one, if a node can lead now.
    pub(crate) fn elect_for_leaderless(&self) {
        let _one_at_a_time = self.changing.lock();
        let is_leaderless =
            |partition: &Partition| partition.with(|it| it.replication.leader().is_none());
        let topics = self.topics();
        let mut partitions = topics.iter().flat_map(|topic| topic.partitions().to_vec());
        if partitions.any(|partition| is_leaderless(&partition)) {
            self.count_election();
            self.disturb(|partition| {
                if is_leaderless(partition) { partition.elect(Election::Clean) } else { None }
            });
        }
    }

    /// Returns the partitions of a topic that `node` leads.
    pub(crate) fn led_by(&self, topic: &str, node: i32) -> Vec<i32> {
        self.partitions_where(topic, |it| it.leader() == Some(node))
    }

    /// Returns the partitions of a topic with a reassignment in progress.
    pub(crate) fn reassigned(&self, topic: &str) -> Vec<i32> {
        self.partitions_where(topic, Replication::is_reassigned)
    }

    fn partitions_where(&self, topic: &str, is_so: impl Fn(&Replication) -> bool) -> Vec<i32> {
        let partitions = self.topic(topic).map(|topic| topic.partitions());
        let partitions = partitions.iter().flat_map(|partitions| partitions.iter());
        let wanted = partitions.filter(|partition| partition.with(|it| is_so(&it.replication)));
        wanted.map(|partition| partition.index).collect()
    }

    fn disturb(&self, action: impl Fn(&Partition) -> Option<Moved>) -> Vec<Move> {
        let mut moves = Vec::new();
        for topic in self.topics() {
            for partition in topic.partitions().iter() {
                let before = self.events.are_heard().then(|| partition.leadership().in_sync);
                if let Some(moved) = action(partition) {
                    moves.push(self.tell(&topic, partition.index, moved));
                }
                if let Some(before) = before {
                    self.tell_in_sync(&topic, partition, &before);
                }
            }
        }
        moves
    }

    pub(super) fn tell(&self, topic: &Topic, partition: i32, moved: Moved) -> Move {
        self.events.emit(|| Event::LeaderMoved {
            topic: topic.name.to_string(),
            partition,
            from: moved.from,
            to: moved.to,
            epoch: moved.epoch,
        });
        Move { topic: Arc::clone(&topic.name), partition }
    }

    fn tell_in_sync(&self, topic: &Topic, partition: &Partition, before: &[i32]) {
        let in_sync = partition.leadership().in_sync;
        if in_sync != before {
            self.events.emit(|| Event::InSyncChanged {
                topic: topic.name.to_string(),
                partition: partition.index,
                in_sync,
            });
        }
    }

    /// Persists that leader epochs increase, before they do.
    pub(super) fn count_election(&self) {
        let mut counters = self.counters.lock();
        let mut record = counters.record.clone();
        // A leader may stop and another take over, and the same again if a reassignment ends with
        // it.
        record.elections += 4;
        if let Err(error) = self.store.write_cluster(&record) {
            tracing::warn!(%error, "an election was not persisted");
        }
        counters.record = record;
    }
}
