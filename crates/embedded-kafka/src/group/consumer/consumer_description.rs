//! The description of a group in ConsumerGroupDescribe.

use std::collections::BTreeSet;

use super::ConsumerGroup;
use crate::records::Partitions;

/// A group with all of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DescribedConsumerGroup {
    pub(crate) state: &'static str,
    pub(crate) epoch: i32,
    pub(crate) assignment_epoch: i32,
    pub(crate) assignor: &'static str,
    pub(crate) members: Vec<DescribedConsumer>,
}

/// A member with its current and its target assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DescribedConsumer {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) epoch: i32,
    pub(crate) is_classic: bool,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) topics: BTreeSet<String>,
    pub(crate) regex: Option<String>,
    pub(crate) assigned: Partitions,
    pub(crate) target: Partitions,
}

impl ConsumerGroup {
    pub(in crate::group) fn state_name(&self) -> &'static str {
        self.state().name()
    }

    pub(super) fn describe(&self) -> DescribedConsumerGroup {
        let members = self.members.iter().map(|(id, member)| DescribedConsumer {
            member_id: id.clone(),
            instance_id: member.about.instance_id.clone(),
            rack_id: member.about.rack_id.clone(),
            epoch: member.current.epoch,
            is_classic: member.is_classic(),
            client_id: member.about.client_id.clone(),
            client_host: member.about.client_host.clone(),
            topics: member.about.topics.clone(),
            regex: member.about.regex.clone(),
            assigned: member.current.assigned.clone(),
            target: self.targets.get(id).cloned().unwrap_or_default(),
        });
        DescribedConsumerGroup {
            state: self.state_name(),
            epoch: self.epoch,
            assignment_epoch: self.assignment_epoch,
            assignor: self.assignor(),
            members: members.collect(),
        }
    }
}
