//! Behavior of the newest versions of some requests.

use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, DescribeClusterRequest, DescribeGroupsResponse,
    FindCoordinatorRequest, ListTransactionsRequest, ProduceRequest, ProducerId, TransactionalId,
};
use uuid::Uuid;
use wire_client::batch::Batch;
use wire_client::group::join_alone;
use wire_client::requests::{
    commit, describe_group, fetch, find_coordinator, metadata, produce, produced, text, topic_name,
};
use wire_client::transactions::{self, Producer, add_offsets, end};

use super::transactional::Transactional;
use crate::failure::Failure;
use crate::names::{name, names};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("newest":
    groups_that_are_there,
    groups_that_are_not,
    groups_with_offsets_alone,
    groups_of_the_consumer_protocol,
    coordinators_of_other_kinds,
    share_coordinators,
    nodes_that_are_fenced,
    transactions_by_duration,
    transactions_by_name,
    transactions_by_an_invalid_name,
    transactions_added_in_one_request,
    transactions_only_verified,
    transactions_verified_with_a_partition_that_is_not_there,
    transactions_of_an_unknown_id,
    ends_of_transactions,
    offsets_outside_of_a_transaction,
    offsets_added_by_version_4,
    records_outside_of_a_transaction,
    records_with_an_unknown_producer_of_a_transaction,
    records_that_open_a_transaction,
    records_by_topic_id,
    records_by_an_unknown_topic_id,
    records_by_no_topic_id,
    fetches_by_all_versions,
    metadata_by_the_newest_version,
);

fn described(answer: &DescribeGroupsResponse) -> String {
    let it = &answer.groups[0];
    let message = it.error_message.as_deref().map(|it| {
        it.split_whitespace()
            .filter(|word| !word.starts_with("conformance"))
            .collect::<Vec<_>>()
            .join(" ")
    });
    format!("{} {message:?} {:?}", name(it.error_code), it.group_state.as_str())
}

fn groups_that_are_there(scene: &Scene) -> Outcome {
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    join_alone(&mut node, &group);
    Ok(described(&node.try_call(6, &describe_group(&group))?))
}

fn groups_that_are_not(scene: &Scene) -> Outcome {
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    let newest = described(&node.try_call(6, &describe_group(&group))?);
    let before = described(&node.try_call(5, &describe_group(&group))?);
    Ok(format!("{newest}; by version 5: {before}"))
}

fn groups_with_offsets_alone(scene: &Scene) -> Outcome {
    let (group, topic) = (scene.group(), scene.topic(1)?);
    let mut node = scene.coordinator(&group)?;
    node.try_call(8, &commit(&group, &topic, 0, 7, ""))?;
    Ok(described(&node.try_call(6, &describe_group(&group))?))
}

fn groups_of_the_consumer_protocol(scene: &Scene) -> Outcome {
    let (group, topic) = (scene.group(), scene.topic(1)?);
    let mut node = scene.coordinator(&group)?;
    let joining = kafka_protocol::messages::ConsumerGroupHeartbeatRequest::default()
        .with_group_id(wire_client::requests::group_id(&group))
        .with_member_id(text("a"))
        .with_rebalance_timeout_ms(5_000)
        .with_subscribed_topic_names(Some(vec![topic_name(&topic)]))
        .with_topic_partitions(Some(vec![]));
    node.try_call(1, &joining)?;
    Ok(described(&node.try_call(6, &describe_group(&group))?))
}

fn coordinators_of_other_kinds(scene: &Scene) -> Outcome {
    let mut told = Vec::new();
    for kind in [-1, 2, 3] {
        for version in [4, 5, 6] {
            if kind == 2 && version == 6 {
                continue;
            }
            let request = find_coordinator(&["a-key"]).with_key_type(kind);
            let answer = scene.node()?.try_call(version, &request)?;
            told.push(name(answer.coordinators[0].error_code));
        }
    }
    Ok(told.join(", "))
}

fn share_coordinators(scene: &Scene) -> Outcome {
    let request: FindCoordinatorRequest = find_coordinator(&["not a key"]).with_key_type(2);
    let answer = scene.node()?.try_call(6, &request)?;
    Ok(name(answer.coordinators[0].error_code))
}

fn nodes_that_are_fenced(scene: &Scene) -> Outcome {
    let request = DescribeClusterRequest::default().with_include_fenced_brokers(true);
    let answer = scene.node()?.try_call(2, &request)?;
    let fenced = answer.brokers.iter().filter(|it| it.is_fenced).count();
    Ok(format!("{}, {} nodes, {fenced} fenced", name(answer.error_code), answer.brokers.len()))
}

const TIMEOUT: i32 = 60_000;

/// A transactional id with its producer, and a topic of two partitions.
struct Stage {
    it: Transactional,
    producer: Producer,
    topic: String,
}

impl Stage {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let topic = scene.topic(2)?;
        let mut it = Transactional::new(scene)?;
        let producer = it.producer(scene, TIMEOUT)?;
        Ok(Self { it, producer, topic })
    }

    fn open(scene: &Scene) -> Result<Self, Failure> {
        let mut stage = Self::new(scene)?;
        stage.it.add(3, stage.producer, &[(&stage.topic, &[0])])?;
        Ok(stage)
    }

    /// Sends AddPartitionsToTxn in the form that nodes use.
    fn batched(&mut self, id: &str, verify: bool, partitions: &[i32]) -> Outcome {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(partitions.to_vec());
        let transaction = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(TransactionalId(text(id)))
            .with_producer_id(ProducerId(self.producer.0))
            .with_producer_epoch(self.producer.1)
            .with_verify_only(verify)
            .with_topics(vec![topic]);
        let request = AddPartitionsToTxnRequest::default().with_transactions(vec![transaction]);
        let mut told = Vec::new();
        for version in [4, 5] {
            let answer = self.it.coordinator.try_call(version, &request)?;
            let results = answer.results_by_transaction.iter().flat_map(|it| &it.topic_results);
            let mut all: Vec<_> = results.flat_map(|it| &it.results_by_partition).collect();
            all.sort_by_key(|it| it.partition_index);
            let errors = names(all.iter().map(|it| it.partition_error_code));
            told.push(format!("{} [{errors}]", name(answer.error_code)));
        }
        Ok(told.join("; "))
    }

    /// Sends a transactional produce of one record to a partition.
    fn write(
        &mut self,
        scene: &Scene,
        version: i16,
        partition: i32,
        producer: Producer,
    ) -> Outcome {
        let batch = Batch::of(&["one"]).from_producer(producer.0, producer.1, 0);
        let batch = batch.with_attributes(0x10).encode();
        let id = Some(TransactionalId(text(&self.it.id)));
        let request = if version < 13 {
            produce(&self.topic, partition, -1, batch).with_transactional_id(id)
        } else {
            by_id(topic_id(scene, &self.topic)?, partition, batch).with_transactional_id(id)
        };
        let answer = scene.leader(&self.topic, partition)?.try_call(version, &request)?;
        Ok(name(produced(&answer).error_code))
    }
}

/// Returns, for several durations in milliseconds, whether the transaction is listed as older.
fn listed(stage: &mut Stage) -> Outcome {
    let mut told = Vec::new();
    for duration in [-1, 0, 3_600_000] {
        let request = ListTransactionsRequest::default().with_duration_filter(duration);
        let answer = stage.it.coordinator.try_call(1, &request)?;
        let id = stage.it.id.as_str();
        told.push(answer.transaction_states.iter().any(|it| it.transactional_id.as_str() == id));
    }
    Ok(format!("{told:?}"))
}

fn transactions_by_duration(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let idle = listed(&mut stage)?;
    stage.it.add(3, stage.producer, &[(&stage.topic, &[0])])?;
    scene.until("a millisecond has passed", || {
        Ok(listed(&mut stage)?.starts_with("[true, true").then_some(()))
    })?;
    Ok(format!("idle {idle}, open {}", listed(&mut stage)?))
}

fn transactions_by_name(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let mut told = Vec::new();
    let id = stage.it.id.clone();
    let patterns = [None, Some(""), Some(".*"), Some(&*id), Some(&id[..8]), Some("no.*")];
    for pattern in patterns {
        let request =
            ListTransactionsRequest::default().with_transactional_id_pattern(pattern.map(text));
        let answer = stage.it.coordinator.try_call(2, &request)?;
        let found = answer.transaction_states.iter().any(|it| *it.transactional_id.0 == *id);
        told.push(format!("{} {found}", name(answer.error_code)));
    }
    Ok(told.join(", "))
}

fn transactions_by_an_invalid_name(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let request =
        ListTransactionsRequest::default().with_transactional_id_pattern(Some(text("(ab")));
    Ok(name(stage.it.coordinator.try_call(2, &request)?.error_code))
}

fn transactions_added_in_one_request(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let id = stage.it.id.clone();
    let added = stage.batched(&id, false, &[0, 1])?;
    Ok(format!("{added}; {}", stage.batched(&id, true, &[0, 1])?))
}

fn transactions_only_verified(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let id = stage.it.id.clone();
    stage.batched(&id, true, &[0, 1])
}

fn transactions_verified_with_a_partition_that_is_not_there(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let id = stage.it.id.clone();
    let added = stage.batched(&id, false, &[0, 7])?;
    Ok(format!("{added}; verified: {}", stage.batched(&id, true, &[0, 7])?))
}

fn transactions_of_an_unknown_id(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let id = stage.it.id.clone();
    stage.producer.0 += 100_000;
    let mapped = stage.batched(&id, false, &[0])?;
    Ok(format!("{mapped}; without one: {}", stage.batched("", false, &[0])?))
}

fn ends_of_transactions(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let (id, producer) = (stage.it.id.clone(), stage.producer);
    let fenced = stage.it.coordinator.try_call(4, &end(&id, (producer.0, producer.1 + 1), true))?;
    let ended = stage.it.coordinator.try_call(4, &end(&id, producer, true))?;
    Ok(names([fenced.error_code, ended.error_code]))
}

fn offsets_outside_of_a_transaction(scene: &Scene) -> Outcome {
    let stage = Stage::open(scene)?;
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    let request = transactions::commit(&stage.it.id, stage.producer, &group, &stage.topic, 7);
    let mut told = Vec::new();
    for version in [3, 4] {
        let answer = node.try_call(version, &request)?;
        told.push(name(answer.topics[0].partitions[0].error_code));
    }
    Ok(told.join(", "))
}

fn offsets_added_by_version_4(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let group = scene.group();
    let request = add_offsets(&stage.it.id, stage.producer, &group);
    let added = stage.it.coordinator.try_call(4, &request)?.error_code;
    let mut node = scene.coordinator(&group)?;
    let request = transactions::commit(&stage.it.id, stage.producer, &group, &stage.topic, 7);
    let committed = node.try_call(4, &request)?.topics[0].partitions[0].error_code;
    Ok(names([added, committed]))
}

fn records_outside_of_a_transaction(scene: &Scene) -> Outcome {
    let mut told = Vec::new();
    for version in [9, 10, 11] {
        let mut stage = Stage::open(scene)?;
        let producer = stage.producer;
        told.push(stage.write(scene, version, 1, producer)?);
    }
    Ok(told.join(", "))
}

fn records_with_an_unknown_producer_of_a_transaction(scene: &Scene) -> Outcome {
    let mut told = Vec::new();
    for version in [10, 11, 12, 13] {
        let mut stage = Stage::open(scene)?;
        let (id, epoch) = stage.producer;
        let other = stage.write(scene, version, 0, (id + 100_000, epoch))?;
        let newer = stage.write(scene, version, 0, (id, epoch + 1))?;
        told.push(format!("{other} {newer}"));
    }
    Ok(told.join(", "))
}

/// Sends a record with version 12 or later, which adds its partition to the transaction (KIP-890).
fn records_that_open_a_transaction(scene: &Scene) -> Outcome {
    let mut told = Vec::new();
    for version in [12, 13] {
        let mut stage = Stage::new(scene)?;
        let producer = stage.producer;
        let written = stage.write(scene, version, 1, producer)?;
        let mut leader = scene.leader(&stage.topic, 1)?;
        let stable = leader.try_call(12, &fetch(&stage.topic, 1, 0))?;
        let stable = stable.responses[0].partitions[0].last_stable_offset;
        let ended = stage.it.end(4, producer, true)?;
        scene.until("the transaction has ended", || {
            let answer = leader.try_call(12, &fetch(&stage.topic, 1, 0))?;
            Ok((answer.responses[0].partitions[0].last_stable_offset == 2).then_some(()))
        })?;
        told.push(format!("{written}, stable up to {stable}, {ended}"));
    }
    Ok(told.join("; "))
}

fn topic_id(scene: &Scene, topic: &str) -> Result<Uuid, Failure> {
    Ok(scene.node()?.try_call(12, &metadata(&[topic]))?.topics[0].topic_id)
}

/// Builds Produce with the topic's id.
fn by_id(topic: Uuid, partition: i32, batch: bytes::Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(batch));
    let topic = TopicProduceData::default().with_topic_id(topic).with_partition_data(vec![data]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(5_000).with_topic_data(vec![topic])
}

fn told(scene: &Scene, topic: &str, id: Uuid, partition: i32) -> Outcome {
    let request = by_id(id, partition, Batch::of(&["one"]).encode());
    let answer = scene.leader(topic, 0)?.try_call(13, &request)?;
    let named = answer.responses[0].topic_id == id;
    let it = produced(&answer);
    Ok(format!("{} at {}, the id: {named}", name(it.error_code), it.base_offset))
}

fn records_by_topic_id(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let id = topic_id(scene, &topic)?;
    let known = told(scene, &topic, id, 0)?;
    Ok(format!("{known}; another partition: {}", told(scene, &topic, id, 7)?))
}

fn records_by_an_unknown_topic_id(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    told(scene, &topic, Uuid::from_u128(77), 0)
}

fn records_by_no_topic_id(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    told(scene, &topic, Uuid::nil(), 0)
}

fn fetches_by_all_versions(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut leader = scene.leader(&topic, 0)?;
    leader.try_call(9, &produce(&topic, 0, -1, Batch::of(&["one"]).encode()))?;
    let id = topic_id(scene, &topic)?;
    let mut told = Vec::new();
    for version in 15..=18 {
        let mut request = fetch("", 0, 0);
        request.topics[0].topic_id = id;
        request.replica_id = kafka_protocol::messages::BrokerId(-1);
        let answer = leader.try_call(version, &request)?;
        let it = &answer.responses[0].partitions[0];
        let has_records = it.records.as_ref().is_some_and(|it| !it.is_empty());
        told.push(format!(
            "{} up to {}, records: {has_records}",
            name(it.error_code),
            it.high_watermark
        ));
    }
    told.dedup();
    Ok(told.join("; "))
}

fn metadata_by_the_newest_version(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let answer = scene.node()?.try_call(13, &metadata(&[&topic]))?;
    let (error, of) = (name(answer.error_code), name(answer.topics[0].error_code));
    Ok(format!("{error}, {of}, {} nodes", answer.brokers.len()))
}
