//! A transactional producer with a topic, and the requests of its transactions.

use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{ProducerId, TransactionalId, TxnOffsetCommitRequest};
use wire_client::batch::Batch;
use wire_client::raw::RawClient;
use wire_client::requests::{group_id, produce, produced, text, topic_name};
use wire_client::transactions::{Producer, add_offsets};

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::Outcome;
use crate::scenarios::transactional::Transactional;
use crate::scene::Scene;

/// The transaction timeout, in milliseconds.
pub(super) const TIMEOUT: i32 = 60_000;

/// A transactional id with its producer, and a topic of two partitions.
pub(super) struct Stage {
    pub(super) transactional: Transactional,
    pub(super) producer: Producer,
    pub(super) topic: String,
    pub(super) leader: RawClient,
}

impl Stage {
    pub(super) fn new(scene: &Scene) -> Result<Self, Failure> {
        let topic = scene.topic(2)?;
        let mut transactional = Transactional::new(scene)?;
        let producer = transactional.producer(scene, TIMEOUT)?;
        let leader = scene.leader(&topic, 0)?;
        Ok(Self { transactional, producer, topic, leader })
    }

    /// Does the same, and opens a transaction on partition 0.
    pub(super) fn open(scene: &Scene) -> Result<Self, Failure> {
        let mut stage = Self::new(scene)?;
        stage.add(3, stage.producer)?;
        Ok(stage)
    }

    pub(super) fn add(&mut self, version: i16, producer: Producer) -> Outcome {
        self.transactional.add(version, producer, &[(&self.topic, &[0])])
    }

    /// Returns the producer that this one has replaced.
    pub(super) fn past(&self) -> Producer {
        (self.producer.0, self.producer.1 - 1)
    }

    /// Increments the epoch, so that there is a fenced one.
    pub(super) fn moved_on(scene: &Scene) -> Result<Self, Failure> {
        let mut stage = Self::new(scene)?;
        stage.producer = stage.transactional.producer(scene, TIMEOUT)?;
        Ok(stage)
    }

    /// Sends a transactional produce of one record to partition 0.
    pub(super) fn write(&mut self, producer: Producer, id: Option<&str>) -> Outcome {
        let batch = Batch::of(&["one"]).from_producer(producer.0, producer.1, 0);
        let batch = batch.with_attributes(0x10).encode();
        let id = id.map(|it| TransactionalId(text(it)));
        let request = produce(&self.topic, 0, -1, batch).with_transactional_id(id);
        let answer = self.leader.try_call(9, &request)?;
        let answer = produced(&answer);
        Ok(format!("{} at {}", name(answer.error_code), answer.base_offset))
    }
}

/// Sends AddOffsetsToTxn.
pub(super) fn add_group(stage: &mut Stage, producer: Producer, group: &str) -> Outcome {
    let request = add_offsets(&stage.transactional.id, producer, group);
    Ok(name(stage.transactional.coordinator.try_call(3, &request)?.error_code))
}

/// Returns the response to a changed TxnOffsetCommit, in a transaction that contains the group or
/// does not.
pub(super) fn commit(
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
