//! Random clients, and the invariants that always hold.

use proptest::prelude::*;

use super::*;
use crate::group::messages::Leaving;

/// The next action of one of six clients. Clients 4 and 5 are static members.
#[derive(Debug, Clone)]
enum Act {
    Join { client: usize, with_id: bool, protocols: usize, vanishes: bool },
    Sync { client: usize, assigns: bool },
    Heartbeat { client: usize },
    Leave { client: usize },
    Commit { client: usize },
    Pass { ms: i32 },
    Disk { works: bool },
}

fn act() -> impl Strategy<Value = Act> {
    let client = 0usize..6;
    prop_oneof![
        6 => (client.clone(), any::<bool>(), 0usize..3, prop::bool::weighted(0.1)).prop_map(
            |(client, with_id, protocols, vanishes)| Act::Join { client, with_id, protocols, vanishes }
        ),
        6 => (client.clone(), prop::bool::weighted(0.8))
            .prop_map(|(client, assigns)| Act::Sync { client, assigns }),
        3 => client.clone().prop_map(|client| Act::Heartbeat { client }),
        1 => client.clone().prop_map(|client| Act::Leave { client }),
        1 => client.prop_map(|client| Act::Commit { client }),
        4 => (0i32..12_000).prop_map(|ms| Act::Pass { ms }),
        1 => prop::bool::weighted(0.7).prop_map(|works| Act::Disk { works }),
    ]
}

/// A waiting request, with its start and the longest time that it may wait.
struct Pending<T> {
    delayed: Delayed<T>,
    until: Timestamp,
}

/// The group, its clients' member ids, and their waiting requests.
struct World {
    harness: Harness,
    ids: [String; 6],
    given: usize,
    joins: Vec<(usize, Pending<JoinReply>)>,
    syncs: Vec<(String, i32, Pending<SyncReply>)>,
}

impl World {
    fn new(delay: i32) -> Self {
        Self {
            harness: Harness::with_delay(delay),
            ids: Default::default(),
            given: 0,
            joins: Vec::new(),
            syncs: Vec::new(),
        }
    }

    fn instance(client: usize) -> Option<String> {
        (client >= 4).then(|| format!("gate-{client}"))
    }

    fn act(&mut self, act: &Act) {
        let generation = self.harness.group.generation;
        match *act {
            Act::Join { client, with_id, protocols, vanishes } => {
                self.join(client, with_id, protocols, vanishes);
            }
            Act::Sync { client, assigns } => {
                let id = self.ids[client].clone();
                let parts: Vec<_> = if assigns {
                    let members = self.harness.group.members.keys();
                    members
                        .map(|member| (member.clone(), format!("{member}@{generation}")))
                        .collect()
                } else {
                    Vec::new()
                };
                let parts =
                    parts.iter().map(|(id, part)| (id.as_str(), part.as_str())).collect::<Vec<_>>();
                let request = syncing(&id, generation, &parts);
                let delayed = self
                    .harness
                    .sync(SyncRequest { instance_id: Self::instance(client), ..request });
                let until = self.harness.now + i64::from(REBALANCE_MS);
                self.syncs.push((id, generation, Pending { delayed, until }));
            }
            Act::Heartbeat { client } => {
                let (id, instance) = (self.ids[client].clone(), Self::instance(client));
                let _ = self.harness.step(|group, step| {
                    group.heartbeat(&id, instance.as_deref(), generation, step)
                });
            }
            Act::Leave { client } => {
                let member = Leaving {
                    member_id: self.ids[client].clone(),
                    instance_id: Self::instance(client),
                    reason: String::new(),
                };
                let _ = self.harness.step(|group, step| group.leave(&[member], step));
            }
            Act::Commit { client } => {
                let commit = Commit {
                    generation,
                    member_id: self.ids[client].clone(),
                    instance_id: Self::instance(client),
                    understands_unknown_group: true,
                };
                let _ = self.harness.step(|group, step| group.check_commit(&commit, step));
            }
            Act::Pass { ms } => {
                for _ in 0..4 {
                    self.harness.pass(ms / 4);
                }
            }
            Act::Disk { works } => {
                self.harness.disk = if works { Ok(()) } else { Err(ResponseError::NotCoordinator) };
            }
        }
    }

    fn join(&mut self, client: usize, with_id: bool, choice: usize, vanishes: bool) {
        self.given += 1;
        let names: [&[&str]; 3] = [&["range", "sticky"], &["sticky", "range"], &["range"]];
        let delayed = self.harness.join(JoinRequest {
            member_id: if with_id { self.ids[client].clone() } else { String::new() },
            instance_id: Self::instance(client),
            protocols: protocols(names[choice]),
            requires_member_id: client < 3,
            ..joining(&format!("{client}-{}", self.given))
        });
        if !vanishes {
            // Static members that stay away can make a rebalance wait a second time.
            let until = self.harness.now + 3 * i64::from(REBALANCE_MS);
            self.joins.push((client, Pending { delayed, until }));
        }
    }

    /// Takes the responses that have come, and checks that no request waits for longer than
    /// allowed.
    fn answers(&mut self) -> Result<(), TestCaseError> {
        let now = self.harness.now;
        let mut joins = Vec::new();
        for (client, pending) in self.joins.drain(..) {
            match pending.delayed.take() {
                Some(Ok(joined)) => {
                    prop_assert!(joined.generation <= self.harness.group.generation);
                    let leads = joined.leader == joined.member_id;
                    prop_assert!(leads || joined.members.is_empty());
                    self.ids[client] = joined.member_id;
                }
                Some(Err(rejected)) if rejected.error == ResponseError::MemberIdRequired => {
                    self.ids[client] = rejected.member_id;
                }
                Some(Err(_)) => {}
                None => {
                    prop_assert!(now <= pending.until, "a join waits forever");
                    joins.push((client, pending));
                }
            }
        }
        self.joins = joins;
        let mut syncs = Vec::new();
        for (id, generation, pending) in self.syncs.drain(..) {
            match pending.delayed.take() {
                Some(Ok(synced)) if !synced.assignment.is_empty() => {
                    let part = String::from_utf8(synced.assignment.to_vec()).unwrap();
                    let of = part.split_once('@').unwrap().1.parse::<i32>().unwrap();
                    prop_assert_eq!(of, generation, "an assignment of another generation");
                }
                Some(_) => {}
                None => {
                    prop_assert!(now <= pending.until, "{} waits forever to sync", id);
                    syncs.push((id, generation, pending));
                }
            }
        }
        self.syncs = syncs;
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let group = &self.harness.group;
        let has_members = !group.members.is_empty();
        prop_assert_eq!(group.leader.is_some(), has_members, "one leader, of members alone");
        if let Some(leader) = &group.leader {
            prop_assert!(group.members.contains_key(leader));
        }
        let may_have_none = matches!(group.state, State::Empty | State::PreparingRebalance);
        prop_assert!(has_members || may_have_none);
        prop_assert!(!has_members || group.state != State::Empty);
        prop_assert!(group.pending_syncs.iter().all(|id| group.members.contains_key(id)));
        prop_assert!(!group.pending_joins.keys().any(|id| group.members.contains_key(id)));
        let mut instances = group
            .members
            .values()
            .filter_map(|member| member.instance_id.clone())
            .collect::<Vec<_>>();
        let all = instances.len();
        instances.sort();
        instances.dedup();
        prop_assert_eq!(instances.len(), all, "one member for each instance id");
        let is_joining = group.state == State::PreparingRebalance;
        prop_assert_eq!(group.join_timer.is_some(), is_joining, "every phase of joining ends");
        for member in group.members.values() {
            prop_assert!(member.joining.is_none() || is_joining);
            prop_assert!(member.syncing.is_none() || group.state == State::CompletingRebalance);
            prop_assert!(
                member.expires_at.is_some() || member.joining.is_some() || member.syncing.is_some(),
                "every member expires or is awaited"
            );
            if has_members && !is_joining {
                prop_assert!(member.supports(group.protocol_name.as_deref().unwrap()));
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_clients_do_a_group_stays_sound(
        delay in prop_oneof![Just(0), Just(1_000)],
        acts in proptest::collection::vec(act(), 1..120),
    ) {
        let mut world = World::new(delay);
        let mut generation = 0;
        for act in acts {
            world.act(&act);
            world.answers()?;
            world.check()?;
            prop_assert!(world.harness.group.generation >= generation, "generations never go back");
            generation = world.harness.group.generation;
        }
        // Undisturbed, every client gets a response, and the group is empty in the end.
        for _ in 0..400 {
            world.harness.pass(1_000);
            world.answers()?;
            world.check()?;
        }
        prop_assert!(world.joins.is_empty() && world.syncs.is_empty());
        prop_assert_eq!(world.harness.group.state, State::Empty);
        prop_assert!(world.harness.group.pending_joins.is_empty());
    }
}
