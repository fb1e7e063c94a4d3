//! Conversion of a group to records and back, for a restart or the next coordinator.

use bytes::Bytes;
use tracing::debug;

use super::{ConsumerGroup, ConsumerMember};
use crate::group::Step;
use crate::records::{
    ConsumerGroupKey, ConsumerGroupValue, ConsumerMemberValue, CurrentAssignmentValue,
    Reconciliation, UnreadableRecord, decode_regex, decode_target, decode_target_epoch,
    encode_regex, encode_target, encode_target_epoch,
};
use crate::time::Timestamp;

/// A key with its value, or `None` for a tombstone.
type Record = (Bytes, Option<Bytes>);

/// Returns the records that turn one state of a group into another. `None` is a group without
/// records.
pub(super) fn changes(
    id: &str,
    before: Option<&ConsumerGroup>,
    after: Option<&ConsumerGroup>,
    now: Timestamp,
) -> Vec<Record> {
    let mut records = Vec::new();
    let mut put = |key: ConsumerGroupKey, old: Option<Bytes>, new: Option<Bytes>| {
        if old != new {
            records.push((key.encode(), new));
        }
    };
    let group = || id.to_owned();
    let both = || before.into_iter().chain(after);
    let members =
        both().flat_map(|it| it.members.keys()).collect::<std::collections::BTreeSet<_>>();
    let member = |of: Option<&'_ ConsumerGroup>, id: &str| of?.members.get(id).cloned();
    for name in &members {
        let of = |it| member(it, name).map(|it| it.about.encode());
        let key = ConsumerGroupKey::Member { group: group(), member: (*name).clone() };
        put(key, of(before), of(after));
    }
    let regexes = both().flat_map(|it| it.resolved.keys());
    for regex in regexes.collect::<std::collections::BTreeSet<_>>() {
        let of = |it: Option<&ConsumerGroup>| it?.resolved.get(regex).cloned();
        if of(before) != of(after) {
            let value = of(after).map(|topics| encode_regex(&topics, now));
            let old = of(before).map(|_| Bytes::new());
            put(ConsumerGroupKey::Regex { group: group(), regex: regex.clone() }, old, value);
        }
    }
    let of = |it: Option<&ConsumerGroup>| {
        it.map(|it| {
            ConsumerGroupValue { epoch: it.epoch, metadata_hash: it.metadata_hash }.encode()
        })
    };
    put(ConsumerGroupKey::Group { group: group() }, of(before), of(after));
    for name in &members {
        let of = |it: Option<&ConsumerGroup>| Some(encode_target(it?.targets.get(*name)?));
        let key = ConsumerGroupKey::TargetMember { group: group(), member: (*name).clone() };
        put(key, of(before), of(after));
    }
    let of = |it: Option<&ConsumerGroup>| it.map(|it| encode_target_epoch(it.assignment_epoch));
    put(ConsumerGroupKey::Target { group: group() }, of(before), of(after));
    for name in &members {
        let of = |it| member(it, name).map(|it| it.current.encode());
        let key = ConsumerGroupKey::Current { group: group(), member: (*name).clone() };
        put(key, of(before), of(after));
    }
    records
}

impl ConsumerGroup {
    /// Applies one record. Compaction may have left those of a member in any order.
    pub(super) fn replay(
        &mut self,
        key: ConsumerGroupKey,
        value: Option<&[u8]>,
    ) -> Result<(), UnreadableRecord> {
        match (key, value) {
            (ConsumerGroupKey::Group { .. }, Some(value)) => {
                let value = ConsumerGroupValue::decode(value)?;
                (self.epoch, self.metadata_hash) = (value.epoch, value.metadata_hash);
            }
            (ConsumerGroupKey::Member { member, .. }, Some(value)) => {
                self.replayed_member(member).about = ConsumerMemberValue::decode(value)?;
            }
            (ConsumerGroupKey::Member { member, .. }, None) => {
                self.members.remove(&member);
            }
            (ConsumerGroupKey::Target { .. }, Some(value)) => {
                self.assignment_epoch = decode_target_epoch(value)?;
            }
            (ConsumerGroupKey::TargetMember { member, .. }, Some(value)) => {
                self.targets.insert(member, decode_target(value)?);
            }
            (ConsumerGroupKey::TargetMember { member, .. }, None) => {
                self.targets.remove(&member);
            }
            (ConsumerGroupKey::Current { member, .. }, Some(value)) => {
                self.replayed_member(member).current = CurrentAssignmentValue::decode(value)?;
            }
            (ConsumerGroupKey::Regex { regex, .. }, Some(value)) => {
                self.resolved.insert(regex, decode_regex(value)?);
            }
            (ConsumerGroupKey::Regex { regex, .. }, None) => {
                self.resolved.remove(&regex);
            }
            // They are removed with the group that they belong to.
            (ConsumerGroupKey::Current { .. }, None) => {}
            (ConsumerGroupKey::Group { .. } | ConsumerGroupKey::Target { .. }, None) => {
                debug!("the end of a group");
            }
        }
        Ok(())
    }

    fn replayed_member(&mut self, member: String) -> &mut ConsumerMember {
        let new = || {
            ConsumerMember::new(ConsumerMemberValue::default(), CurrentAssignmentValue::default())
        };
        self.members.entry(member).or_insert_with(new)
    }

    /// Starts the members' timers after the log has been read to its end.
    pub(in crate::group) fn start_sessions(&mut self, step: &Step<'_>) {
        for member in self.members.values_mut() {
            member.session_ends = Some(step.after(member.session_timeout_ms(step)));
            let is_revoking = member.current.state == Reconciliation::Revoking;
            member.revocation_ends =
                is_revoking.then(|| step.after(member.about.rebalance_timeout_ms));
        }
    }
}
