//! Transactions request by request: producers of the past, and requests out of turn.

use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{ProducerId, TransactionalId, TxnOffsetCommitRequest};
use wire_client::batch::Batch;
use wire_client::raw::RawClient;
use wire_client::requests::{group_id, produce, produced, text, topic_name};
use wire_client::transactions::{Producer, add_offsets, add_partitions, end, initialize};

use super::{Outcome, area};
use crate::failure::Failure;
use crate::names::{name, names};
use crate::scene::Scene;

area!("fencing":
    initialised,
    initialised_again,
    initialised_as_itself,
    initialised_as_a_past_epoch,
    initialised_as_another_producer,
    initialised_at_another_node,
    initialised_without_a_name,
    initialised_with_no_timeout,
    initialised_with_a_negative_timeout,
    initialised_with_too_long_a_timeout,
    initialised_while_open,
    ended_without_partitions,
    ended_twice,
    ended_the_other_way,
    ended_by_a_past_epoch,
    ended_by_a_past_epoch_in_an_old_version,
    ended_by_a_future_epoch,
    ended_by_another_producer,
    ended_unknown,
    ended_at_another_node,
    added,
    added_twice,
    added_of_an_unknown_topic,
    added_of_one_good_and_one_unknown_partition,
    added_by_a_past_epoch,
    added_by_a_past_epoch_in_an_old_version,
    added_by_another_producer,
    added_nothing,
    added_at_another_node,
    offsets_added,
    offsets_added_by_a_past_epoch,
    offsets_added_of_a_group_without_a_name,
    offsets_committed,
    offsets_committed_without_being_added,
    offsets_committed_by_a_past_epoch,
    offsets_committed_by_an_unknown_member,
    offsets_committed_of_an_unknown_topic,
    offsets_committed_with_too_much_metadata,
    offsets_committed_at_another_node,
    written,
    written_without_being_added,
    written_by_a_past_epoch,
    written_by_a_future_epoch,
    written_without_the_name,
    written_outside_of_a_transaction,
    written_by_another_name,
);

/// How long a transaction may take.
const TIMEOUT: i32 = 60_000;

/// A client that knows no producer of its own.
const NOBODY: Producer = (-1, -1);

/// A transactional id and its coordinator.
pub(super) struct Transactional {
    pub(super) id: String,
    pub(super) coordinator: RawClient,
}

impl Transactional {
    pub(super) fn new(scene: &Scene) -> Result<Self, Failure> {
        let id = scene.name("id");
        let address = scene.coordinator_address(1, &id)?;
        let mut coordinator = RawClient::try_connect(&address)?;
        // Right after __transaction_state was created its leaders are still reading it.
        scene.until("the coordinator has loaded its transactions", || {
            let answer = coordinator.try_call(3, &end(&id, NOBODY, true))?.error_code;
            Ok((![14, 15, 16].contains(&answer)).then_some(()))
        })?;
        Ok(Self { id, coordinator })
    }

    /// InitProducerId: the error, and the producer.
    fn init(&mut self, timeout: i32, expected: Producer) -> Result<(String, Producer), Failure> {
        let answer = self.coordinator.try_call(4, &initialize(&self.id, timeout, expected))?;
        Ok((name(answer.error_code), (answer.producer_id.0, answer.producer_epoch)))
    }

    /// The producer, once no transaction is in the way.
    pub(super) fn producer(&mut self, scene: &Scene, timeout: i32) -> Result<Producer, Failure> {
        scene.until("the producer has its id", || {
            let (error, producer) = self.init(timeout, NOBODY)?;
            Ok((error == "ok").then_some(producer))
        })
    }

    /// AddPartitionsToTxn: the errors, by partition.
    pub(super) fn add(
        &mut self,
        version: i16,
        producer: Producer,
        topics: &[(&str, &[i32])],
    ) -> Outcome {
        let request = add_partitions(&self.id, producer, topics);
        let answer = self.coordinator.try_call(version, &request)?;
        let topics = answer.results_by_topic_v3_and_below.iter();
        let mut all: Vec<_> = topics.flat_map(|it| &it.results_by_partition).collect();
        all.sort_by_key(|it| it.partition_index);
        Ok(names(all.iter().map(|it| it.partition_error_code)))
    }

    /// EndTxn.
    pub(super) fn end(&mut self, version: i16, producer: Producer, commit: bool) -> Outcome {
        let answer = self.coordinator.try_call(version, &end(&self.id, producer, commit))?;
        Ok(name(answer.error_code))
    }
}

/// A transactional id with its producer, and a topic of two partitions.
struct Stage {
    transactional: Transactional,
    producer: Producer,
    topic: String,
    leader: RawClient,
}

impl Stage {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let topic = scene.topic(2)?;
        let mut transactional = Transactional::new(scene)?;
        let producer = transactional.producer(scene, TIMEOUT)?;
        let leader = scene.leader(&topic, 0)?;
        Ok(Self { transactional, producer, topic, leader })
    }

    /// The same with an open transaction on partition 0.
    fn open(scene: &Scene) -> Result<Self, Failure> {
        let mut stage = Self::new(scene)?;
        stage.add(3, stage.producer)?;
        Ok(stage)
    }

    fn add(&mut self, version: i16, producer: Producer) -> Outcome {
        self.transactional.add(version, producer, &[(&self.topic, &[0])])
    }

    /// The producer whom this one was taken over from.
    fn past(&self) -> Producer {
        (self.producer.0, self.producer.1 - 1)
    }

    /// Has the epoch move on, so that there is a past one.
    fn moved_on(scene: &Scene) -> Result<Self, Failure> {
        let mut stage = Self::new(scene)?;
        stage.producer = stage.transactional.producer(scene, TIMEOUT)?;
        Ok(stage)
    }

    /// A transactional produce of one record to partition 0.
    fn write(&mut self, producer: Producer, id: Option<&str>) -> Outcome {
        let batch = Batch::of(&["one"]).from_producer(producer.0, producer.1, 0);
        let batch = batch.with_attributes(0x10).encode();
        let id = id.map(|it| TransactionalId(text(it)));
        let request = produce(&self.topic, 0, -1, batch).with_transactional_id(id);
        let answer = self.leader.try_call(9, &request)?;
        let answer = produced(&answer);
        Ok(format!("{} at {}", name(answer.error_code), answer.base_offset))
    }
}

fn initialised(scene: &Scene) -> Outcome {
    let mut it = Transactional::new(scene)?;
    let (error, producer) = it.init(TIMEOUT, NOBODY)?;
    Ok(format!("{error}, epoch {}", producer.1))
}

fn initialised_again(scene: &Scene) -> Outcome {
    let mut it = Transactional::new(scene)?;
    let first = it.producer(scene, TIMEOUT)?;
    let (error, second) = it.init(TIMEOUT, NOBODY)?;
    Ok(format!("{error}, same id: {}, epoch {}", first.0 == second.0, second.1))
}

/// What a producer is answered that says who it believes to be.
fn initialised_as(scene: &Scene, who: impl FnOnce(Producer) -> Producer) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    let (error, producer) = stage.transactional.init(TIMEOUT, who(stage.producer))?;
    let same = producer.0 == stage.producer.0;
    Ok(format!("{error}, same id: {same}, epoch {}", producer.1))
}

fn initialised_as_itself(scene: &Scene) -> Outcome {
    initialised_as(scene, |it| it)
}

fn initialised_as_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.producer = stage.transactional.producer(scene, TIMEOUT)?;
    let past = (stage.producer.0, stage.producer.1 - 2);
    Ok(stage.transactional.init(TIMEOUT, past)?.0)
}

fn initialised_as_another_producer(scene: &Scene) -> Outcome {
    initialised_as(scene, |it| (it.0 + 900_000_000, it.1))
}

fn initialised_at_another_node(scene: &Scene) -> Outcome {
    let it = Transactional::new(scene)?;
    let mut other = scene.elsewhere(it.coordinator.address())?;
    Ok(name(other.try_call(4, &initialize(&it.id, TIMEOUT, NOBODY))?.error_code))
}

fn initialised_without_a_name(scene: &Scene) -> Outcome {
    Ok(name(scene.node()?.try_call(4, &initialize("", TIMEOUT, NOBODY))?.error_code))
}

fn with_timeout(scene: &Scene, timeout: i32) -> Outcome {
    Ok(Transactional::new(scene)?.init(timeout, NOBODY)?.0)
}

fn initialised_with_no_timeout(scene: &Scene) -> Outcome {
    with_timeout(scene, 0)
}

fn initialised_with_a_negative_timeout(scene: &Scene) -> Outcome {
    with_timeout(scene, -1)
}

fn initialised_with_too_long_a_timeout(scene: &Scene) -> Outcome {
    with_timeout(scene, 900_001)
}

fn initialised_while_open(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let (first, _) = stage.transactional.init(TIMEOUT, NOBODY)?;
    let after = stage.transactional.producer(scene, TIMEOUT)?;
    Ok(format!("{first}, in the end epoch {}", after.1 - stage.producer.1))
}

fn ended_without_partitions(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let commit = stage.transactional.end(3, stage.producer, true)?;
    Ok(format!("{commit}, {}", stage.transactional.end(3, stage.producer, false)?))
}

/// Ends an open transaction once, and then again as soon as the first end is complete.
fn ended_again(scene: &Scene, commit: bool) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let first = stage.transactional.end(3, stage.producer, true)?;
    let second = scene.until("the transaction is complete", || {
        let answer = stage.transactional.end(3, stage.producer, commit)?;
        Ok(Some(answer).filter(|it| it != "CONCURRENT_TRANSACTIONS"))
    })?;
    Ok(format!("{first}, {second}"))
}

fn ended_twice(scene: &Scene) -> Outcome {
    ended_again(scene, true)
}

fn ended_the_other_way(scene: &Scene) -> Outcome {
    ended_again(scene, false)
}

fn ended_by_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.transactional.end(3, stage.past(), true)
}

fn ended_by_a_past_epoch_in_an_old_version(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.transactional.end(1, stage.past(), true)
}

fn ended_by_a_future_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.transactional.end(3, (stage.producer.0, stage.producer.1 + 1), true)
}

fn ended_by_another_producer(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.transactional.end(3, (stage.producer.0 + 900_000_000, stage.producer.1), true)
}

fn ended_unknown(scene: &Scene) -> Outcome {
    Transactional::new(scene)?.end(3, (7, 0), true)
}

fn ended_at_another_node(scene: &Scene) -> Outcome {
    let stage = Stage::open(scene)?;
    let mut other = scene.elsewhere(stage.transactional.coordinator.address())?;
    Ok(name(other.try_call(3, &end(&stage.transactional.id, stage.producer, true))?.error_code))
}

fn added(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let topic = stage.topic.clone();
    stage.transactional.add(3, stage.producer, &[(&topic, &[0, 1])])
}

fn added_twice(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.add(3, stage.producer)
}

fn added_of_an_unknown_topic(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    stage.transactional.add(3, stage.producer, &[(&scene.name("unknown"), &[0])])
}

fn added_of_one_good_and_one_unknown_partition(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let topic = stage.topic.clone();
    stage.transactional.add(3, stage.producer, &[(&topic, &[0, 7])])
}

fn added_by_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.add(3, stage.past())
}

fn added_by_a_past_epoch_in_an_old_version(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.add(1, stage.past())
}

fn added_by_another_producer(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    stage.add(3, (stage.producer.0 + 900_000_000, stage.producer.1))
}

fn added_nothing(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let added = stage.transactional.add(3, stage.producer, &[])?;
    Ok(format!("{added:?}, end {}", stage.transactional.end(3, stage.producer, true)?))
}

fn added_at_another_node(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let other = scene.elsewhere(stage.transactional.coordinator.address())?;
    stage.transactional.coordinator = other;
    stage.add(3, stage.producer)
}

/// AddOffsetsToTxn.
fn add_group(stage: &mut Stage, producer: Producer, group: &str) -> Outcome {
    let request = add_offsets(&stage.transactional.id, producer, group);
    Ok(name(stage.transactional.coordinator.try_call(3, &request)?.error_code))
}

fn offsets_added(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let producer = stage.producer;
    add_group(&mut stage, producer, &scene.group())
}

fn offsets_added_by_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    let past = stage.past();
    add_group(&mut stage, past, &scene.group())
}

fn offsets_added_of_a_group_without_a_name(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let producer = stage.producer;
    add_group(&mut stage, producer, "")
}

/// What a changed TxnOffsetCommit is answered, in a transaction that has or has not the group.
fn commit(
    scene: &Scene,
    with_group: bool,
    change: impl FnOnce(&mut TxnOffsetCommitRequest),
) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    let (producer, group) = (stage.producer, scene.group());
    if with_group {
        add_group(&mut stage, producer, &group)?;
    }
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_committed_offset(7)
        .with_committed_metadata(Some(text("")));
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic_name(&stage.topic))
        .with_partitions(vec![partition]);
    let mut request = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(&stage.transactional.id)))
        .with_group_id(group_id(&group))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_generation_id(-1)
        .with_topics(vec![topic]);
    change(&mut request);
    let answer = scene.coordinator(&group)?.try_call(3, &request)?;
    Ok(name(answer.topics[0].partitions[0].error_code))
}

fn offsets_committed(scene: &Scene) -> Outcome {
    commit(scene, true, |_| ())
}

fn offsets_committed_without_being_added(scene: &Scene) -> Outcome {
    commit(scene, false, |_| ())
}

fn offsets_committed_by_a_past_epoch(scene: &Scene) -> Outcome {
    commit(scene, true, |it| it.producer_epoch -= 1)
}

fn offsets_committed_by_an_unknown_member(scene: &Scene) -> Outcome {
    commit(scene, true, |it| {
        it.member_id = text("nobody");
        it.generation_id = 1;
    })
}

fn offsets_committed_of_an_unknown_topic(scene: &Scene) -> Outcome {
    commit(scene, true, |it| it.topics[0].name = topic_name(&scene.name("unknown")))
}

fn offsets_committed_with_too_much_metadata(scene: &Scene) -> Outcome {
    commit(scene, true, |it| {
        it.topics[0].partitions[0].committed_metadata = Some(text(&"x".repeat(4_097)));
    })
}

fn offsets_committed_at_another_node(scene: &Scene) -> Outcome {
    let group = scene.group();
    let node = scene.coordinator(&group)?;
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic_name(&scene.topic(1)?))
        .with_partitions(vec![TxnOffsetCommitRequestPartition::default()]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(&scene.name("id"))))
        .with_group_id(group_id(&group))
        .with_topics(vec![topic]);
    let answer = scene.elsewhere(node.address())?.try_call(3, &request)?;
    Ok(name(answer.topics[0].partitions[0].error_code))
}

fn written(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let id = stage.transactional.id.clone();
    stage.write(stage.producer, Some(&id))
}

fn written_without_being_added(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let id = stage.transactional.id.clone();
    stage.write(stage.producer, Some(&id))
}

fn written_by_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.add(3, stage.producer)?;
    let id = stage.transactional.id.clone();
    let now = stage.write(stage.producer, Some(&id))?;
    Ok(format!("{now}, then {}", stage.write(stage.past(), Some(&id))?))
}

fn written_by_a_future_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let id = stage.transactional.id.clone();
    stage.write((stage.producer.0, stage.producer.1 + 1), Some(&id))
}

fn written_without_the_name(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.write(stage.producer, None)
}

fn written_outside_of_a_transaction(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let batch = Batch::of(&["one"]).from_producer(stage.producer.0, stage.producer.1, 0);
    let request = produce(&stage.topic, 0, -1, batch.encode());
    let answer = stage.leader.try_call(9, &request)?;
    Ok(name(produced(&answer).error_code))
}

fn written_by_another_name(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.write(stage.producer, Some(&scene.name("another-id")))
}
