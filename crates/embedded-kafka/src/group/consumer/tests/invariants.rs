//! Random members, and the invariants that always hold: no two members own the same partition, and
//! once they are undisturbed all partitions are shared among the remaining members.
//!
//! A member here owns the partitions of its last assignment, and revokes only when the test makes
//! it: like a client whose program may still process records of a partition that it loses.

use proptest::prelude::*;

use super::*;

/// The next action of one of five members. Members 3 and 4 are static.
#[derive(Debug, Clone)]
enum Act {
    Join {
        member: usize,
        topics: usize,
    },
    /// `is_received` is whether the response arrives.
    Beat {
        member: usize,
        reports: bool,
        is_received: bool,
    },
    /// The member's program lets go of the partitions that it must revoke.
    LetGo {
        member: usize,
    },
    Leave {
        member: usize,
        for_a_while: bool,
    },
    Crash {
        member: usize,
    },
    Pass {
        ms: i64,
    },
    Grow {
        topic: usize,
    },
    Disk {
        works: bool,
    },
    Restart,
}

const NAMES: [&str; 2] = ["flights", "gates"];

fn act() -> impl Strategy<Value = Act> {
    let member = 0usize..5;
    prop_oneof![
        5 => (member.clone(), 1usize..4).prop_map(|(member, topics)| Act::Join { member, topics }),
        12 => (member.clone(), any::<bool>(), prop::bool::weighted(0.9))
            .prop_map(|(member, reports, is_received)| Act::Beat { member, reports, is_received }),
        6 => member.clone().prop_map(|member| Act::LetGo { member }),
        1 => (member.clone(), any::<bool>())
            .prop_map(|(member, for_a_while)| Act::Leave { member, for_a_while }),
        1 => member.prop_map(|member| Act::Crash { member }),
        3 => (0i64..20_000).prop_map(|ms| Act::Pass { ms }),
        1 => (0usize..2).prop_map(|topic| Act::Grow { topic }),
        1 => prop::bool::weighted(0.7).prop_map(|works| Act::Disk { works }),
        1 => Just(Act::Restart),
    ]
}

/// A member as it sees itself.
#[derive(Debug, Clone, Default)]
struct Client {
    id: String,
    epoch: i32,
    topics: BTreeSet<String>,
    /// The topics that it subscribes to.
    owned: Partitions,
    /// The partitions of its last assignment.
    assigned: Partitions,
    /// The end of its session on its own clock.
    valid_until: Timestamp,
    /// Tells whether a response was lost, after which a client sends a full request.
    missed: bool,
    /// Tells whether it may have been asked to revoke partitions that it has not reported as
    /// revoked.
    owes: bool,
    /// The last time at which it had nothing to revoke. A client that takes longer than its
    /// rebalance timeout to revoke stops by itself (`max.poll.interval.ms`).
    owed_nothing_at: Timestamp,
}

struct World {
    harness: Harness,
    clients: [Option<Client>; 5],
    starts: usize,
}

impl World {
    fn new() -> Self {
        let harness = Harness::new(&[("flights", 4), ("gates", 3)]);
        Self { harness, clients: Default::default(), starts: 0 }
    }

    fn instance(member: usize) -> Option<String> {
        (member >= 3).then(|| format!("gate-{member}"))
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Join { member, topics } => self.join(member, topics),
            Act::Beat { member, reports, is_received } => self.beat(member, reports, is_received),
            Act::LetGo { member } => self.let_go(member),
            Act::Leave { member, for_a_while } => self.leave(member, for_a_while),
            Act::Crash { member } => self.clients[member] = None,
            Act::Pass { ms } => {
                self.harness.pass(ms);
                let now = self.harness.now;
                for client in &mut self.clients {
                    // A member without a response for a session stops reading, as clients do.
                    let owes_too_long = |it: &Client| {
                        it.owes && it.owed_nothing_at + i64::from(REBALANCE_MS) <= now
                    };
                    let is_over = |it: &Client| it.valid_until <= now || owes_too_long(it);
                    if client.as_ref().is_some_and(is_over) {
                        *client = None;
                    }
                }
            }
            Act::Grow { topic } => {
                let (_, count) = self.harness.topics.find(NAMES[topic]).unwrap();
                self.harness.topics.create(NAMES[topic], count + 1);
            }
            Act::Disk { works } => {
                let full = ResponseError::CoordinatorNotAvailable;
                *self.harness.log.failure.lock() = (!works).then_some(full);
            }
            Act::Restart => {
                self.harness.restart();
            }
        }
    }

    fn join(&mut self, member: usize, topics: usize) {
        if self.clients[member].is_some() {
            return;
        }
        self.starts += 1;
        let names = NAMES.iter().enumerate().filter(|(bit, _)| topics & (1 << bit) != 0);
        let client = Client {
            id: format!("{member}-{}", self.starts),
            topics: names.map(|(_, name)| (*name).to_owned()).collect(),
            ..Client::default()
        };
        let beat = Self::full(&client, member);
        if let Ok(answer) = self.harness.send(&beat) {
            self.clients[member] = Some(client);
            self.receive(member, answer, true);
        }
    }

    fn full(client: &Client, member: usize) -> ConsumerHeartbeat {
        ConsumerHeartbeat {
            instance_id: Self::instance(member),
            topics: Some(client.topics.clone()),
            ..joining(&client.id)
        }
    }

    fn beat(&mut self, member: usize, reports: bool, is_received: bool) {
        let Some(client) = &self.clients[member] else { return };
        let reports = reports || client.missed;
        let mut beat = ConsumerHeartbeat {
            instance_id: Self::instance(member),
            owned: reports.then(|| client.owned.clone()),
            ..beating(&client.id, client.epoch)
        };
        if client.missed {
            beat.topics = Some(client.topics.clone());
            beat.rebalance_timeout_ms = Some(REBALANCE_MS);
        }
        match self.harness.send(&beat) {
            Ok(answer) if is_received => self.receive(member, answer, reports),
            Ok(_) => {
                if let Some(client) = &mut self.clients[member] {
                    (client.missed, client.owes) = (true, true);
                }
            }
            Err(rejected) if rejected.code == ResponseError::FencedMemberEpoch => {
                // It abandons all its partitions, and comes back as the same member.
                let client = self.clients[member].as_mut().unwrap();
                (client.owned, client.assigned) = (Partitions::new(), Partitions::new());
                client.epoch = 0;
                let beat = Self::full(client, member);
                match self.harness.send(&beat) {
                    Ok(answer) => self.receive(member, answer, true),
                    Err(_) => self.clients[member] = None,
                }
            }
            Err(rejected) => {
                if rejected.code != ResponseError::CoordinatorNotAvailable {
                    self.clients[member] = None;
                }
            }
        }
    }

    /// Makes the member read its new partitions at once, and the ones that it loses until it
    /// revokes them.
    fn receive(&mut self, member: usize, answer: HeartbeatReply, reported: bool) {
        let Some(client) = &mut self.clients[member] else { return };
        client.epoch = answer.epoch;
        client.valid_until = self.harness.now + SESSION_MS;
        if let Some(assigned) = answer.assignment {
            for (topic, partitions) in &assigned {
                client.owned.entry(*topic).or_default().extend(partitions);
            }
            client.assigned = assigned;
        }
        client.missed = false;
        client.owes = client.owned != client.assigned || (client.owes && !reported);
        if !client.owes {
            client.owed_nothing_at = self.harness.now;
        }
    }

    fn let_go(&mut self, member: usize) {
        if let Some(client) = &mut self.clients[member] {
            client.owned = client.assigned.clone();
        }
    }

    fn leave(&mut self, member: usize, for_a_while: bool) {
        let Some(client) = self.clients[member].take() else { return };
        let instance_id = Self::instance(member);
        let epoch = if for_a_while && instance_id.is_some() { LEAVES_FOR_A_WHILE } else { LEAVES };
        let _ = self.harness.send(&ConsumerHeartbeat { instance_id, ..beating(&client.id, epoch) });
    }

    /// Checks that no partition has two members, neither in the group's state nor in what they
    /// read.
    fn check(&self) {
        let mut read = BTreeSet::new();
        for client in self.clients.iter().flatten() {
            for (topic, partitions) in &client.owned {
                for partition in partitions {
                    assert!(read.insert((*topic, *partition)), "two read {partition} of {topic}");
                }
            }
        }
        let Ok(described) = self.harness.groups.describe_consumer_group(GROUP) else { return };
        let mut assigned = BTreeSet::new();
        for member in &described.members {
            for (topic, partitions) in &member.assigned {
                for partition in partitions {
                    assert!(assigned.insert((*topic, *partition)), "two have {partition}");
                }
            }
        }
        assert!(described.assignment_epoch <= described.epoch);
    }

    /// Lets all members follow the protocol from now on: the group becomes stable, and each
    /// partition with a subscriber is read.
    fn settle(&mut self) {
        *self.harness.log.failure.lock() = None;
        for _ in 0..30 {
            for member in 0..5 {
                self.let_go(member);
                self.beat(member, true, true);
                self.check();
            }
            // The sessions of those that crashed, or are away, expire in time.
            self.act(&Act::Pass { ms: 5_000 });
        }
        let Ok(described) = self.harness.groups.describe_consumer_group(GROUP) else { return };
        if self.clients.iter().all(Option::is_none) {
            assert_eq!(described.state, "Empty");
            return;
        }
        assert_eq!(described.state, "Stable");
        for name in NAMES {
            let (id, count) = self.harness.topics.find(name).unwrap();
            let clients = self.clients.iter().flatten();
            let readers = clients.filter(|client| client.topics.contains(name));
            let read = readers.flat_map(|client| client.owned.get(&id).into_iter().flatten());
            let read = read.copied().collect::<BTreeSet<_>>();
            let is_read = self.clients.iter().flatten().any(|it| it.topics.contains(name));
            let all = if is_read { (0..count).collect() } else { BTreeSet::new() };
            assert_eq!(read, all, "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_partition_is_ever_with_two_members(acts in prop::collection::vec(act(), 1..120)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
            world.check();
        }
        world.settle();
    }
}
