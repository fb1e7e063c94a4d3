//! The target assignment: the topics that the group reads, and the partitions of each member.

use std::collections::{BTreeMap, BTreeSet};

use super::assignor::{self, Subscriber};
use super::regex::whole;
use super::{ConsumerGroup, ConsumerHeartbeat, Topics};
use crate::config::group_defaults::ASSIGNORS;
use crate::time::Timestamp;

/// The time for which a match of a regular expression stays valid, in milliseconds: new topics are
/// found within this time. Kafka looks when topics have changed, every 10 s at most.
const RESOLVE_EVERY_MS: i64 = 1_000;

impl ConsumerGroup {
    pub(super) fn must_resolve(&self, now: Timestamp) -> bool {
        !self.resolved.is_empty() && self.resolved_at + RESOLVE_EVERY_MS <= now
    }

    /// Matches the members' regular expressions against the topics, if there are new ones or the
    /// last match is too old. Returns whether the result has changed.
    pub(super) fn resolve(
        &mut self,
        beat: &ConsumerHeartbeat,
        topics: &dyn Topics,
        now: Timestamp,
    ) -> bool {
        if beat.regex.is_none() && !self.must_resolve(now) {
            return false;
        }
        let texts = self.members.values().filter_map(|member| member.about.regex.as_ref());
        let texts = texts.collect::<BTreeSet<_>>();
        let resolve = |text: &String| {
            let regex = whole(text).ok()?;
            Some((text.clone(), topics.matching(&|name| regex.is_match(name))))
        };
        let resolved = texts.into_iter().filter_map(resolve).collect::<BTreeMap<_, _>>();
        self.resolved_at = now;
        let is_new = resolved != self.resolved;
        self.resolved = resolved;
        is_new
    }

    /// Begins a new epoch if the subscriptions or the topics have changed.
    pub(super) fn advance(&mut self, is_new_epoch: bool, topics: &dyn Topics) {
        let hash = self.hash_of_topics(topics);
        if is_new_epoch || hash != self.metadata_hash {
            self.epoch += 1;
            self.metadata_hash = hash;
        }
    }

    /// Returns a number that changes as soon as a topic that the group reads is created, is deleted
    /// or grows.
    pub(super) fn hash_of_topics(&self, topics: &dyn Topics) -> i64 {
        let names = self.members.values().flat_map(|member| self.topics_of(member));
        let mut hash = 0u64;
        for name in names.collect::<BTreeSet<_>>() {
            let Some((id, partitions)) = topics.find(name) else {
                continue;
            };
            for byte in id.as_bytes().iter().chain(&partitions.to_be_bytes()) {
                // FNV-1a: the same in every build, since the number outlives the process.
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
            hash ^= 0xcbf2_9ce4_8422_2325;
        }
        i64::from_ne_bytes(hash.to_ne_bytes())
    }

    /// Computes the target for the group's epoch.
    pub(super) fn assign(&mut self, topics: &dyn Topics) {
        let nothing = super::Partitions::new();
        let mut read = BTreeMap::new();
        let mut subscribers = BTreeMap::new();
        for (member_id, member) in &self.members {
            let mut ids = BTreeSet::new();
            for name in self.topics_of(member) {
                if let Some((id, partitions)) = topics.find(name) {
                    read.insert(id, partitions);
                    ids.insert(id);
                }
            }
            let subscriber = Subscriber {
                instance_id: member.about.instance_id.as_deref(),
                topics: ids,
                before: self.targets.get(member_id).unwrap_or(&nothing),
            };
            subscribers.insert(member_id.as_str(), subscriber);
        }
        let targets = assignor::assign(self.assignor(), &subscribers, &read);
        self.targets = targets;
        self.assignment_epoch = self.epoch;
    }

    /// Returns the assignor that most members ask for, the first of all if none of them does.
    pub(super) fn assignor(&self) -> &'static str {
        let votes = |name: &str| {
            let asks = |it: &&super::ConsumerMember| it.about.assignor.as_deref() == Some(name);
            self.members.values().filter(asks).count()
        };
        // Of several with as many votes the last is the greatest, and so the order is reversed.
        let elected = ASSIGNORS.into_iter().rev().max_by_key(|name| votes(name));
        elected.unwrap_or(ASSIGNORS[0])
    }
}
