//! Static members of the consumer protocol (KIP-848), and the response to a member that changes its
//! instance id, or returns.

use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use wire_client::raw::RawClient;
use wire_client::requests::{self, commit, group_id, text, topic_name};

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("instances":
    another_name_while_it_beats,
    no_name_while_it_beats,
    a_name_while_it_beats_without_one,
    a_taken_name_while_it_beats,
    joining_again_with_another_name,
    joining_again_without_its_name,
    joining_again_with_a_name,
    joining_again_with_a_taken_name,
    joining_again_with_its_own_name,
    an_empty_name,
    replaced_after_it_left_for_a_while,
    replaced_by_itself,
    replaced_while_it_lives,
    the_replaced_one_beats,
    the_replaced_one_commits,
    the_replaced_one_leaves,
    leaving_for_a_while_without_a_name,
    leaving_for_a_while_under_another_name,
    leaving_under_another_name,
    leaving_without_its_name,
    leaving_for_good_while_it_is_away,
    beating_while_it_is_away,
    committing_while_it_is_away,
);

/// How many partitions the topic has.
const PARTITIONS: i32 = 2;

/// A group with its coordinator and a topic.
struct Group {
    node: RawClient,
    group: String,
    topic: String,
}

impl Group {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let (topic, group) = (scene.topic(PARTITIONS)?, scene.group());
        let node = scene.coordinator(&group)?;
        let mut new = Self { node, group, topic };
        new.wait_until_the_topic_is_known(scene)?;
        Ok(new)
    }

    /// Waits until the coordinator assigns the topic's partitions.
    ///
    /// The coordinator of Apache Kafka learns of a topic after the broker that it runs on, for one
    /// partition of `__consumer_offsets` after the other. A group that joins before that gets an
    /// empty assignment and a second epoch. So other groups of the same partition join first.
    fn wait_until_the_topic_is_known(&mut self, scene: &Scene) -> Result<(), Failure> {
        let offsets = requests::metadata(&["__consumer_offsets"]);
        let partitions = self.node.try_call(12, &offsets)?.topics[0].partitions.len();
        let own = coordinator_partition(&self.group, partitions);
        let names = (0..).map(|number| format!("{}-{number}", self.group));
        let mut names = names.filter(|it| coordinator_partition(it, partitions) == own);
        let joining = self.joining("a", None);
        scene.until("the coordinator assigns the topic's partitions", || {
            let name = names.next().ok_or(Failure::Missing("name"))?;
            let joining = joining.clone().with_group_id(group_id(&name));
            let response = self.node.try_call(1, &joining)?;
            let leaving = ConsumerGroupHeartbeatRequest::default()
                .with_group_id(group_id(&name))
                .with_member_id(text("a"))
                .with_member_epoch(-1);
            self.node.try_call(1, &leaving)?;
            Ok((assigned(&response) == Some(PARTITIONS as usize)).then_some(()))
        })
    }

    fn beating(
        &self,
        member: &str,
        epoch: i32,
        name: Option<&str>,
    ) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text(member))
            .with_member_epoch(epoch)
            .with_instance_id(name.map(text))
            .with_rebalance_timeout_ms(-1)
    }

    fn send(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Failure> {
        Ok(self.node.try_call(1, request)?)
    }

    /// Joins, and returns the member's epoch.
    fn join(&mut self, member: &str, name: Option<&str>) -> Result<i32, Failure> {
        let request = self.joining(member, name);
        Ok(self.send(&request)?.member_epoch)
    }

    fn joining(&self, member: &str, name: Option<&str>) -> ConsumerGroupHeartbeatRequest {
        self.beating(member, 0, name)
            .with_rebalance_timeout_ms(60_000)
            .with_subscribed_topic_names(Some(vec![topic_name(&self.topic)]))
            .with_topic_partitions(Some(vec![]))
    }

    /// Returns the response to a heartbeat with this epoch.
    fn beat(&mut self, member: &str, epoch: i32, name: Option<&str>) -> Outcome {
        let request = self.beating(member, epoch, name);
        Ok(told(&self.send(&request)?))
    }

    /// Returns the response to a join.
    fn joins(&mut self, member: &str, name: Option<&str>) -> Outcome {
        let request = self.joining(member, name);
        Ok(told(&self.send(&request)?))
    }

    /// Returns the epoch of the group, which grows when a different assignment is needed. The
    /// coordinator decides when that is.
    fn epoch(&mut self) -> Outcome {
        let request = ConsumerGroupDescribeRequest::default();
        let request = request.with_group_ids(vec![group_id(&self.group)]);
        let answer = self.node.try_call(1, &request)?;
        Ok(format!("group epoch {}", answer.groups[0].group_epoch))
    }

    fn commits(&mut self, member: &str, epoch: i32) -> Outcome {
        let request = commit(&self.group, &self.topic, 0, 7, "")
            .with_generation_id_or_member_epoch(epoch)
            .with_member_id(text(member));
        let answer = self.node.try_call(9, &request)?;
        Ok(name(answer.topics[0].partitions[0].error_code))
    }
}

/// Formats the error with its message, or the epoch and the number of assigned partitions.
fn told(answer: &ConsumerGroupHeartbeatResponse) -> String {
    if answer.error_code != 0 {
        let words = answer.error_message.as_deref().unwrap_or_default().split(' ');
        // The group's name is different each time.
        let message: Vec<&str> = words.filter(|it| !it.starts_with("conformance-")).collect();
        return format!("{}: {:?}", name(answer.error_code), message.join(" "));
    }
    let assigned =
        assigned(answer).map_or("nothing new".to_owned(), |it| format!("{it} partitions"));
    format!("epoch {}, {assigned}", answer.member_epoch)
}

/// Returns how many partitions the response assigns, if it has an assignment.
fn assigned(response: &ConsumerGroupHeartbeatResponse) -> Option<usize> {
    let assignment = response.assignment.as_ref()?;
    Some(assignment.topic_partitions.iter().map(|it| it.partitions.len()).sum())
}

/// Returns the partition of `__consumer_offsets` that holds a group: the absolute value of Java's
/// `String.hashCode`, modulo the number of partitions.
fn coordinator_partition(group: &str, partitions: usize) -> usize {
    let hash =
        group.bytes().fold(0_i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte)));
    // Kafka's Utils.abs has 0 for the least integer, which has no absolute value.
    hash.checked_abs().unwrap_or(0) as usize % partitions.max(1)
}

/// Creates a group with the member "a" and the instance id "north", and returns it with the
/// member's epoch.
fn north(scene: &Scene) -> Result<(Group, i32), Failure> {
    let mut group = Group::new(scene)?;
    let epoch = group.join("a", Some("north"))?;
    Ok((group, epoch))
}

/// Creates a group whose member "a" has no instance id.
fn nameless(scene: &Scene) -> Result<(Group, i32), Failure> {
    let mut group = Group::new(scene)?;
    let epoch = group.join("a", None)?;
    Ok((group, epoch))
}

/// Adds a second member "b" with the instance id "south".
fn both(scene: &Scene) -> Result<(Group, i32), Failure> {
    let (mut group, epoch) = north(scene)?;
    group.join("b", Some("south"))?;
    Ok((group, epoch))
}

fn another_name_while_it_beats(scene: &Scene) -> Outcome {
    let (mut group, epoch) = north(scene)?;
    let south = group.beat("a", epoch, Some("south"))?;
    Ok(format!("{south}; then {}", group.beat("a", epoch, Some("north"))?))
}

fn no_name_while_it_beats(scene: &Scene) -> Outcome {
    let (mut group, epoch) = north(scene)?;
    group.beat("a", epoch, None)
}

fn a_name_while_it_beats_without_one(scene: &Scene) -> Outcome {
    let (mut group, epoch) = nameless(scene)?;
    group.beat("a", epoch, Some("north"))
}

fn a_taken_name_while_it_beats(scene: &Scene) -> Outcome {
    let (mut group, epoch) = both(scene)?;
    group.beat("a", epoch, Some("south"))
}

fn joining_again_with_another_name(scene: &Scene) -> Outcome {
    let (mut group, _) = north(scene)?;
    let before = group.epoch()?;
    group.join("a", Some("south"))?;
    let after = group.epoch()?;
    let taken = group.joins("b", Some("south"))?;
    group.join("c", Some("north"))?;
    Ok(format!("{before}, {after}; another as south: {taken}; as north: {}", group.epoch()?))
}

fn joining_again_without_its_name(scene: &Scene) -> Outcome {
    let (mut group, _) = north(scene)?;
    group.joins("a", None)
}

fn joining_again_with_a_name(scene: &Scene) -> Outcome {
    let (mut group, _) = nameless(scene)?;
    let before = group.epoch()?;
    group.join("a", Some("north"))?;
    let after = group.epoch()?;
    Ok(format!("{before}, {after}; another as north: {}", group.joins("c", Some("north"))?))
}

fn joining_again_with_a_taken_name(scene: &Scene) -> Outcome {
    let (mut group, _) = both(scene)?;
    group.joins("a", Some("south"))
}

fn joining_again_with_its_own_name(scene: &Scene) -> Outcome {
    let (mut group, _) = north(scene)?;
    group.joins("a", Some("north"))
}

fn an_empty_name(scene: &Scene) -> Outcome {
    Group::new(scene)?.joins("a", Some(""))
}

fn replaced_after_it_left_for_a_while(scene: &Scene) -> Outcome {
    let (mut group, _) = north(scene)?;
    let left = group.beat("a", -2, Some("north"))?;
    Ok(format!("{left}; {}", group.joins("b", Some("north"))?))
}

fn replaced_by_itself(scene: &Scene) -> Outcome {
    let (mut group, _) = north(scene)?;
    let left = group.beat("a", -2, Some("north"))?;
    Ok(format!("{left}; {}", group.joins("a", Some("north"))?))
}

fn replaced_while_it_lives(scene: &Scene) -> Outcome {
    let (mut group, _) = north(scene)?;
    group.joins("b", Some("north"))
}

/// Creates a group in which "b" has replaced "a", and returns the epoch that "a" had.
fn replaced(scene: &Scene) -> Result<(Group, i32), Failure> {
    let (mut group, epoch) = north(scene)?;
    group.beat("a", -2, Some("north"))?;
    group.join("b", Some("north"))?;
    Ok((group, epoch))
}

fn the_replaced_one_beats(scene: &Scene) -> Outcome {
    let (mut group, epoch) = replaced(scene)?;
    let named = group.beat("a", epoch, Some("north"))?;
    Ok(format!("{named}; without its name: {}", group.beat("a", epoch, None)?))
}

fn the_replaced_one_commits(scene: &Scene) -> Outcome {
    let (mut group, epoch) = replaced(scene)?;
    let old = group.commits("a", epoch)?;
    Ok(format!("{old}; the new one: {}", group.commits("b", epoch)?))
}

fn the_replaced_one_leaves(scene: &Scene) -> Outcome {
    let (mut group, epoch) = replaced(scene)?;
    let left = group.beat("a", -1, Some("north"))?;
    let away = group.beat("a", -2, Some("north"))?;
    let new = group.beat("b", epoch, Some("north"))?;
    Ok(format!("{left}; for a while: {away}; the new one: {new}"))
}

fn leaving_for_a_while_without_a_name(scene: &Scene) -> Outcome {
    let (mut group, _) = nameless(scene)?;
    let left = group.beat("a", -2, None)?;
    Ok(format!("{left}; again: {}", group.joins("a", None)?))
}

fn leaving_for_a_while_under_another_name(scene: &Scene) -> Outcome {
    let (mut group, _) = both(scene)?;
    let unknown = group.beat("a", -2, Some("east"))?;
    Ok(format!("{unknown}; a taken one: {}", group.beat("a", -2, Some("south"))?))
}

fn leaving_under_another_name(scene: &Scene) -> Outcome {
    let (mut group, epoch) = both(scene)?;
    let unknown = group.beat("a", -1, Some("east"))?;
    let taken = group.beat("a", -1, Some("south"))?;
    let request = group.beating("a", epoch, Some("north"));
    let there = name(group.send(&request)?.error_code);
    Ok(format!("{unknown}; a taken one: {taken}; afterwards: {there}"))
}

fn leaving_without_its_name(scene: &Scene) -> Outcome {
    let (mut group, _) = north(scene)?;
    let left = group.beat("a", -1, None)?;
    Ok(format!("{left}; another as north: {}", group.joins("b", Some("north"))?))
}

fn leaving_for_good_while_it_is_away(scene: &Scene) -> Outcome {
    let (mut group, _) = north(scene)?;
    group.beat("a", -2, Some("north"))?;
    let left = group.beat("a", -1, Some("north"))?;
    Ok(format!("{left}; another as north: {}", group.joins("b", Some("north"))?))
}

fn beating_while_it_is_away(scene: &Scene) -> Outcome {
    let (mut group, epoch) = north(scene)?;
    group.beat("a", -2, Some("north"))?;
    let named = group.beat("a", epoch, Some("north"))?;
    Ok(format!("{named}; without its name: {}", group.beat("a", epoch, None)?))
}

fn committing_while_it_is_away(scene: &Scene) -> Outcome {
    let (mut group, epoch) = north(scene)?;
    group.beat("a", -2, Some("north"))?;
    let before = group.commits("a", epoch)?;
    Ok(format!("{before}; as one who is away: {}", group.commits("a", -2)?))
}
