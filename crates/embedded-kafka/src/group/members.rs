//! Heartbeat, LeaveGroup, and the expiry of members.

use kafka_protocol::ResponseError;

use super::messages::Leaving;
use super::state_machine::{Group, JoinTimer, State};
use super::{GroupEvent, Step};
use crate::time::Timestamp;

/// A timer of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    PendingJoin(String),
    Session(String),
    Join,
    Sync,
}

impl Group {
    /// Renews a member's session, and returns whether a rebalance is in progress.
    pub(crate) fn heartbeat(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        step: &Step<'_>,
    ) -> Result<(), ResponseError> {
        if self.state == State::Dead {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        self.validate_member(member_id, instance_id)?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        self.renew_session(member_id, step);
        match self.state {
            State::Empty | State::Dead => Err(ResponseError::UnknownMemberId),
            State::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            State::CompletingRebalance | State::Stable => Ok(()),
        }
    }

    pub(super) fn renew_session(&mut self, member_id: &str, step: &Step<'_>) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.renew_session(step);
        }
    }

    /// Removes members, and returns a result for each of them in turn.
    pub(crate) fn leave(
        &mut self,
        leaving: &[Leaving],
        step: &mut Step<'_>,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        if self.state == State::Dead {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        let answers = leaving.iter().map(|member| self.leave_one(member, step)).collect::<Vec<_>>();
        if answers.iter().any(Result::is_ok) {
            let reasons = leaving.iter().map(|member| member.reason.as_str()).collect::<Vec<_>>();
            let reason = format!("members left: {}", reasons.join(", "));
            match self.state {
                State::Stable | State::CompletingRebalance => {
                    self.rebalance_or_complete_join(&reason, step);
                }
                State::PreparingRebalance => self.complete_join_if_all_joined(step),
                State::Empty | State::Dead => {}
            }
        }
        Ok(answers)
    }

    fn leave_one(&mut self, leaving: &Leaving, step: &mut Step<'_>) -> Result<(), ResponseError> {
        let instance_id = leaving.instance_id.as_deref();
        let member = if leaving.member_id.is_empty() {
            let current = instance_id.and_then(|instance_id| self.static_member_id(instance_id));
            current.ok_or(ResponseError::UnknownMemberId)?
        } else if self.pending_joins.remove(&leaving.member_id).is_some() {
            return Ok(());
        } else {
            self.validate_member(&leaving.member_id, instance_id)?;
            leaving.member_id.clone()
        };
        self.remove_member(&member);
        step.events.push(GroupEvent::MemberLeft { group: self.id.clone(), member });
        Ok(())
    }

    /// Runs the due timers: sessions that have expired, phases that have lasted long enough. Each
    /// fires once at most, in the order of their times.
    pub(crate) fn expire(&mut self, step: &mut Step<'_>) {
        let mut due = self.all_due(step.now);
        due.sort_by_key(|(at, _)| *at);
        for (at, what) in due {
            // An earlier timer may have moved or removed it.
            if self.time_of(&what) != Some(at) {
                continue;
            }
            match what {
                Due::PendingJoin(member_id) => self.expire_pending_join(&member_id, step),
                Due::Session(member_id) => self.expire_session(&member_id, step),
                Due::Join => self.expire_join(step),
                Due::Sync => self.expire_sync(step),
            }
        }
    }

    fn all_due(&self, now: Timestamp) -> Vec<(Timestamp, Due)> {
        let pending = self.pending_joins.iter().map(|(id, at)| (*at, Due::PendingJoin(id.clone())));
        let sessions = self
            .members
            .values()
            .filter_map(|member| member.expires_at.map(|at| (at, Due::Session(member.id.clone()))));
        let join = self.join_timer.map(JoinTimer::at).map(|at| (at, Due::Join));
        let sync = self.sync_deadline.map(|at| (at, Due::Sync));
        let all = pending.chain(sessions).chain(join).chain(sync);
        all.filter(|(at, _)| *at <= now).collect()
    }

    fn time_of(&self, what: &Due) -> Option<Timestamp> {
        match what {
            Due::PendingJoin(member_id) => self.pending_joins.get(member_id).copied(),
            Due::Session(member_id) => self.members.get(member_id)?.expires_at,
            Due::Join => self.join_timer.map(JoinTimer::at),
            Due::Sync => self.sync_deadline,
        }
    }

    fn expire_pending_join(&mut self, member_id: &str, step: &mut Step<'_>) {
        self.remove_member(member_id);
        if self.state == State::PreparingRebalance && self.all_members_joined() {
            self.complete_join(step);
        }
    }

    fn expire_session(&mut self, member_id: &str, step: &mut Step<'_>) {
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        if member.needs_no_heartbeat() {
            // The session starts again with the response that the member waits for.
            member.expires_at = None;
            return;
        }
        self.remove_member(member_id);
        step.events.push(GroupEvent::MemberExpired {
            group: self.id.clone(),
            member: member_id.to_owned(),
        });
        match self.state {
            State::Stable | State::CompletingRebalance => {
                let reason = format!("member {member_id} has sent no heartbeat");
                self.rebalance_or_complete_join(&reason, step);
            }
            State::PreparingRebalance if self.all_members_joined() => self.complete_join(step),
            State::PreparingRebalance | State::Empty | State::Dead => {}
        }
    }

    /// Removes the members that joined and then never asked for their assignment: without the
    /// leader's the others would wait forever.
    fn expire_sync(&mut self, step: &mut Step<'_>) {
        self.sync_deadline = None;
        if !matches!(self.state, State::CompletingRebalance | State::Stable)
            || self.pending_syncs.is_empty()
        {
            return;
        }
        for member in std::mem::take(&mut self.pending_syncs) {
            self.remove_member(&member);
            step.events.push(GroupEvent::MemberExpired { group: self.id.clone(), member });
        }
        self.prepare_rebalance("members have not fetched their assignment", step);
    }
}
