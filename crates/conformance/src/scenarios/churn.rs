//! Groups of librdkafka's consumers while members join and leave: the assignments, and the records
//! that each member reads.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::admin::NewPartitions;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use wire_client::requests::describe_group;

use crate::client::{PATIENCE, next_values};
use crate::failure::Failure;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("churn":
    one_member_has_all,
    two_members_share,
    three_members_share_two_partitions,
    two_members_share_in_turn,
    two_members_share_cooperatively,
    members_come_one_after_another,
    members_come_one_after_another_cooperatively,
    a_member_leaves,
    a_member_leaves_cooperatively,
    all_leave,
    a_member_comes_back,
    a_static_member_comes_back,
    a_static_member_stays_away,
    a_member_unsubscribes,
    a_member_subscribes_to_more,
    members_subscribe_to_different_topics,
    a_topic_grows,
    a_topic_appears_that_a_pattern_matches,
    two_groups_do_not_share,
    every_record_is_read_once,
    a_successor_goes_on_where_its_predecessor_committed,
    a_successor_reads_again_what_was_not_committed,
);

/// The time for which each member is polled before the group is checked again.
const TURN: Duration = Duration::from_millis(20);

/// The time for which members must have kept their partitions. A cooperative rebalance has a second
/// half.
const STEADY: Duration = Duration::from_millis(700);

/// A group and its members, which are polled in turn.
struct Party<'a> {
    scene: &'a Scene,
    group: String,
    settings: Vec<(&'static str, &'static str)>,
    members: Vec<BaseConsumer>,
}

impl<'a> Party<'a> {
    fn new(scene: &'a Scene, settings: &[(&'static str, &'static str)]) -> Self {
        let group = scene.group();
        Self { scene, group, settings: settings.to_vec(), members: Vec::new() }
    }

    fn join(&mut self, topics: &[&str]) -> Result<(), Failure> {
        self.join_with(topics, &[])
    }

    fn join_with(&mut self, topics: &[&str], more: &[(&str, &str)]) -> Result<(), Failure> {
        let mut settings: Vec<(&str, &str)> = self.settings.clone();
        settings.extend(more);
        let member = self.scene.consumer(&self.group, &settings)?;
        member.subscribe(topics)?;
        self.members.push(member);
        Ok(())
    }

    /// Polls all members until the group is stable with all of them, and they have owned `total`
    /// partitions for a while. Returns how many each has, in ascending order.
    fn settled(&self, total: usize) -> Outcome {
        let mut node = self.scene.coordinator(&self.group)?;
        let (start, mut steady) = (Instant::now(), None);
        loop {
            self.poll()?;
            let answer = node.try_call(5, &describe_group(&self.group))?;
            let of = &answer.groups[0];
            let counts = self.counts()?;
            let stable = of.group_state.as_str() == "Stable" || self.members.is_empty();
            let complete = of.members.len() == self.members.len();
            if !(stable && complete && counts.iter().sum::<usize>() == total) {
                steady = None;
            } else if steady.get_or_insert_with(Instant::now).elapsed() > STEADY {
                let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
                return Ok(counts.join(" + "));
            }
            if start.elapsed() > PATIENCE {
                return Err(Failure::TimedOut { condition: "the group settles", limit: PATIENCE });
            }
        }
    }

    /// Polls each member once.
    fn poll(&self) -> Result<(), Failure> {
        for member in &self.members {
            match member.poll(TURN) {
                // A subscribed topic or pattern has no partitions yet.
                Some(Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::UnknownTopicOrPartition,
                )))
                | None => {}
                Some(polled) => drop(polled?),
            }
        }
        Ok(())
    }

    /// Returns how many partitions each member has, in ascending order.
    fn counts(&self) -> Result<Vec<usize>, Failure> {
        let mut counts = Vec::new();
        for member in &self.members {
            counts.push(member.assignment()?.count());
        }
        counts.sort_unstable();
        Ok(counts)
    }

    /// Returns the partitions of one member.
    fn has(&self, member: usize) -> Result<BTreeSet<(String, i32)>, Failure> {
        let list = self.members[member].assignment()?;
        Ok(list.elements().iter().map(|it| (it.topic().to_owned(), it.partition())).collect())
    }
}

const COOPERATIVE: &[(&str, &str)] = &[("partition.assignment.strategy", "cooperative-sticky")];
/// The interval at which a client looks for new topics and partitions. With a shorter one, it would
/// see Apache Kafka's nodes while they know different numbers of partitions, and librdkafka can use
/// the lower one.
const LOOKING: &[(&str, &str)] = &[("topic.metadata.refresh.interval.ms", "2000")];
const IN_TURN: &[(&str, &str)] = &[("partition.assignment.strategy", "roundrobin")];

/// Returns how a number of members share a topic.
fn shared(
    scene: &Scene,
    settings: &[(&'static str, &'static str)],
    members: usize,
    partitions: i32,
) -> Outcome {
    let topic = scene.topic(partitions)?;
    let mut party = Party::new(scene, settings);
    for _ in 0..members {
        party.join(&[&topic])?;
    }
    party.settled(partitions as usize)
}

fn one_member_has_all(scene: &Scene) -> Outcome {
    shared(scene, &[], 1, 4)
}

fn two_members_share(scene: &Scene) -> Outcome {
    shared(scene, &[], 2, 5)
}

fn three_members_share_two_partitions(scene: &Scene) -> Outcome {
    shared(scene, &[], 3, 2)
}

fn two_members_share_in_turn(scene: &Scene) -> Outcome {
    let (first, second) = (scene.topic(3)?, scene.topic(3)?);
    let mut party = Party::new(scene, IN_TURN);
    party.join(&[&first, &second])?;
    party.join(&[&first, &second])?;
    party.settled(6)
}

fn two_members_share_cooperatively(scene: &Scene) -> Outcome {
    shared(scene, COOPERATIVE, 2, 5)
}

fn one_after_another(scene: &Scene, settings: &[(&'static str, &'static str)]) -> Outcome {
    let topic = scene.topic(6)?;
    let mut party = Party::new(scene, settings);
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        party.join(&[&topic])?;
        outcomes.push(party.settled(6)?);
    }
    Ok(outcomes.join(", then "))
}

fn members_come_one_after_another(scene: &Scene) -> Outcome {
    one_after_another(scene, &[])
}

fn members_come_one_after_another_cooperatively(scene: &Scene) -> Outcome {
    one_after_another(scene, COOPERATIVE)
}

fn one_leaves(scene: &Scene, settings: &[(&'static str, &'static str)]) -> Outcome {
    let topic = scene.topic(4)?;
    let mut party = Party::new(scene, settings);
    party.join(&[&topic])?;
    party.join(&[&topic])?;
    let before = party.settled(4)?;
    party.members.pop();
    Ok(format!("{before}, then {}", party.settled(4)?))
}

fn a_member_leaves(scene: &Scene) -> Outcome {
    one_leaves(scene, &[])
}

fn a_member_leaves_cooperatively(scene: &Scene) -> Outcome {
    one_leaves(scene, COOPERATIVE)
}

fn all_leave(scene: &Scene) -> Outcome {
    let topic = scene.topic(2)?;
    let mut party = Party::new(scene, &[]);
    party.join(&[&topic])?;
    party.settled(2)?;
    party.members.clear();
    let mut node = scene.coordinator(&party.group)?;
    scene.until("the group has no members", || {
        let answer = node.try_call(5, &describe_group(&party.group))?;
        let of = &answer.groups[0];
        Ok(of.members.is_empty().then(|| of.group_state.to_string()))
    })
}

fn a_member_comes_back(scene: &Scene) -> Outcome {
    let topic = scene.topic(4)?;
    let mut party = Party::new(scene, &[]);
    party.join(&[&topic])?;
    party.join(&[&topic])?;
    party.settled(4)?;
    party.members.pop();
    party.settled(4)?;
    party.join(&[&topic])?;
    party.settled(4)
}

/// Starts two static members; the second one leaves later.
fn static_pair<'a>(scene: &'a Scene, topic: &str) -> Result<Party<'a>, Failure> {
    let mut party = Party::new(scene, &[]);
    party.join_with(&[topic], &[("group.instance.id", "north")])?;
    party.join_with(&[topic], &[("group.instance.id", "south")])?;
    party.settled(4)?;
    Ok(party)
}

fn a_static_member_comes_back(scene: &Scene) -> Outcome {
    let topic = scene.topic(4)?;
    let mut party = static_pair(scene, &topic)?;
    let (first, second) = (party.has(0)?, party.has(1)?);
    party.members.pop();
    party.join_with(&[&topic], &[("group.instance.id", "south")])?;
    let settled = party.settled(4)?;
    let same = party.has(0)? == first && party.has(1)? == second;
    Ok(format!("{settled}, the same: {same}"))
}

fn a_static_member_stays_away(scene: &Scene) -> Outcome {
    let topic = scene.topic(4)?;
    let mut party = static_pair(scene, &topic)?;
    party.members.pop();
    party.settled(4)
}

fn a_member_unsubscribes(scene: &Scene) -> Outcome {
    let topic = scene.topic(4)?;
    let mut party = Party::new(scene, &[]);
    party.join(&[&topic])?;
    party.join(&[&topic])?;
    party.settled(4)?;
    let idle = party.members.pop().ok_or(Failure::Missing("second member"))?;
    idle.unsubscribe();
    let rest = party.settled(4)?;
    Ok(format!("{rest}, and {}", idle.assignment()?.count()))
}

fn a_member_subscribes_to_more(scene: &Scene) -> Outcome {
    let (first, second) = (scene.topic(2)?, scene.topic(3)?);
    let mut party = Party::new(scene, &[]);
    party.join(&[&first])?;
    let before = party.settled(2)?;
    party.members[0].subscribe(&[&first, &second])?;
    Ok(format!("{before}, then {}", party.settled(5)?))
}

fn members_subscribe_to_different_topics(scene: &Scene) -> Outcome {
    let (first, second) = (scene.topic(2)?, scene.topic(3)?);
    let mut party = Party::new(scene, &[]);
    party.join(&[&first])?;
    party.join(&[&second])?;
    let settled = party.settled(5)?;
    let own = party.has(0)?.iter().all(|it| it.0 == first);
    Ok(format!("{settled}, each its own: {own}"))
}

fn a_topic_grows(scene: &Scene) -> Outcome {
    let topic = scene.topic(2)?;
    let mut party = Party::new(scene, LOOKING);
    party.join(&[&topic])?;
    let before = party.settled(2)?;
    let (admin, options) = scene.admin()?;
    scene.wait(admin.create_partitions([&NewPartitions::new(&topic, 5)], &options))?;
    Ok(format!("{before}, then {}", party.settled(5)?))
}

fn a_topic_appears_that_a_pattern_matches(scene: &Scene) -> Outcome {
    let mut party = Party::new(scene, LOOKING);
    party.join(&[&format!("^{}.*", scene.name("topic"))])?;
    party.poll()?;
    scene.topic(3)?;
    party.settled(3)
}

fn two_groups_do_not_share(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    scene.send(&scene.producer(&[])?, &topic, 0, &["one", "two"]);
    let mut outcomes = Vec::new();
    for group in ["one", "two"] {
        let consumer = scene.consumer(&scene.name(group), &[])?;
        consumer.subscribe(&[&topic])?;
        outcomes.push(next_values(&consumer, 2)?);
    }
    Ok(outcomes.join("; "))
}

fn every_record_is_read_once(scene: &Scene) -> Outcome {
    let topic = scene.topic(4)?;
    let mut party = Party::new(scene, &[]);
    party.join(&[&topic])?;
    party.join(&[&topic])?;
    party.settled(4)?;
    let producer = scene.producer(&[])?;
    for partition in 0..4 {
        scene.send(&producer, &topic, partition, &["a", "b", "c", "d", "e"]);
    }
    let (mut all, mut distinct) = (0, BTreeSet::new());
    scene.until("all records are read", || {
        for member in &party.members {
            if let Some(message) = member.poll(TURN) {
                let message = message?;
                all += 1;
                distinct.insert((message.partition(), message.offset()));
            }
        }
        Ok((distinct.len() == 20).then_some(()))
    })?;
    Ok(format!("{all} read, {} different", distinct.len()))
}

/// Lets a consumer read two of four records, commit or not, and leave; returns what its successor
/// reads.
fn succeeded(scene: &Scene, commits: bool) -> Outcome {
    let (topic, group) = (scene.topic(1)?, scene.group());
    scene.send(&scene.producer(&[])?, &topic, 0, &["one", "two", "three", "four"]);
    let first = scene.consumer(&group, &[])?;
    first.subscribe(&[&topic])?;
    let before = next_values(&first, 2)?;
    if commits {
        first.store_offsets(&first.position()?)?;
        first.commit_consumer_state(CommitMode::Sync)?;
    }
    drop(first);
    let second = scene.consumer(&group, &[])?;
    second.subscribe(&[&topic])?;
    Ok(format!("{before}; {}", next_values(&second, 2)?))
}

fn a_successor_goes_on_where_its_predecessor_committed(scene: &Scene) -> Outcome {
    succeeded(scene, true)
}

fn a_successor_reads_again_what_was_not_committed(scene: &Scene) -> Outcome {
    succeeded(scene, false)
}
