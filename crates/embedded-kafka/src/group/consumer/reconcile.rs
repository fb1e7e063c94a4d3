//! Reconciliation: leads a member from its current assignment to its target.
//!
//! A member revokes first, and stays in its epoch until it has reported that. Then it enters the
//! epoch of the target, with the new partitions that no other member has any more; the others
//! follow when their owners have revoked them.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::ConsumerGroup;
use crate::records::{CurrentAssignmentValue, Partitions, Reconciliation};
use crate::time::Timestamp;

impl ConsumerGroup {
    /// Leads a member as close to its target as possible. `owned` has the partitions that it
    /// reports, if it does.
    pub(super) fn reconcile(
        &mut self,
        member_id: &str,
        owned: Option<&Partitions>,
        now: Timestamp,
    ) {
        let Some(member) = self.members.get(member_id) else {
            return;
        };
        if member.is_reconciled_to(self.assignment_epoch) {
            return;
        }
        let current = &member.current;
        let still_owns = |revoking: &Partitions| owned.is_none_or(|owned| overlap(owned, revoking));
        if current.state == Reconciliation::Revoking && still_owns(&current.revoking) {
            return;
        }
        // A member that has revoked everything is one epoch further, and may have to revoke more in
        // it.
        let epoch = current.epoch + i32::from(current.state == Reconciliation::Revoking);
        let mut next = self.next_assignment(member_id, epoch);
        if !next.revoking.is_empty() && !still_owns(&next.revoking) {
            // It does not own any partition that it would have to revoke.
            next = self.granted(member_id, next.assigned);
        }
        if next.epoch != current.epoch {
            next.previous_epoch = current.epoch;
        }
        let timeout = i64::from(member.about.rebalance_timeout_ms.max(0));
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        if next != member.current {
            let is_revoking = next.state == Reconciliation::Revoking;
            member.revocation_ends = is_revoking.then(|| now.saturating_add(timeout));
            member.current = next;
        }
    }

    /// Returns the partitions that the member must revoke before anything else, or those that it
    /// receives.
    fn next_assignment(&self, member_id: &str, epoch: i32) -> CurrentAssignmentValue {
        let nothing = Partitions::new();
        let target = self.targets.get(member_id).unwrap_or(&nothing);
        let assigned = self.members.get(member_id).map_or(&nothing, |it| &it.current.assigned);
        let (mut kept, mut revoking) = (Partitions::new(), Partitions::new());
        for (topic, partitions) in assigned {
            for partition in partitions {
                let stays = target.get(topic).is_some_and(|all| all.contains(partition));
                let place = if stays { &mut kept } else { &mut revoking };
                place.entry(*topic).or_default().insert(*partition);
            }
        }
        if revoking.is_empty() {
            return self.granted(member_id, kept);
        }
        let previous_epoch = self.members.get(member_id).map_or(0, |it| it.current.previous_epoch);
        let state = Reconciliation::Revoking;
        CurrentAssignmentValue { epoch, previous_epoch, state, assigned: kept, revoking }
    }

    /// Returns the member in the target's epoch, with the free partitions of its target added to
    /// its own.
    fn granted(&self, member_id: &str, mut assigned: Partitions) -> CurrentAssignmentValue {
        let taken = self.taken_by_others(member_id);
        let mut state = Reconciliation::Stable;
        for (topic, partitions) in self.targets.get(member_id).into_iter().flatten() {
            for partition in partitions {
                if taken.contains(&(*topic, *partition)) {
                    state = Reconciliation::Waiting;
                } else {
                    assigned.entry(*topic).or_default().insert(*partition);
                }
            }
        }
        let previous_epoch = self.members.get(member_id).map_or(0, |it| it.current.previous_epoch);
        CurrentAssignmentValue {
            epoch: self.assignment_epoch,
            previous_epoch,
            state,
            assigned,
            revoking: Partitions::new(),
        }
    }

    /// Returns the partitions that other members own, or still have to revoke.
    pub(super) fn taken_by_others(&self, member_id: &str) -> BTreeSet<(Uuid, i32)> {
        let others = self.members.iter().filter(|(id, _)| *id != member_id);
        let held =
            others.flat_map(|(_, it)| it.current.assigned.iter().chain(&it.current.revoking));
        held.flat_map(|(topic, all)| all.iter().map(|partition| (*topic, *partition))).collect()
    }
}

fn overlap(one: &Partitions, other: &Partitions) -> bool {
    one.iter().any(|(topic, partitions)| {
        other.get(topic).is_some_and(|others| !partitions.is_disjoint(others))
    })
}
