//! Transactions request by request: producers of the past, and requests out of turn.

mod parts;
mod producers;

use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{ProducerId, TransactionalId, TxnOffsetCommitRequest};
use wire_client::batch::Batch;
use wire_client::raw::RawClient;
use wire_client::requests::{group_id, produce, produced, text, topic_name};
use wire_client::transactions::{Producer, add_offsets, add_partitions, end, initialize};

use super::{Outcome, Scenario};
use crate::failure::Failure;
use crate::names::{name, names};
use crate::scene::Scene;

pub(super) fn scenarios() -> Vec<Scenario> {
    [producers::scenarios(), parts::scenarios()].concat()
}

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

/// AddOffsetsToTxn.
fn add_group(stage: &mut Stage, producer: Producer, group: &str) -> Outcome {
    let request = add_offsets(&stage.transactional.id, producer, group);
    Ok(name(stage.transactional.coordinator.try_call(3, &request)?.error_code))
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
