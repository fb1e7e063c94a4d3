//! The coordinator's assignors: `uniform`, which is even and moves as few partitions as possible,
//! and `range`, which gives the same partitions of different topics to the same member.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::records::Partitions;

/// The input of an assignor about a member.
#[derive(Debug)]
pub(super) struct Subscriber<'a> {
    pub(super) instance_id: Option<&'a str>,
    pub(super) topics: BTreeSet<Uuid>,
    /// Its previous target assignment.
    pub(super) before: &'a Partitions,
}

/// Members by their ids.
type Subscribers<'a> = BTreeMap<&'a str, Subscriber<'a>>;

/// Assigns each partition of the topics to one member that subscribes to it.
pub(super) fn assign(
    assignor: &str,
    members: &Subscribers<'_>,
    topics: &BTreeMap<Uuid, i32>,
) -> BTreeMap<String, Partitions> {
    match assignor {
        "range" => range(members, topics),
        _ => uniform(members, topics),
    }
}

fn range(members: &Subscribers<'_>, topics: &BTreeMap<Uuid, i32>) -> BTreeMap<String, Partitions> {
    let mut targets = empty_targets(members);
    // A static member has its place by its instance id, even with a new member id.
    let mut ordered = members.iter().collect::<Vec<_>>();
    ordered.sort_by_key(|(id, it)| (it.instance_id.is_none(), it.instance_id.unwrap_or(id)));
    for (topic, partitions) in topics {
        let readers = ordered.iter().filter(|(_, it)| it.topics.contains(topic));
        let readers = readers.map(|(id, _)| **id).collect::<Vec<_>>();
        let Ok(count) = i32::try_from(readers.len()) else { continue };
        if count == 0 {
            continue;
        }
        let (each, more) = (partitions / count, partitions % count);
        let mut next = 0;
        for (place, reader) in (0..).zip(readers) {
            let end = next + each + i32::from(place < more);
            if let Some(target) = targets.get_mut(reader).filter(|_| end > next) {
                target.insert(*topic, (next..end).collect());
            }
            next = end;
        }
    }
    targets
}

fn uniform(
    members: &Subscribers<'_>,
    topics: &BTreeMap<Uuid, i32>,
) -> BTreeMap<String, Partitions> {
    let mut targets = empty_targets(members);
    let mut free = topics
        .iter()
        .flat_map(|(topic, count)| (0..*count).map(|partition| (*topic, partition)))
        .collect::<BTreeSet<_>>();
    for (member, target) in &mut targets {
        let Some(it) = members.get(member.as_str()) else { continue };
        for topic in &it.topics {
            let before = it.before.get(topic).into_iter().flatten();
            let kept = before.filter(|partition| free.remove(&(*topic, **partition)));
            let kept = kept.copied().collect::<BTreeSet<_>>();
            if !kept.is_empty() {
                target.insert(*topic, kept);
            }
        }
    }
    for (topic, partition) in free {
        if let Some(member) = least_loaded(&targets, members, &topic) {
            targets.entry(member).or_default().entry(topic).or_default().insert(partition);
        }
    }
    while let Some((from, to, topic, partition)) = next_move(&targets, members) {
        if let Some(partitions) = targets.get_mut(&from).and_then(|it| it.get_mut(&topic)) {
            partitions.remove(&partition);
        }
        targets.entry(to).or_default().entry(topic).or_default().insert(partition);
    }
    for target in targets.values_mut() {
        target.retain(|_, partitions| !partitions.is_empty());
    }
    targets
}

fn empty_targets(members: &Subscribers<'_>) -> BTreeMap<String, Partitions> {
    members.keys().map(|id| ((*id).to_owned(), Partitions::new())).collect()
}

fn load(target: &Partitions) -> usize {
    target.values().map(BTreeSet::len).sum()
}

/// Returns the member with the fewest partitions among those that read the topic.
fn least_loaded(
    targets: &BTreeMap<String, Partitions>,
    members: &Subscribers<'_>,
    topic: &Uuid,
) -> Option<String> {
    let reads = |id: &str| members.get(id).is_some_and(|it| it.topics.contains(topic));
    let readers = targets.iter().filter(|(id, _)| reads(id));
    readers.min_by_key(|(_, target)| load(target)).map(|(id, _)| id.clone())
}

/// Returns a partition that makes the assignment more even when it moves to another member: from,
/// to, topic and partition. Each move makes the sum of squared loads smaller, and so there is a
/// last one.
fn next_move(
    targets: &BTreeMap<String, Partitions>,
    members: &Subscribers<'_>,
) -> Option<(String, String, Uuid, i32)> {
    let mut loaded = targets.iter().map(|(id, target)| (load(target), id)).collect::<Vec<_>>();
    loaded.sort_by(|one, other| other.cmp(one));
    for (most, from) in loaded {
        for (topic, partitions) in targets.get(from)?.iter().rev() {
            let Some(partition) = partitions.last() else { continue };
            let to = least_loaded(targets, members, topic)?;
            if most > load(targets.get(&to)?) + 1 {
                return Some((from.clone(), to, *topic, *partition));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::group_defaults::ASSIGNORS;

    fn topic(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn assigned(
        assignor: &str,
        members: &[(&str, Option<&str>, &[u128])],
        topics: &[(u128, i32)],
        before: &BTreeMap<String, Partitions>,
    ) -> BTreeMap<String, Partitions> {
        let nothing = Partitions::new();
        let members = members.iter().map(|(id, instance_id, topics)| {
            let topics = topics.iter().copied().map(topic).collect();
            let before = before.get(*id).unwrap_or(&nothing);
            (*id, Subscriber { instance_id: *instance_id, topics, before })
        });
        let topics = topics.iter().map(|(id, count)| (topic(*id), *count)).collect();
        assign(assignor, &members.collect(), &topics)
    }

    fn partitions(assigned: &[(u128, &[i32])]) -> Partitions {
        assigned.iter().map(|(id, all)| (topic(*id), all.iter().copied().collect())).collect()
    }

    #[test]
    fn range_gives_the_first_members_more() {
        let members = [("c", None, &[1, 2][..]), ("a", None, &[1, 2]), ("b", None, &[1, 2])];
        let found = assigned("range", &members, &[(1, 5), (2, 7)], &BTreeMap::new());
        // As Kafka 4.3 assigns five and seven partitions.
        assert_eq!(found["a"], partitions(&[(1, &[0, 1]), (2, &[0, 1, 2])]));
        assert_eq!(found["b"], partitions(&[(1, &[2, 3]), (2, &[3, 4])]));
        assert_eq!(found["c"], partitions(&[(1, &[4]), (2, &[5, 6])]));
    }

    #[test]
    fn range_knows_a_static_member_by_its_instance() {
        let found = |id| {
            let members = [("m", Some("gate-2"), &[1][..]), (id, Some("gate-1"), &[1])];
            assigned("range", &members, &[(1, 2)], &BTreeMap::new())[id].clone()
        };
        assert_eq!(found("a"), partitions(&[(1, &[0])]));
        assert_eq!(found("z"), partitions(&[(1, &[0])]));
    }

    #[test]
    fn uniform_moves_no_more_than_it_must() {
        let alone = assigned("uniform", &[("a", None, &[1])], &[(1, 6)], &BTreeMap::new());
        let two = [("a", None, &[1][..]), ("b", None, &[1])];
        let found = assigned("uniform", &two, &[(1, 6)], &alone);
        // As Kafka 4.3 assigns them.
        assert_eq!(found["a"], partitions(&[(1, &[0, 1, 2])]));
        assert_eq!(found["b"], partitions(&[(1, &[3, 4, 5])]));
    }

    #[test]
    fn a_topic_without_subscribers_is_not_assigned() {
        let found = assigned("uniform", &[("a", None, &[1])], &[(1, 1), (2, 3)], &BTreeMap::new());
        assert_eq!(found["a"], partitions(&[(1, &[0])]));
    }

    proptest! {
        #[test]
        fn every_partition_has_one_reader_and_loads_are_even(
            counts in prop::collection::vec(1i32..9, 1..5),
            subscriptions in prop::collection::vec(prop::collection::btree_set(0u128..5, 0..5), 1..6),
            same in any::<bool>(), assignor in prop::sample::select(&ASSIGNORS),
        ) {
            let ids = ["a", "b", "c", "d", "e", "f"];
            let topics = (0u128..).zip(counts).collect::<Vec<_>>();
            let lists = subscriptions.iter().map(|it| if same { &subscriptions[0] } else { it });
            let lists = lists.map(|it| it.iter().copied().collect::<Vec<_>>()).collect::<Vec<_>>();
            let members =
                ids.into_iter().zip(&lists).map(|(id, topics)| (id, None, topics.as_slice()));
            let members = members.collect::<Vec<_>>();
            let found = assigned(assignor, &members, &topics, &BTreeMap::new());
            for (id, count) in &topics {
                for partition in 0..*count {
                    let has = |it: &&Partitions| {
                        it.get(&topic(*id)).is_some_and(|all| all.contains(&partition))
                    };
                    let readers = found.values().filter(has).count();
                    let is_read = lists.iter().any(|list| list.contains(id));
                    prop_assert_eq!(readers, usize::from(is_read));
                }
            }
            for (id, _, list) in &members {
                prop_assert!(found[*id].keys().all(|it| list.iter().any(|of| topic(*of) == *it)));
            }
            if same && assignor == "uniform" {
                let loads = found.values().map(load).collect::<Vec<_>>();
                prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
                // A second run moves nothing.
                prop_assert_eq!(assigned(assignor, &members, &topics, &found), found);
            }
        }
    }
}
