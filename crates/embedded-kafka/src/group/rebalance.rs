//! The rebalance, from one generation to the next: which members it waits for, for how long, and
//! how the wait ends.

use kafka_protocol::ResponseError;
use tracing::warn;

use super::state_machine::{Group, JoinTimer, State};
use super::{GroupEvent, Step};

impl Group {
    pub(super) fn rebalance_or_complete_join(&mut self, reason: &str, step: &mut Step<'_>) {
        match self.state {
            State::Empty | State::CompletingRebalance | State::Stable => {
                self.prepare_rebalance(reason, step);
            }
            State::PreparingRebalance | State::Dead => self.complete_join_if_all_joined(step),
        }
    }

    /// Asks all members to join again; each learns of it by its next heartbeat.
    pub(super) fn prepare_rebalance(&mut self, reason: &str, step: &mut Step<'_>) {
        if self.state == State::CompletingRebalance {
            self.reset_assignments(ResponseError::RebalanceInProgress, step);
        }
        self.pending_syncs.clear();
        self.sync_deadline = None;
        let is_initial = self.state == State::Empty;
        self.enter(State::PreparingRebalance, step.now);
        step.events
            .push(GroupEvent::Rebalancing { group: self.id.clone(), reason: reason.to_owned() });
        if is_initial {
            self.delay_initial_rebalance(step);
        } else if self.all_members_joined() {
            self.complete_join(step);
        } else {
            let at = step.after(self.rebalance_timeout_ms());
            self.join_timer = Some(JoinTimer::Rebalance { at });
        }
    }

    /// Starts a rebalance. The members of a group mostly start together: one rebalance that waits
    /// for all of them is cheaper than one for each.
    fn delay_initial_rebalance(&mut self, step: &mut Step<'_>) {
        let delay_ms = step.settings.initial_rebalance_delay_ms;
        if delay_ms <= 0 {
            self.complete_join(step);
            return;
        }
        let remaining_ms = (self.rebalance_timeout_ms() - delay_ms).max(0);
        let at = step.after(delay_ms);
        self.join_timer = Some(JoinTimer::Initial { at, delay_ms, remaining_ms });
    }

    /// Ends the phase of joining once all members have joined, unless it is a group's first and
    /// still waits for unknown members.
    pub(super) fn complete_join_if_all_joined(&mut self, step: &mut Step<'_>) {
        if self.state == State::PreparingRebalance
            && self.previous_state != State::Empty
            && self.all_members_joined()
        {
            self.complete_join(step);
        }
    }

    /// Handles the end of the time for joining.
    pub(super) fn expire_join(&mut self, step: &mut Step<'_>) {
        match self.join_timer {
            Some(JoinTimer::Initial { delay_ms, remaining_ms, .. })
                if self.new_member_added && remaining_ms > 0 =>
            {
                self.new_member_added = false;
                let next_ms = step.settings.initial_rebalance_delay_ms.min(remaining_ms);
                self.join_timer = Some(JoinTimer::Initial {
                    at: step.after(next_ms),
                    delay_ms: next_ms,
                    remaining_ms: (remaining_ms - delay_ms).max(0),
                });
            }
            _ => self.complete_join(step),
        }
    }

    /// Begins the next generation with the members that have joined. Static members stay without
    /// joining, until their session expires.
    pub(super) fn complete_join(&mut self, step: &mut Step<'_>) {
        self.join_timer = None;
        self.new_member_added = false;
        self.remove_dynamic_members_that_did_not_join(step);
        if self.state == State::Dead {
            return;
        }
        if !self.has_joined_leader() && !self.members.is_empty() {
            let at = step.after(self.rebalance_timeout_ms());
            self.join_timer = Some(JoinTimer::Rebalance { at });
            return;
        }
        self.generation = self.generation.saturating_add(1);
        self.pending_syncs.clear();
        self.protocol_name = self.select_protocol();
        if self.members.is_empty() {
            self.become_empty(step);
        } else {
            self.await_assignment(step);
        }
    }

    fn remove_dynamic_members_that_did_not_join(&mut self, step: &mut Step<'_>) {
        let expired = self
            .members
            .values()
            .filter(|member| member.joining.is_none() && member.instance_id.is_none())
            .map(|member| member.id.clone())
            .collect::<Vec<_>>();
        for member in expired {
            self.remove_member(&member);
            step.events.push(GroupEvent::MemberExpired { group: self.id.clone(), member });
        }
    }

    /// Makes sure that the leader is one of the members that joined. Returns false if none has.
    fn has_joined_leader(&mut self) -> bool {
        let has_joined =
            |id: &String| self.members.get(id).is_some_and(|member| member.joining.is_some());
        if self.leader.as_ref().is_some_and(has_joined) {
            return true;
        }
        let joined = self.members.values().find(|member| member.joining.is_some());
        match joined.map(|member| member.id.clone()) {
            Some(member) => {
                self.leader = Some(member);
                true
            }
            None => false,
        }
    }

    fn become_empty(&mut self, step: &mut Step<'_>) {
        self.subscribed_topics = self.collect_subscribed_topics();
        self.enter(State::Empty, step.now);
        // If this is lost, a restart brings the last generation back, whose members expire again.
        if let Err(error) = self.store(None, step) {
            warn!(group = self.id, %error, "the group is empty, but that could not be written");
        }
    }

    fn await_assignment(&mut self, step: &mut Step<'_>) {
        self.subscribed_topics = self.collect_subscribed_topics();
        self.enter(State::CompletingRebalance, step.now);
        let ids = self.members.keys().cloned().collect::<Vec<_>>();
        for id in &ids {
            let answer = self.joined(id, false);
            if let Some(member) = self.members.get_mut(id) {
                member.answer_join(Ok(answer));
                member.renew_session(step);
                member.is_new = false;
            }
        }
        self.pending_syncs.extend(ids);
        self.sync_deadline = Some(step.after(self.rebalance_timeout_ms()));
    }
}
