//! Describes transactions and their producers.

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest, TransactionalId,
};
use rdkafka::producer::Producer;
use wire_client::raw::RawClient;
use wire_client::requests::{text, topic_name};

use super::open::{Open, wait_for_the_end};
use crate::client::PATIENCE;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("transactions":
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
    producers_at_a_follower,
    producers_where_no_replica_is,
);

/// Sends DescribeTransactions, and returns the error, the state, and the partitions.
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

/// Does the same once the transaction is in a state whose name begins like this.
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

/// Returns whether an open transaction is listed.
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

/// Sends DescribeProducers, and returns the error, and for each producer whether it has an open
/// transaction.
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

/// Describes producers on a follower: every replica knows the producers of its log.
fn producers_at_a_follower(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    let mut follower = scene.follower(&open.topic, 0)?;
    scene.until("the follower has the record", || {
        Ok(Some(producers(&mut follower, &open.topic, 0)?).filter(|it| !it.ends_with("[]")))
    })
}

fn producers_where_no_replica_is(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 1, &[])?;
    producers(&mut scene.follower(&topic, 0)?, &topic, 0)
}
