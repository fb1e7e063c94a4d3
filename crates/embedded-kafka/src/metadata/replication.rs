//! The replicas of a partition, as positions in its one log: the leader, the followers, the in-sync
//! replicas, and the offset up to which every reader may read.
//!
//! A replica that follows has all records of the leader, at once and at no cost. One that is down
//! or paused keeps its position. It leaves the in-sync replicas (ISR), and the log is truncated to
//! its end if it is ever elected: records that only the old leader had are lost then.
//!
//! The high watermark is the least end of the ISR, and does not move while the ISR is smaller than
//! `min.insync.replicas`. Replicas that leave so small an ISR have all that is below it: they are
//! the eligible leader replicas (ELR, KIP-966), which may be elected when no replica in the ISR is
//! left. One that was killed is not eligible any more when it returns, because it may have lost
//! the end of its log. If no replica is eligible then, the last known leader leads again.
//!
//! This is a state machine without log, lock or clock. The caller that elects a leader truncates
//! the log first, and then calls [`Replication::lead`].

use crate::time::Timestamp;

/// Stands for "no leader", on the wire and in [`Leadership`].
pub(crate) const NO_LEADER: i32 = -1;

/// The leader and the replicas of a partition, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// The leader: the node for reads and writes, -1 while there is none.
    pub(crate) leader: i32,
    /// Counts the changes of leader (KIP-101).
    pub(crate) epoch: i32,
    /// All nodes that hold the partition, the preferred leader first.
    pub(crate) replicas: Vec<i32>,
    /// The replicas that have everything up to the high watermark (ISR).
    pub(crate) in_sync: Vec<i32>,
    /// The replicas whose nodes are down.
    pub(crate) offline: Vec<i32>,
    /// Replicas outside of the ISR that may be elected when no replica in it is left (KIP-966), by
    /// their ids, as Kafka lists them.
    pub(crate) eligible: Vec<i32>,
    /// The last leader, while the partition has none (`LastKnownElr`, KIP-966).
    pub(crate) last_known: Option<i32>,
    /// Replicas that a reassignment adds (KIP-455).
    pub(crate) adding: Vec<i32>,
    /// Replicas that a reassignment removes as soon as the added ones are in sync.
    pub(crate) removing: Vec<i32>,
}

/// The state of a node, which decides whether it can lead and follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeAvailability {
    pub(crate) id: i32,
    /// Tells whether it runs.
    pub(crate) is_up: bool,
    /// Tells whether it fetches nothing from other leaders.
    pub(crate) is_replication_paused: bool,
}

impl NodeAvailability {
    /// Returns a node that nothing disturbs.
    #[cfg(test)]
    pub(crate) fn up(id: i32) -> Self {
        Self { id, is_up: true, is_replication_paused: false }
    }
}

/// The rule of an election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Election {
    /// The preferred leader, if it is in sync.
    Preferred,
    /// Any replica in sync, if the leader is down.
    Clean,
    /// Any replica that is up, if none is in sync (`unclean.leader.election.enable`).
    Unclean,
}

/// One replica.
#[derive(Debug, Clone)]
struct Replica {
    node: i32,
    is_up: bool,
    /// Tells whether the cluster has fenced it, which happens some time after it stops.
    is_fenced: bool,
    is_replication_paused: bool,
    /// The offset at which it stopped, `None` while it has all records of the leader.
    stopped: Option<Stopped>,
}

#[derive(Debug, Clone, Copy)]
struct Stopped {
    end: i64,
    /// The high watermark that the replica itself knew.
    high_watermark: i64,
    /// The last time at which it had all records of the leader.
    since: Timestamp,
}

/// The replicas of one partition.
#[derive(Debug)]
pub(crate) struct Replication {
    /// The preferred leader first.
    replicas: Vec<Replica>,
    leader: Option<i32>,
    epoch: i32,
    in_sync: Vec<i32>,
    eligible: Vec<i32>,
    last_known: Option<i32>,
    high_watermark: i64,
    min_in_sync: usize,
    /// Tells whether all of the ISR follow, and are enough: the log's end is the high watermark.
    is_undisturbed: bool,
    adding: Vec<i32>,
    removing: Vec<i32>,
}

impl Replication {
    /// Returns replicas that all have a log up to `end`, in `epoch`. One that is up leads, the
    /// preferred one if possible.
    pub(crate) fn new(
        replicas: &[NodeAvailability],
        epoch: i32,
        min_in_sync: usize,
        end: i64,
    ) -> Self {
        let stopped = Stopped { end, high_watermark: end, since: Timestamp::MIN };
        let replica = |node: &NodeAvailability| Replica {
            node: node.id,
            is_up: node.is_up,
            is_fenced: !node.is_up,
            is_replication_paused: node.is_replication_paused,
            stopped: (!node.is_up || node.is_replication_paused).then_some(stopped),
        };
        let in_sync: Vec<i32> =
            replicas.iter().filter(|node| node.is_up).map(|node| node.id).collect();
        let mut replication = Self {
            replicas: replicas.iter().map(replica).collect(),
            leader: None,
            epoch,
            in_sync,
            eligible: Vec::new(),
            last_known: None,
            high_watermark: end,
            min_in_sync,
            is_undisturbed: false,
            adding: Vec::new(),
            removing: Vec::new(),
        };
        replication.leader = replication.candidate(Election::Clean);
        if replication.leader.is_none() {
            replication.eligible = replicas.iter().map(|node| node.id).collect();
        }
        replication.follow(end);
        replication
    }

    pub(crate) fn leader(&self) -> Option<i32> {
        self.leader
    }

    pub(crate) fn epoch(&self) -> i32 {
        self.epoch
    }

    /// Returns whether `node` leads and runs: a leader may be down before the cluster notices.
    pub(crate) fn is_led_by(&self, node: i32) -> bool {
        self.leader == Some(node) && self.replica(node).is_some_and(|replica| replica.is_up)
    }

    /// Returns the leader, if it runs.
    pub(crate) fn serving_leader(&self) -> Option<i32> {
        self.leader.filter(|leader| self.is_led_by(*leader))
    }

    pub(crate) fn holds(&self, node: i32) -> bool {
        self.replica(node).is_some()
    }

    /// Returns the high watermark: the offset up to which every reader may read, exclusive.
    pub(crate) fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// Returns the offset up to which a reader may read at `node`: a replica that has stopped knows
    /// the high watermark of that time.
    pub(crate) fn high_watermark_at(&self, node: i32) -> i64 {
        match self.replica(node).and_then(|replica| replica.stopped) {
            Some(stopped) => stopped.high_watermark.min(self.high_watermark),
            None => self.high_watermark,
        }
    }

    /// Returns the end of the log of the replica on `node`, of one log that ends at `end`.
    pub(crate) fn end_at(&self, node: i32, end: i64) -> i64 {
        let stopped = self.replica(node).and_then(|replica| replica.stopped);
        stopped.map_or(end, |stopped| stopped.end.min(end))
    }

    /// Returns the preferred read replica of the nodes `near` a reader, from `offset` on: the one
    /// that has most records, as Kafka chooses (KIP-392). `None` if the leader is near itself, or
    /// no other node there has the offset.
    pub(crate) fn preferred_replica(&self, near: &[i32], offset: i64, end: i64) -> Option<i32> {
        if self.leader.is_none_or(|leader| near.contains(&leader)) {
            return None;
        }
        let known = near.iter().copied().filter(|node| self.is_known(*node));
        let ends = known.map(|node| (self.end_at(node, end), node));
        ends.filter(|(end, _)| *end >= offset).max().map(|(_, node)| node)
    }

    /// Returns whether enough replicas are in sync for acks=all. As in Kafka, a topic cannot
    /// require more than there are replicas.
    pub(crate) fn meets_min_isr(&self) -> bool {
        self.in_sync.len() >= self.min_in_sync.min(self.replicas.len())
    }

    /// Returns whether a replica is out of place.
    #[cfg(test)]
    pub(crate) fn is_disturbed(&self) -> bool {
        !self.is_undisturbed || self.in_sync.len() < self.replicas.len()
    }

    pub(crate) fn leadership(&self) -> Leadership {
        let offline = self.replicas.iter().filter(|replica| replica.is_fenced);
        Leadership {
            leader: self.leader.unwrap_or(NO_LEADER),
            epoch: self.epoch,
            replicas: self.nodes(),
            in_sync: self.in_sync.clone(),
            offline: offline.map(|replica| replica.node).collect(),
            eligible: self.eligible.clone(),
            last_known: self.last_known,
            adding: self.adding.clone(),
            removing: self.removing.clone(),
        }
    }

    /// Moves the end of the leader's log to `end`.
    pub(crate) fn appended(&mut self, end: i64) {
        if self.is_undisturbed {
            self.high_watermark = end;
        } else {
            self.advance(end);
        }
    }

    /// Applies a change of `min.insync.replicas`.
    pub(crate) fn require_in_sync(&mut self, min_in_sync: usize, end: i64) {
        self.min_in_sync = min_in_sync;
        if self.meets_min_isr() {
            self.eligible.clear();
        }
        self.advance(end);
    }

    /// Notes that the node has died before the cluster knows: it stays in the ISR, and the leader
    /// if it was.
    pub(crate) fn mark_down(&mut self, node: i32, end: i64, now: Timestamp) {
        self.stop(node, end, now);
        if let Some(replica) = self.replica_mut(node) {
            replica.is_up = false;
        }
        self.advance(end);
    }

    /// Fences the node: it leaves the ISR, and does not lead any more. The caller elects a leader
    /// then.
    pub(crate) fn fence(&mut self, node: i32, end: i64, now: Timestamp) {
        if !self.holds(node) {
            return;
        }
        self.mark_down(node, end, now);
        if let Some(replica) = self.replica_mut(node) {
            replica.is_fenced = true;
        }
        let in_sync = self.in_sync.iter().copied().filter(|other| *other != node).collect();
        self.set_in_sync(in_sync);
        if self.leader == Some(node) {
            self.step_down();
        }
        self.advance(end);
    }

    /// Brings the node back with the log that it had. One that was killed may have lost the end of
    /// it, as far as the cluster knows, so having been in sync does not make it electable
    /// (KIP-966).
    pub(crate) fn start(&mut self, node: i32, was_killed: bool, end: i64) {
        let Some(replica) = self.replica_mut(node) else {
            return;
        };
        replica.is_up = true;
        replica.is_fenced = false;
        if was_killed {
            self.eligible.retain(|other| *other != node);
        }
        self.follow(end);
    }

    /// Stops the node's fetching.
    pub(crate) fn pause(&mut self, node: i32, end: i64, now: Timestamp) {
        let Some(replica) = self.replica_mut(node) else {
            return;
        };
        replica.is_replication_paused = true;
        if self.leader != Some(node) {
            self.stop(node, end, now);
        }
        self.advance(end);
    }

    /// Resumes the node's fetching, so that it catches up.
    pub(crate) fn resume(&mut self, node: i32, end: i64) {
        if let Some(replica) = self.replica_mut(node) {
            replica.is_replication_paused = false;
            self.follow(end);
        }
    }

    /// Removes from the ISR the replicas that have been behind for longer than `longest` (in ms,
    /// `replica.lag.time.max.ms`). Returns whether there were any.
    pub(crate) fn shrink_isr(&mut self, longest: i64, end: i64, now: Timestamp) -> bool {
        if self.is_undisturbed || self.serving_leader().is_none() {
            return false;
        }
        let lags = |node: i32| match self.replica(node).and_then(|replica| replica.stopped) {
            Some(stopped) => stopped.end < end && now.saturating_sub(stopped.since) > longest,
            None => false,
        };
        let in_sync: Vec<i32> = self.in_sync.iter().copied().filter(|node| !lags(*node)).collect();
        let is_smaller = in_sync.len() < self.in_sync.len();
        if is_smaller {
            self.set_in_sync(in_sync);
            self.advance(end);
        }
        is_smaller
    }

    /// Returns the next leader, `None` if no node can lead or the leader stays.
    pub(crate) fn candidate(&self, election: Election) -> Option<i32> {
        let is_valid = |node: i32| {
            let is_eligible = self.in_sync.is_empty() && self.eligible.contains(&node);
            self.is_known(node) && (self.in_sync.contains(&node) || is_eligible)
        };
        let nodes = || self.replicas.iter().map(|replica| replica.node);
        if election == Election::Preferred
            && let Some(preferred) = nodes().next().filter(|node| is_valid(*node))
        {
            return Some(preferred).filter(|node| self.leader != Some(*node));
        }
        if self.leader.is_some_and(is_valid) {
            return None;
        }
        let last_known = || {
            let is_last_resort = self.in_sync.is_empty() && self.eligible.is_empty();
            self.last_known.filter(|node| is_last_resort && self.is_known(*node))
        };
        let unclean = || {
            let is_allowed = election == Election::Unclean;
            nodes().find(|node| is_allowed && self.is_known(*node))
        };
        nodes().find(|node| is_valid(*node)).or_else(last_known).or_else(unclean)
    }

    /// Makes the node the leader, with a log that was truncated to `end`, the end of its own.
    pub(crate) fn lead(&mut self, node: i32, end: i64) {
        if !self.in_sync.contains(&node) {
            // Records that only other replicas had are lost.
            self.in_sync = vec![node];
            if !self.eligible.contains(&node) {
                // After an unclean election the others may have records that the leader lacks.
                self.eligible.clear();
            }
        }
        self.eligible.retain(|other| *other != node);
        self.last_known = None;
        self.epoch += 1;
        for replica in &mut self.replicas {
            if let Some(stopped) = &mut replica.stopped {
                stopped.end = stopped.end.min(end);
                stopped.high_watermark = stopped.high_watermark.min(end);
            }
        }
        self.high_watermark = self.high_watermark.min(end);
        if let Some(before) = self.leader.replace(node) {
            // A paused node that led before follows now, and fetches nothing.
            let paused = self.replica(before).is_some_and(|replica| replica.is_replication_paused);
            if paused {
                self.stop(before, end, Timestamp::MIN);
            }
        }
        self.follow(end);
    }

    /// Makes `target` the replicas, as soon as all of them are in sync (KIP-455). Those in `added`
    /// have nothing yet. Until then both the old and the new ones are replicas.
    pub(crate) fn reassign(&mut self, target: &[NodeAvailability], end: i64, now: Timestamp) {
        let wanted = |node: i32| target.iter().any(|other| other.id == node);
        let kept = self.nodes();
        // The nodes that an earlier reassignment added are not replicas yet.
        let original: Vec<i32> =
            kept.iter().copied().filter(|node| !self.adding.contains(node)).collect();
        self.adding =
            target.iter().map(|node| node.id).filter(|id| !original.contains(id)).collect();
        self.removing = original.iter().copied().filter(|node| !wanted(*node)).collect();
        let mut replicas = Vec::new();
        for node in target {
            let present = self.replica(node.id).cloned();
            replicas.push(present.unwrap_or(Replica {
                node: node.id,
                is_up: node.is_up,
                is_fenced: !node.is_up,
                is_replication_paused: node.is_replication_paused,
                stopped: Some(Stopped { end: 0, high_watermark: 0, since: now }),
            }));
        }
        let leaving = self.replicas.iter().filter(|replica| self.removing.contains(&replica.node));
        replicas.extend(leaving.cloned());
        self.replicas = replicas;
        let nodes = self.nodes();
        self.in_sync.retain(|node| nodes.contains(node));
        self.eligible.retain(|node| nodes.contains(node));
        self.follow(end);
    }

    /// Cancels a reassignment. Returns whether there was one.
    pub(crate) fn cancel_reassignment(&mut self, end: i64) -> bool {
        let is_reassigned = self.is_reassigned();
        let added = std::mem::take(&mut self.adding);
        self.removing.clear();
        self.retain(|node| !added.contains(&node), end);
        is_reassigned
    }

    /// Returns whether a reassignment is in progress.
    pub(crate) fn is_reassigned(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// Returns whether a reassignment can complete.
    pub(crate) fn is_reassignment_due(&self) -> bool {
        self.is_reassigned()
            && self
                .nodes()
                .iter()
                .all(|node| self.in_sync.contains(node) || self.removing.contains(node))
    }

    /// Completes a reassignment that is due. If the leader is removed, the caller elects another.
    pub(crate) fn complete_reassignment(&mut self, end: i64) {
        let removed = std::mem::take(&mut self.removing);
        self.adding.clear();
        self.retain(|node| !removed.contains(&node), end);
    }

    fn retain(&mut self, keep: impl Fn(i32) -> bool, end: i64) {
        self.replicas.retain(|replica| keep(replica.node));
        self.in_sync.retain(|node| keep(*node));
        self.eligible.retain(|node| keep(*node));
        if self.leader.is_some_and(|leader| !keep(leader)) {
            self.step_down();
        }
        self.advance(end);
    }

    fn step_down(&mut self) {
        self.epoch += 1;
        if self.in_sync.is_empty() {
            self.last_known = self.leader;
        }
        self.leader = None;
        self.is_undisturbed = false;
    }

    /// Keeps replicas eligible that leave an ISR that is smaller than it has to be, and those that
    /// were before.
    fn set_in_sync(&mut self, in_sync: Vec<i32>) {
        let before = std::mem::replace(&mut self.in_sync, in_sync);
        if self.meets_min_isr() {
            self.eligible.clear();
            return;
        }
        self.eligible.extend(before);
        self.eligible.retain(|node| !self.in_sync.contains(node));
        self.eligible.sort_unstable();
        self.eligible.dedup();
    }

    /// Lets every replica that can follow a leader catch up with it, and enter the ISR.
    fn follow(&mut self, end: i64) {
        let Some(leader) = self.serving_leader() else {
            return self.advance(end);
        };
        for replica in &mut self.replicas {
            if replica.is_up && (replica.node == leader || !replica.is_replication_paused) {
                replica.stopped = None;
                if !self.in_sync.contains(&replica.node) {
                    self.in_sync.push(replica.node);
                }
            }
        }
        let in_sync = std::mem::take(&mut self.in_sync);
        self.eligible.retain(|node| !in_sync.contains(node));
        self.set_in_sync(in_sync);
        self.advance(end);
    }

    fn stop(&mut self, node: i32, end: i64, now: Timestamp) {
        let high_watermark = self.high_watermark;
        if let Some(replica) = self.replica_mut(node)
            && replica.stopped.is_none()
        {
            replica.stopped = Some(Stopped { end, high_watermark, since: now });
        }
    }

    /// Advances the high watermark as far as possible.
    fn advance(&mut self, end: i64) {
        let least = self.in_sync.iter().map(|node| self.end_at(*node, end)).min();
        let follows =
            |node: &i32| self.replica(*node).is_some_and(|replica| replica.stopped.is_none());
        let is_enough = self.serving_leader().is_some() && self.meets_min_isr();
        self.is_undisturbed = is_enough && self.in_sync.iter().all(follows);
        if is_enough && let Some(least) = least {
            self.high_watermark = self.high_watermark.max(least);
        }
    }

    fn nodes(&self) -> Vec<i32> {
        self.replicas.iter().map(|replica| replica.node).collect()
    }

    /// Returns whether the cluster considers the node up.
    fn is_known(&self, node: i32) -> bool {
        self.replica(node).is_some_and(|replica| !replica.is_fenced)
    }

    fn replica(&self, node: i32) -> Option<&Replica> {
        self.replicas.iter().find(|replica| replica.node == node)
    }

    fn replica_mut(&mut self, node: i32) -> Option<&mut Replica> {
        self.replicas.iter_mut().find(|replica| replica.node == node)
    }
}

#[cfg(test)]
#[path = "replication_tests.rs"]
mod tests;
