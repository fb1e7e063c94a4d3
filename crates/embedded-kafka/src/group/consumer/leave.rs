//! Removal of members: by their own request, by an administrator's, or because their session
//! expired.

use kafka_protocol::ResponseError;

use super::heartbeat::unknown_member;
use super::{
    ConsumerGroup, ConsumerHeartbeat, ConsumerMember, HeartbeatReply, LEAVES_FOR_A_WHILE,
    Partitions, Reconciliation,
};
use crate::group::{GroupEvent, Leaving, Step};
use crate::rejection::Rejection;

impl ConsumerGroup {
    /// Removes a member that leaves. Its partitions are free at once, unless it is a static member
    /// that is expected back: it keeps its assignment until its session expires.
    pub(super) fn leave(
        &mut self,
        group: &str,
        beat: &ConsumerHeartbeat,
        step: &mut Step<'_>,
    ) -> Result<HeartbeatReply, Rejection> {
        if let Some(instance_id) = &beat.instance_id {
            self.check_instance(instance_id, &beat.member_id)?;
        }
        let Some(member) = self.members.get_mut(&beat.member_id) else {
            return Err(unknown_member(&beat.member_id, group));
        };
        if beat.epoch == LEAVES_FOR_A_WHILE {
            member.current.epoch = LEAVES_FOR_A_WHILE;
            member.current.state = Reconciliation::Stable;
            member.current.revoking = Partitions::new();
            member.revocation_ends = None;
        } else {
            self.remove(&beat.member_id);
            step.events.push(GroupEvent::MemberLeft {
                group: group.to_owned(),
                member: beat.member_id.clone(),
            });
        }
        Ok(HeartbeatReply {
            member_id: beat.member_id.clone(),
            epoch: beat.epoch,
            interval_ms: 0,
            assignment: None,
        })
    }

    /// Removes a member for an administrator, with the request of the classic protocol.
    pub(super) fn remove_one(
        &mut self,
        group: &str,
        leaving: &Leaving,
        step: &mut Step<'_>,
    ) -> Result<(), ResponseError> {
        let member = match (&leaving.instance_id, leaving.member_id.as_str()) {
            (Some(instance_id), "") => {
                let found = self.static_member(instance_id).map(|(id, _)| id.clone());
                found.ok_or(ResponseError::UnknownMemberId)?
            }
            (Some(instance_id), id) => {
                self.check_instance(instance_id, id).map_err(|rejection| rejection.code)?;
                id.to_owned()
            }
            (None, id) if self.members.contains_key(id) => id.to_owned(),
            (None, _) => return Err(ResponseError::UnknownMemberId),
        };
        self.remove(&member);
        step.events.push(GroupEvent::MemberLeft { group: group.to_owned(), member });
        Ok(())
    }

    /// Removes the members whose session has expired, and those that have not revoked in time the
    /// partitions that others wait for.
    pub(super) fn expire(&mut self, group: &str, step: &mut Step<'_>) {
        let is_over = |at: Option<i64>| at.is_some_and(|at| at <= step.now);
        let is_due = |member: &ConsumerMember| member.timers().into_iter().any(is_over);
        let expired = self.members.iter().filter(|(_, member)| is_due(member));
        let expired = expired.map(|(id, _)| id.clone()).collect::<Vec<_>>();
        for member in expired {
            self.remove(&member);
            step.events.push(GroupEvent::MemberExpired { group: group.to_owned(), member });
        }
    }

    /// Frees the partitions: the other members receive them with their next heartbeats.
    fn remove(&mut self, member_id: &str) {
        self.members.remove(member_id);
        self.targets.remove(member_id);
        self.epoch += 1;
    }
}
