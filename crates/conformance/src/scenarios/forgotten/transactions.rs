//! Transactions whose coordinator has lost its topic, or whose offsets topic was deleted.

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest, TransactionalId,
};
use wire_client::batch::Batch;
use wire_client::raw::RawClient;
use wire_client::requests::{fetch, find_coordinator, produce, produced, text, topic_name};
use wire_client::transactions::{Producer, add_offsets, commit, end, initialize};

use super::topics::{
    OFFSETS, TRANSACTIONS, create, delete, partitions, told, until_no_coordinator,
};
use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scenarios::transactional::Transactional;
use crate::scene::Scene;

area!("forgotten":
    requests_of_transactions,
    requests_of_transactions_once_there_is_a_coordinator,
    a_transaction_without_its_coordinator,
    a_producer_begins_anew,
    transactions_topic_is_created_by_who_looks_for_a_coordinator,
    transactions_topic_is_created_by_an_administrator,
    offsets_of_an_open_transaction,
    offsets_of_a_transaction_that_begins_after_it,
);

const TIMEOUT: i32 = 60_000;
const NO_PRODUCER: Producer = (-1, -1);

/// A transaction with one record in a partition.
struct Open {
    it: Transactional,
    topic: String,
    producer: Producer,
}

impl Open {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let topic = scene.topic(2)?;
        let mut it = Transactional::new(scene)?;
        let producer = it.producer(scene, TIMEOUT)?;
        it.add(3, producer, &[(&topic, &[0])])?;
        let mut open = Self { it, topic, producer };
        open.write(scene, 0, 0)?;
        Ok(open)
    }

    /// Writes a record of the transaction.
    fn write(&mut self, scene: &Scene, partition: i32, sequence: i32) -> Outcome {
        let (id, epoch) = self.producer;
        let batch = Batch::of(&["one"]).from_producer(id, epoch, sequence).with_attributes(0x10);
        let transactional_id = Some(TransactionalId(text(&self.it.id)));
        let request = produce(&self.topic, partition, -1, batch.encode())
            .with_transactional_id(transactional_id);
        let answer = scene.leader(&self.topic, partition)?.try_call(9, &request)?;
        Ok(name(produced(&answer).error_code))
    }

    /// Sends requests of a producer and an administrator to the coordinator.
    fn asks(&mut self, scene: &Scene) -> Outcome {
        let id = self.it.id.clone();
        let offsets = add_offsets(&id, self.producer, "a-group");
        let offsets = self.it.coordinator.try_call(3, &offsets)?.error_code;
        let added = self.it.add(3, self.producer, &[(&self.topic, &[1])])?;
        let written = self.write(scene, 0, 1)?;
        let elsewhere = self.write(scene, 1, 0)?;
        let ended = self.it.end(3, self.producer, true)?;
        let described = DescribeTransactionsRequest::default()
            .with_transactional_ids(vec![TransactionalId(text(&id))]);
        let described = self.it.coordinator.try_call(0, &described)?.transaction_states.remove(0);
        let listed = self.it.coordinator.try_call(0, &ListTransactionsRequest::default())?;
        let is_listed = listed.transaction_states.iter().any(|it| **it.transactional_id == *id);
        let initialized =
            self.it.coordinator.try_call(4, &initialize(&id, TIMEOUT, self.producer))?;
        Ok(told(&[
            ("AddOffsetsToTxn", name(offsets)),
            ("AddPartitionsToTxn", added),
            ("a record where one is", written),
            ("a record where none is", elsewhere),
            ("EndTxn", ended),
            ("DescribeTransactions", name(described.error_code)),
            ("ListTransactions", format!("{}, the id: {is_listed}", name(listed.error_code))),
            ("InitProducerId", name(initialized.error_code)),
        ]))
    }
}

/// Returns the coordinator of a transactional id, once it has loaded its transactions.
fn found(scene: &Scene, id: &str) -> Result<RawClient, Failure> {
    let mut node = RawClient::try_connect(&scene.coordinator_address(1, id)?)?;
    scene.until("the coordinator has loaded its transactions", || {
        let answer = node.try_call(3, &end(id, NO_PRODUCER, true))?.error_code;
        Ok((![14, 15, 16].contains(&answer)).then_some(()))
    })?;
    Ok(node)
}

fn requests_of_transactions(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    delete(scene, TRANSACTIONS)?;
    until_no_coordinator(scene, || open.it.end(3, NO_PRODUCER, true))?;
    open.asks(scene)
}

fn requests_of_transactions_once_there_is_a_coordinator(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    delete(scene, TRANSACTIONS)?;
    open.it.coordinator = found(scene, &open.it.id)?;
    open.asks(scene)
}

/// Reads the last stable offset, and the start of the open transaction.
fn a_transaction_without_its_coordinator(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    delete(scene, TRANSACTIONS)?;
    open.it.coordinator = found(scene, &open.it.id)?;
    let next = open.it.producer(scene, TIMEOUT)?;
    let is_another = next.0 != open.producer.0;
    let mut leader = scene.leader(&open.topic, 0)?;
    let answer = leader.try_call(12, &fetch(&open.topic, 0, 0))?;
    let stable = answer.responses[0].partitions[0].last_stable_offset;
    let topic =
        TopicRequest::default().with_name(topic_name(&open.topic)).with_partition_indexes(vec![0]);
    let producers = DescribeProducersRequest::default().with_topics(vec![topic]);
    let producers = leader.try_call(0, &producers)?;
    let begun: Vec<i64> = producers.topics[0].partitions[0]
        .active_producers
        .iter()
        .map(|it| it.current_txn_start_offset)
        .collect();
    Ok(format!(
        "another producer id: {is_another}, epoch {}; stable up to {stable}, open from {begun:?}",
        next.1
    ))
}

fn a_producer_begins_anew(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    open.it.end(3, open.producer, true)?;
    scene.until("the transaction has ended", || {
        let mut leader = scene.leader(&open.topic, 0)?;
        let answer = leader.try_call(12, &fetch(&open.topic, 0, 0))?;
        Ok((answer.responses[0].partitions[0].last_stable_offset == 2).then_some(()))
    })?;
    delete(scene, TRANSACTIONS)?;
    open.it.coordinator = found(scene, &open.it.id)?;
    let old = open.it.add(3, open.producer, &[(&open.topic, &[0])])?;
    let id = open.it.id.clone();
    let request = initialize(&id, TIMEOUT, open.producer);
    let expected = open.it.coordinator.try_call(4, &request)?.error_code;
    open.producer = open.it.producer(scene, TIMEOUT)?;
    let added = open.it.add(3, open.producer, &[(&open.topic, &[0])])?;
    let written = open.write(scene, 0, 0)?;
    let ended = open.it.end(3, open.producer, true)?;
    Ok(told(&[
        ("the old producer", old),
        ("it initializes", name(expected)),
        ("AddPartitionsToTxn", added),
        ("a record", written),
        ("EndTxn", ended),
    ]))
}

fn transactions_topic_is_created_by_who_looks_for_a_coordinator(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    let before = partitions(scene, TRANSACTIONS)?;
    let deleted = delete(scene, TRANSACTIONS)?;
    let request = find_coordinator(&[&open.it.id]).with_key_type(1);
    let found = scene.node()?.try_call(4, &request)?.coordinators.remove(0);
    let first = match name(found.error_code).as_str() {
        "ok" | "COORDINATOR_NOT_AVAILABLE" => "ok or not yet".to_owned(),
        other => other.to_owned(),
    };
    self::found(scene, &open.it.id)?;
    let after = partitions(scene, TRANSACTIONS)?;
    Ok(format!("{deleted}, {first}, as many partitions: {}", before == after))
}

fn transactions_topic_is_created_by_an_administrator(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    let before = partitions(scene, TRANSACTIONS)? as i32;
    delete(scene, TRANSACTIONS)?;
    let created = create(scene, TRANSACTIONS, before)?;
    open.it.coordinator = found(scene, &open.it.id)?;
    Ok(format!("{created}; {}", open.asks(scene)?))
}

/// Deletes the offsets topic while offsets of a transaction are pending.
fn offsets_of_an_open_transaction(scene: &Scene) -> Outcome {
    let (mut open, group) = (Open::new(scene)?, scene.group());
    let mut groups = scene.coordinator(&group)?;
    let id = open.it.id.clone();
    let added = open.it.coordinator.try_call(3, &add_offsets(&id, open.producer, &group))?;
    let request = commit(&id, open.producer, &group, &open.topic, 7);
    let answer = groups.try_call(3, &request)?.topics[0].partitions[0].error_code;
    delete(scene, OFFSETS)?;
    let after = scene.until("the offsets are refused", || {
        let answer = groups.try_call(3, &request)?.topics[0].partitions[0].error_code;
        Ok((answer != 0).then_some(answer))
    })?;
    let mut groups = scene.coordinator(&group)?;
    let ended = open.it.end(3, open.producer, true)?;
    let next = scene.until("the transaction has ended", || {
        let answer = open.it.add(3, open.producer, &[(&open.topic, &[0])])?;
        Ok((answer != "CONCURRENT_TRANSACTIONS").then_some(answer))
    })?;
    Ok(told(&[
        ("AddOffsetsToTxn", name(added.error_code)),
        ("TxnOffsetCommit", name(answer)),
        ("after the topic is deleted", name(after)),
        ("EndTxn", ended),
        ("the next transaction", next),
        ("OffsetFetch", super::groups::fetched(&mut groups, &group)?),
    ]))
}

fn offsets_of_a_transaction_that_begins_after_it(scene: &Scene) -> Outcome {
    let (mut open, group) = (Open::new(scene)?, scene.group());
    let id = open.it.id.clone();
    scene.coordinator(&group)?;
    delete(scene, OFFSETS)?;
    let added = open.it.coordinator.try_call(3, &add_offsets(&id, open.producer, &group))?;
    let mut groups = scene.coordinator(&group)?;
    let request = commit(&id, open.producer, &group, &open.topic, 7);
    let answer = groups.try_call(3, &request)?.topics[0].partitions[0].error_code;
    let ended = open.it.end(3, open.producer, true)?;
    let fetched = scene.until("the offsets are there", || {
        let fetched = super::groups::fetched(&mut groups, &group)?;
        Ok((fetched != "ok []").then_some(fetched))
    })?;
    Ok(told(&[
        ("AddOffsetsToTxn", name(added.error_code)),
        ("TxnOffsetCommit", name(answer)),
        ("EndTxn", ended),
        ("OffsetFetch", fetched),
    ]))
}
