//! The requests of the consumer protocol for all groups: a step's changes are written before they
//! count, and a group without members changes from one protocol to the other.

use kafka_protocol::ResponseError;
use tracing::{debug, warn};

use super::store::changes;
use super::{
    ConsumerGroup, ConsumerGroupState, ConsumerHeartbeat, DescribedConsumerGroup, FetchingMember,
    HeartbeatReply, Topics,
};
use crate::group::group_coordinator::{GroupCoordinator, is_valid_group_id};
use crate::group::messages::{JoinRejection, JoinReply};
use crate::group::state_machine::{Group, State};
use crate::group::{GroupEvent, JoinRequest, Leaving, Step};
use crate::records::{ConsumerGroupKey, GroupMetadataKey};
use crate::rejection::Rejection;
use crate::time::Timestamp;

impl GroupCoordinator {
    /// Handles ConsumerGroupHeartbeat.
    pub(crate) fn consumer_heartbeat(
        &self,
        group_id: &str,
        beat: &ConsumerHeartbeat,
        topics: &dyn Topics,
        now: Timestamp,
    ) -> Result<HeartbeatReply, Rejection> {
        if !is_valid_group_id(group_id) {
            return Err(ResponseError::InvalidGroupId.into());
        }
        let cell = match self.find(group_id) {
            Some(cell) => cell,
            None if beat.epoch == 0 => self.find_or_open(group_id, now)?,
            None if self.is_unloaded(self.log.partition_for(group_id)) => {
                return Err(ResponseError::CoordinatorLoadInProgress.into());
            }
            None => {
                let kind = if beat.leaves() { "Group" } else { "Consumer group" };
                let message = format!("{kind} {group_id} not found.");
                return Err(Rejection::new(ResponseError::GroupIdNotFound, message));
            }
        };
        self.step(&cell, now, |group, step| self.beat(group, beat, topics, step))
    }

    fn beat(
        &self,
        group: &mut Group,
        beat: &ConsumerHeartbeat,
        topics: &dyn Topics,
        step: &mut Step<'_>,
    ) -> Result<HeartbeatReply, Rejection> {
        if group.state == State::Dead {
            return Err(ResponseError::CoordinatorNotAvailable.into());
        }
        let (is_free, can_be_upgraded) = (group.has_no_members(), group.can_be_upgraded());
        let mut next = match &mut group.consumer {
            Some(current) if current.is_quiet(beat, topics, step) => {
                current.renew_session(&beat.member_id, step);
                return Ok(HeartbeatReply {
                    member_id: beat.member_id.clone(),
                    epoch: beat.epoch,
                    interval_ms: step.settings.consumer_heartbeat_interval_ms,
                    assignment: None,
                });
            }
            Some(current) => ConsumerGroup::clone(current),
            None if beat.epoch == 0 && is_free => ConsumerGroup::new(),
            None if beat.epoch == 0 && can_be_upgraded => {
                ConsumerGroup::of_classic(group, topics, step)?
            }
            None => {
                let has_members = !group.members.is_empty();
                let message = if beat.epoch == 0 && has_members {
                    format!(
                        "Cannot upgrade classic group {} to consumer group because the group does \
                         not use the consumer embedded protocol.",
                        group.id
                    )
                } else {
                    format!("Group {} is not a consumer group.", group.id)
                };
                return Err(Rejection::new(ResponseError::GroupIdNotFound, message));
            }
        };
        let events = step.events.len();
        let answer = if beat.leaves() {
            next.leave(&group.id, beat, step)
        } else {
            next.heartbeat(&group.id, beat, topics, step)
        };
        let done = answer.and_then(|answer| {
            self.adopt(group, next, step)?;
            Ok(answer)
        });
        if done.is_err() {
            // The step failed, so its events did not happen.
            step.events.truncate(events);
        }
        done
    }

    /// Writes the changes of a group, and applies them.
    fn adopt(
        &self,
        group: &mut Group,
        next: ConsumerGroup,
        step: &mut Step<'_>,
    ) -> Result<(), ResponseError> {
        if next.is_all_classic() {
            return self.downgrade(group, &next, step);
        }
        let mut records = Vec::new();
        if group.is_stored {
            records.push((GroupMetadataKey { group: group.id.clone() }.encode(), None));
        }
        records.extend(changes(&group.id, group.consumer.as_deref(), Some(&next), step.now));
        self.append_if_any(&group.id, records)?;
        let was_stable = group.consumer.as_ref().is_some_and(|it| is_stable(it));
        if !was_stable && is_stable(&next) {
            step.events.push(GroupEvent::Stable {
                group: group.id.clone(),
                generation: next.epoch,
                members: next.members.keys().cloned().collect(),
            });
        }
        if next.is_empty() {
            group.state_since = step.now;
        }
        group.become_consumer_group(next);
        Ok(())
    }

    /// Downgrades the group after its last member of the consumer protocol has left: it is a
    /// classic group from now on, and its members must join again.
    fn downgrade(
        &self,
        group: &mut Group,
        next: &ConsumerGroup,
        step: &mut Step<'_>,
    ) -> Result<(), ResponseError> {
        // Kafka continues with the epoch in which the last of them was a member.
        let epoch = group.consumer.as_ref().map_or(next.epoch, |current| current.epoch);
        let classic = Group::of_members(&group.id, epoch, next.to_classic(step), step.now);
        let mut records = changes(&group.id, group.consumer.as_deref(), None, step.now);
        let key = GroupMetadataKey { group: group.id.clone() };
        records.push((key.encode(), Some(classic.to_record(None).encode())));
        self.append_if_any(&group.id, records)?;
        group.become_classic(classic);
        let reason = format!("Downgrade group {} from consumer to classic.", group.id);
        group.prepare_rebalance(&reason, step);
        Ok(())
    }

    /// Handles JoinGroup for a group of the consumer protocol with members.
    pub(in crate::group) fn join_consumer_group(
        &self,
        group: &mut Group,
        request: &JoinRequest,
        topics: &dyn Topics,
        step: &mut Step<'_>,
    ) -> JoinReply {
        let rejected = |error| JoinRejection { error, member_id: request.member_id.clone() };
        let Some(mut next) = group.consumer.as_deref().cloned() else {
            return Err(rejected(ResponseError::UnknownMemberId));
        };
        let events = step.events.len();
        let answer = next.join_classic(&group.id, request, topics, step);
        let answer = answer.and_then(|joined| {
            self.adopt(group, next, step).map_err(rejected)?;
            Ok(joined)
        });
        if answer.is_err() {
            step.events.truncate(events);
        }
        answer
    }

    /// Converts a group without members to the classic protocol, because a classic client joins.
    pub(in crate::group) fn downgrade_group(
        &self,
        group: &mut Group,
        step: &Step<'_>,
    ) -> Result<(), ResponseError> {
        match &group.consumer {
            None => Ok(()),
            Some(consumer) if consumer.is_empty() => {
                let records = changes(&group.id, Some(consumer), None, step.now);
                self.append_if_any(&group.id, records)?;
                group.consumer = None;
                Ok(())
            }
            Some(_) => Err(ResponseError::InconsistentGroupProtocol),
        }
    }

    /// Returns the tombstones of a group of the consumer protocol.
    pub(in crate::group) fn consumer_tombstones(
        group: &Group,
        now: Timestamp,
    ) -> Vec<(bytes::Bytes, Option<bytes::Bytes>)> {
        changes(&group.id, group.consumer.as_deref(), None, now)
    }

    /// Returns whether a classic member's requests are for a group of the consumer protocol.
    pub(in crate::group) fn is_consumer_group(group: &Group) -> bool {
        group.consumer.as_ref().is_some_and(|consumer| !consumer.is_empty())
    }

    /// Handles LeaveGroup for a group of the consumer protocol: one result for each member.
    pub(in crate::group) fn leave_consumer_group(
        &self,
        group: &mut Group,
        leaving: &[Leaving],
        step: &mut Step<'_>,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        let Some(mut next) = group.consumer.as_deref().cloned() else {
            return Ok(vec![Err(ResponseError::UnknownMemberId); leaving.len()]);
        };
        let id = group.id.clone();
        let answers = leaving.iter().map(|it| next.remove_one(&id, it, step)).collect();
        self.adopt(group, next, step)?;
        Ok(answers)
    }

    /// Removes the members of a group whose timers have ended. A failed write is tried again.
    pub(in crate::group) fn expire_consumers(&self, group: &mut Group, step: &mut Step<'_>) {
        let Some(current) = &group.consumer else {
            return;
        };
        if current.due().is_none_or(|due| due > step.now) {
            return;
        }
        let mut next = ConsumerGroup::clone(current);
        let events = step.events.len();
        next.expire(&group.id, step);
        if let Err(error) = self.adopt(group, next, step) {
            step.events.truncate(events);
            warn!(group = group.id, %error, "an expired member could not be removed");
        }
    }

    /// Handles ConsumerGroupDescribe.
    pub(crate) fn describe_consumer_group(
        &self,
        group_id: &str,
    ) -> Result<DescribedConsumerGroup, Rejection> {
        let not_found = |what: &str| {
            let message = format!("Group {group_id} {what}.");
            Rejection::new(ResponseError::GroupIdNotFound, message)
        };
        let cell = self.find(group_id).ok_or_else(|| not_found("not found"))?;
        let group = cell.group.lock();
        let consumer = group.consumer.as_ref();
        Ok(consumer.ok_or_else(|| not_found("is not a consumer group"))?.describe())
    }

    /// Checks whether a member may fetch offsets: in a group of the consumer protocol, a member of
    /// this epoch.
    pub(crate) fn check_fetch(
        &self,
        group_id: &str,
        fetching: &FetchingMember,
    ) -> Result<(), ResponseError> {
        let Some(cell) = self.find(group_id) else {
            return Ok(());
        };
        let group = cell.group.lock();
        group.consumer.as_ref().map_or(Ok(()), |consumer| consumer.check_fetch(fetching))
    }

    /// Loads a record of a group of the consumer protocol, before the first request.
    pub(in crate::group) fn replay_consumer_group(
        &self,
        key: ConsumerGroupKey,
        value: Option<&[u8]>,
    ) {
        let group_id = key.group().to_owned();
        let cell = self.find_or_create(&group_id, 0);
        let mut group = cell.group.lock();
        if value.is_none() && matches!(key, ConsumerGroupKey::Group { .. }) {
            group.consumer = None;
            return;
        }
        if value.is_none() && group.consumer.is_none() {
            return;
        }
        let consumer = group.consumer.get_or_insert_with(|| Box::new(ConsumerGroup::new()));
        if let Err(error) = consumer.replay(key, value) {
            debug!(group = group_id, %error, "a record of a group that cannot be read");
        }
    }
}

fn is_stable(group: &ConsumerGroup) -> bool {
    group.state() == ConsumerGroupState::Stable
}
