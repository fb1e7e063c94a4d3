//! Transactions as a client sees them: what its readers get, and what it is told.

use std::time::Duration;

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest, TransactionalId,
};
use rdkafka::consumer::{Consumer, ConsumerGroupMetadata};
use rdkafka::producer::Producer;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use wire_client::raw::RawClient;
use wire_client::requests::{fetch, text, topic_name};

use super::{Outcome, area};
use crate::client::{PATIENCE, Sender};
use crate::failure::Failure;
use crate::names::{name, transaction_result};
use crate::scene::Scene;

area!("transactions":
    committed,
    aborted,
    aborted_then_committed,
    committed_on_two_partitions,
    open,
    open_and_read_without_isolation,
    end_of_an_open_one,
    end_of_a_committed_one,
    aborted_ones_are_named_in_a_fetch,
    committed_without_records,
    ten_in_a_row,
    begun_before_the_producer_is_ready,
    begun_twice,
    committed_without_a_beginning,
    aborted_without_a_beginning,
    sent_without_a_beginning,
    with_a_record_that_is_too_large,
    with_too_long_a_timeout,
    taken_over,
    taken_over_while_open,
    offsets_committed,
    offsets_aborted,
    offsets_of_an_unknown_group_member,
    described_without_one,
    described_open,
    described_committed,
    described_aborted,
    described_unknown,
    listed,
    listed_in_another_state,
    listed_in_an_unknown_state,
    listed_of_another_producer,
    producers_of_an_open_one,
    producers_of_a_committed_one,
    producers_of_an_unknown_partition,
);

impl Scene {
    /// A transactional producer that has its id.
    pub(crate) fn transactional(&self, id: &str) -> Result<Sender, Failure> {
        let producer = self.producer(&[("transactional.id", id)])?;
        producer.init_transactions(PATIENCE)?;
        Ok(producer)
    }
}

/// A topic of two partitions and a producer in a transaction, after one record.
struct Open {
    topic: String,
    id: String,
    producer: Sender,
}

impl Open {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let (topic, id) = (scene.topic(2)?, scene.name("id"));
        let producer = scene.transactional(&id)?;
        producer.begin_transaction()?;
        scene.send(&producer, &topic, 0, &["one"]);
        Ok(Self { topic, id, producer })
    }

    fn committed(scene: &Scene) -> Result<Self, Failure> {
        let open = Self::new(scene)?;
        open.producer.commit_transaction(PATIENCE)?;
        Ok(open)
    }

    /// What both kinds of readers see in partition 0, once it is `ended`.
    fn read(&self, scene: &Scene) -> Outcome {
        let committed = scene.values(&self.topic, 0, "read_committed")?;
        let all = scene.values(&self.topic, 0, "read_uncommitted")?;
        Ok(format!("{committed}; all: {all}"))
    }
}

fn committed(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    let ended = transaction_result(&open.producer.commit_transaction(PATIENCE));
    wait_for_the_end(scene, &open, 2)?;
    Ok(format!("{ended}: {}", open.read(scene)?))
}

fn aborted(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    let ended = transaction_result(&open.producer.abort_transaction(PATIENCE));
    wait_for_the_end(scene, &open, 2)?;
    Ok(format!("{ended}: {}", open.read(scene)?))
}

/// Waits until readers of committed records may read up to `end`. The client is answered when the
/// end of a transaction is decided, and a partition learns of it a little later.
fn wait_for_the_end(scene: &Scene, open: &Open, end: i64) -> Result<(), Failure> {
    let mut leader = scene.leader(&open.topic, 0)?;
    scene.until("the partition has the marker", || {
        let answer = leader.try_call(12, &fetch(&open.topic, 0, 0))?;
        Ok((answer.responses[0].partitions[0].last_stable_offset == end).then_some(()))
    })
}

fn aborted_then_committed(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    open.producer.abort_transaction(PATIENCE)?;
    open.producer.begin_transaction()?;
    let sent = scene.send(&open.producer, &open.topic, 0, &["two"]);
    open.producer.commit_transaction(PATIENCE)?;
    wait_for_the_end(scene, &open, 4)?;
    Ok(format!("{sent}: {}", open.read(scene)?))
}

fn committed_on_two_partitions(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    scene.send(&open.producer, &open.topic, 1, &["two"]);
    open.producer.commit_transaction(PATIENCE)?;
    let mut seen = Vec::new();
    for partition in [0, 1] {
        let values = scene.until("the partition has the marker", || {
            let values = scene.values(&open.topic, partition, "read_committed")?;
            Ok(Some(values).filter(|it| it != "nothing"))
        })?;
        seen.push(values);
    }
    Ok(seen.join("; "))
}

fn open(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    scene.values(&open.topic, 0, "read_committed")
}

fn open_and_read_without_isolation(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    scene.values(&open.topic, 0, "read_uncommitted")
}

/// High watermark and last stable offset of partition 0, and how many aborted transactions.
fn ends(leader: &mut RawClient, topic: &str) -> Outcome {
    let answer = leader.try_call(12, &fetch(topic, 0, 0).with_isolation_level(1))?;
    let of = &answer.responses[0].partitions[0];
    let aborted = of.aborted_transactions.as_ref().map_or(0, Vec::len);
    Ok(format!("end {}, stable {}, {aborted} aborted", of.high_watermark, of.last_stable_offset))
}

fn end_of_an_open_one(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    ends(&mut scene.leader(&open.topic, 0)?, &open.topic)
}

fn end_of_a_committed_one(scene: &Scene) -> Outcome {
    let open = Open::committed(scene)?;
    wait_for_the_end(scene, &open, 2)?;
    ends(&mut scene.leader(&open.topic, 0)?, &open.topic)
}

fn aborted_ones_are_named_in_a_fetch(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    open.producer.abort_transaction(PATIENCE)?;
    wait_for_the_end(scene, &open, 2)?;
    ends(&mut scene.leader(&open.topic, 0)?, &open.topic)
}

fn committed_without_records(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    producer.begin_transaction()?;
    Ok(transaction_result(&producer.commit_transaction(PATIENCE)))
}

fn ten_in_a_row(scene: &Scene) -> Outcome {
    let open = Open::committed(scene)?;
    for _ in 0..9 {
        open.producer.begin_transaction()?;
        scene.send(&open.producer, &open.topic, 0, &["more"]);
        open.producer.commit_transaction(PATIENCE)?;
    }
    wait_for_the_end(scene, &open, 20)?;
    ends(&mut scene.leader(&open.topic, 0)?, &open.topic)
}

fn begun_before_the_producer_is_ready(scene: &Scene) -> Outcome {
    let producer = scene.producer(&[("transactional.id", &scene.name("id"))])?;
    Ok(transaction_result(&producer.begin_transaction()))
}

fn begun_twice(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    producer.begin_transaction()?;
    Ok(transaction_result(&producer.begin_transaction()))
}

fn committed_without_a_beginning(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    Ok(transaction_result(&producer.commit_transaction(PATIENCE)))
}

fn aborted_without_a_beginning(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    Ok(transaction_result(&producer.abort_transaction(PATIENCE)))
}

fn sent_without_a_beginning(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    Ok(scene.send(&producer, &scene.topic(1)?, 0, &["one"]))
}

fn with_a_record_that_is_too_large(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("max.message.bytes", "1000")])?;
    let producer = scene.transactional(&scene.name("id"))?;
    producer.begin_transaction()?;
    let sent = scene.send(&producer, &topic, 0, &[&"x".repeat(2_000)]);
    let committed = transaction_result(&producer.commit_transaction(PATIENCE));
    let aborted = transaction_result(&producer.abort_transaction(PATIENCE));
    Ok(format!("{sent}; {committed}; {aborted}"))
}

fn with_too_long_a_timeout(scene: &Scene) -> Outcome {
    let id = scene.name("id");
    let settings = [("transactional.id", id.as_str()), ("transaction.timeout.ms", "900001")];
    let producer = scene.producer(&settings)?;
    Ok(transaction_result(&producer.init_transactions(PATIENCE)))
}

fn taken_over(scene: &Scene) -> Outcome {
    let open = Open::committed(scene)?;
    scene.transactional(&open.id)?;
    open.producer.begin_transaction()?;
    let sent = scene.send(&open.producer, &open.topic, 0, &["two"]);
    Ok(format!("{sent}; {}", transaction_result(&open.producer.commit_transaction(PATIENCE))))
}

fn taken_over_while_open(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    scene.transactional(&open.id)?;
    let ended = transaction_result(&open.producer.commit_transaction(PATIENCE));
    wait_for_the_end(scene, &open, 2)?;
    Ok(format!("{ended}: {}", open.read(scene)?))
}

/// A transaction that commits offset 7 of a group is ended: what it is told, and what the group has.
fn offsets_in(scene: &Scene, end: impl FnOnce(&Sender) -> String) -> Outcome {
    let (topic, group) = (scene.topic(1)?, scene.group());
    let producer = scene.transactional(&scene.name("id"))?;
    let consumer = scene.consumer(&group, &[])?;
    let metadata = consumer.group_metadata().ok_or(Failure::Missing("group"))?;
    producer.begin_transaction()?;
    send_offset(&producer, &topic, &metadata)?;
    let ended = end(&producer);
    let mut list = TopicPartitionList::new();
    list.add_partition(&topic, 0);
    let found = scene.until("the offset is stable", || {
        Ok(consumer.committed_offsets(list.clone(), Duration::from_secs(2)).ok())
    })?;
    let found = found.elements().first().map(TopicPartitionListElem::offset);
    Ok(format!("{ended}: {found:?}"))
}

fn send_offset(
    producer: &Sender,
    topic: &str,
    group: &ConsumerGroupMetadata,
) -> Result<(), Failure> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(7))?;
    Ok(producer.send_offsets_to_transaction(&list, group, PATIENCE)?)
}

fn offsets_committed(scene: &Scene) -> Outcome {
    offsets_in(scene, |it| transaction_result(&it.commit_transaction(PATIENCE)))
}

fn offsets_aborted(scene: &Scene) -> Outcome {
    offsets_in(scene, |it| transaction_result(&it.abort_transaction(PATIENCE)))
}

fn offsets_of_an_unknown_group_member(scene: &Scene) -> Outcome {
    let (topic, group) = (scene.topic(1)?, scene.group());
    let consumer = scene.consumer(&group, &[])?;
    consumer.subscribe(&[&topic])?;
    scene.until("the member has its partition", || {
        consumer.poll(Duration::from_millis(20));
        Ok((consumer.assignment()?.count() == 1).then_some(()))
    })?;
    let metadata = consumer.group_metadata().ok_or(Failure::Missing("group"))?;
    consumer.unsubscribe();
    scene.until("the member has left", || {
        consumer.poll(Duration::from_millis(20));
        let mut node = scene.coordinator(&group)?;
        let answer = node.try_call(5, &wire_client::requests::describe_group(&group))?;
        Ok(answer.groups[0].members.is_empty().then_some(()))
    })?;
    let producer = scene.transactional(&scene.name("id"))?;
    producer.begin_transaction()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(7))?;
    Ok(transaction_result(&producer.send_offsets_to_transaction(&list, &metadata, PATIENCE)))
}

/// DescribeTransactions: the error, the state and the partitions.
fn described(scene: &Scene, id: &str) -> Outcome {
    let mut node = RawClient::try_connect(&scene.coordinator_address(1, id)?)?;
    let request = DescribeTransactionsRequest::default();
    let request = request.with_transactional_ids(vec![TransactionalId(text(id))]);
    let answer = node.try_call(0, &request)?;
    let of = &answer.transaction_states[0];
    let partitions: usize = of.topics.iter().map(|it| it.partitions.len()).sum();
    let (error, state) = (name(of.error_code), of.transaction_state.as_str());
    let timeout = of.transaction_timeout_ms;
    Ok(format!("{error}, {state:?}, {partitions} partitions, timeout {timeout}"))
}

/// The same once the transaction is in a state whose name begins so.
fn described_when(scene: &Scene, id: &str, state: &str) -> Outcome {
    scene.until("the transaction has come to its end", || {
        Ok(Some(described(scene, id)?).filter(|it| it.contains(state)))
    })
}

fn described_without_one(scene: &Scene) -> Outcome {
    let id = scene.name("id");
    scene.transactional(&id)?;
    described(scene, &id)
}

fn described_open(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    described(scene, &open.id)
}

fn described_committed(scene: &Scene) -> Outcome {
    let open = Open::committed(scene)?;
    described_when(scene, &open.id, "Complete")
}

fn described_aborted(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    open.producer.abort_transaction(PATIENCE)?;
    described_when(scene, &open.id, "Complete")
}

fn described_unknown(scene: &Scene) -> Outcome {
    described(scene, &scene.name("id"))
}

/// Whether an open transaction is among those listed.
fn is_listed(scene: &Scene, states: &[&str], producers: &[i64]) -> Outcome {
    let open = Open::new(scene)?;
    let mut node = RawClient::try_connect(&scene.coordinator_address(1, &open.id)?)?;
    let ids = producers.iter().map(|it| kafka_protocol::messages::ProducerId(*it)).collect();
    let request = ListTransactionsRequest::default()
        .with_state_filters(states.iter().map(|it| text(it)).collect())
        .with_producer_id_filters(ids);
    let answer = node.try_call(0, &request)?;
    let mut states = answer.transaction_states.iter();
    let found = states.find(|it| it.transactional_id.as_str() == open.id);
    let found = found.map_or("not listed", |it| it.transaction_state.as_str());
    let unknown = answer.unknown_state_filters.len();
    Ok(format!("{}, {found}, {unknown} unknown states", name(answer.error_code)))
}

fn listed(scene: &Scene) -> Outcome {
    is_listed(scene, &[], &[])
}

fn listed_in_another_state(scene: &Scene) -> Outcome {
    is_listed(scene, &["Empty"], &[])
}

fn listed_in_an_unknown_state(scene: &Scene) -> Outcome {
    is_listed(scene, &["Bored"], &[])
}

fn listed_of_another_producer(scene: &Scene) -> Outcome {
    is_listed(scene, &[], &[987_654_321])
}

/// DescribeProducers: the error, and for each producer whether it has an open transaction.
fn producers(node: &mut RawClient, topic: &str, partition: i32) -> Outcome {
    let topic = TopicRequest::default()
        .with_name(topic_name(topic))
        .with_partition_indexes(vec![partition]);
    let request = DescribeProducersRequest::default().with_topics(vec![topic]);
    let answer = node.try_call(0, &request)?;
    let of = &answer.topics[0].partitions[0];
    let open: Vec<i64> = of.active_producers.iter().map(|it| it.current_txn_start_offset).collect();
    Ok(format!("{}, open from {open:?}", name(of.error_code)))
}

fn producers_of_an_open_one(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    producers(&mut scene.leader(&open.topic, 0)?, &open.topic, 0)
}

fn producers_of_a_committed_one(scene: &Scene) -> Outcome {
    let open = Open::committed(scene)?;
    wait_for_the_end(scene, &open, 2)?;
    producers(&mut scene.leader(&open.topic, 0)?, &open.topic, 0)
}

fn producers_of_an_unknown_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    producers(&mut scene.leader(&topic, 0)?, &topic, 7)
}
