//! Markers from a client that is not the coordinator of their transaction (WriteTxnMarkers), as an
//! administrator writes them for a hanging transaction.

use kafka_protocol::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};
use kafka_protocol::messages::{ProducerId, TransactionalId, WriteTxnMarkersRequest};
use wire_client::batch::Batch;
use wire_client::raw::RawClient;
use wire_client::requests::{fetch, produce, text, topic_name};
use wire_client::transactions::{Producer, add_offsets, commit, end};

use super::transactional::Transactional;
use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("markers":
    abort_an_open_transaction,
    commit_an_open_transaction,
    end_nothing,
    of_an_older_epoch,
    of_no_epoch,
    of_a_newer_epoch,
    of_an_older_coordinator,
    of_an_unknown_topic,
    of_an_unknown_partition,
    at_a_follower,
    of_nothing,
    the_coordinator_ends_it_afterwards,
    abort_pending_offsets,
);

/// A transaction with one record in a partition.
struct Open {
    it: Transactional,
    topic: String,
    producer: Producer,
    leader: RawClient,
}

impl Open {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let topic = scene.topic(1)?;
        let mut it = Transactional::new(scene)?;
        // There was another producer before, so that there is an older epoch.
        it.producer(scene, 60_000)?;
        let producer = it.producer(scene, 60_000)?;
        it.add(3, producer, &[(&topic, &[0])])?;
        let mut leader = scene.leader(&topic, 0)?;
        let batch = Batch::of(&["one"]).from_producer(producer.0, producer.1, 0);
        let request = produce(&topic, 0, -1, batch.with_attributes(0x10).encode())
            .with_transactional_id(Some(TransactionalId(text(&it.id))));
        leader.try_call(9, &request)?;
        Ok(Self { it, topic, producer, leader })
    }

    fn mark(&mut self, producer: Producer, commits: bool, coordinator: i32) -> Outcome {
        let request = marker(producer, commits, coordinator, &self.topic.clone(), &[0]);
        marked(&mut self.leader, &request)
    }

    /// Reads committed records, and counts the aborted transactions.
    fn read(&mut self) -> Outcome {
        let request = fetch(&self.topic, 0, 0).with_isolation_level(1);
        let answer = self.leader.try_call(12, &request)?;
        let it = &answer.responses[0].partitions[0];
        let aborted = it.aborted_transactions.as_ref().map_or(0, Vec::len);
        Ok(format!("stable up to {}, {aborted} aborted", it.last_stable_offset))
    }
}

fn marker(
    producer: Producer,
    commits: bool,
    coordinator: i32,
    topic: &str,
    partitions: &[i32],
) -> WriteTxnMarkersRequest {
    let topic = WritableTxnMarkerTopic::default()
        .with_name(topic_name(topic))
        .with_partition_indexes(partitions.to_vec());
    let marker = WritableTxnMarker::default()
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_transaction_result(commits)
        .with_coordinator_epoch(coordinator)
        .with_topics(vec![topic]);
    WriteTxnMarkersRequest::default().with_markers(vec![marker])
}

/// Returns the errors, partition by partition.
fn marked(node: &mut RawClient, request: &WriteTxnMarkersRequest) -> Outcome {
    let answer = node.try_call(1, request)?;
    let topics = answer.markers.iter().flat_map(|it| &it.topics);
    let mut all: Vec<_> = topics.flat_map(|it| &it.partitions).collect();
    all.sort_by_key(|it| it.partition_index);
    let told: Vec<String> = all.iter().map(|it| name(it.error_code)).collect();
    Ok(format!("{told:?}"))
}

fn abort_an_open_transaction(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    let before = open.read()?;
    let marked = open.mark(open.producer, false, -1)?;
    Ok(format!("{before}; {marked}; {}", open.read()?))
}

fn commit_an_open_transaction(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    let marked = open.mark(open.producer, true, -1)?;
    Ok(format!("{marked}; {}", open.read()?))
}

fn end_nothing(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut leader = scene.leader(&topic, 0)?;
    marked(&mut leader, &marker((987_654, 0), false, 0, &topic, &[0]))
}

fn of_an_older_epoch(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    let (id, epoch) = open.producer;
    let marked = open.mark((id, epoch - 1), false, -1)?;
    Ok(format!("{marked}; {}", open.read()?))
}

fn of_no_epoch(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    let marked = open.mark((open.producer.0, -1), false, -1)?;
    Ok(format!("{marked}; {}", open.read()?))
}

fn of_a_newer_epoch(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    let (id, epoch) = open.producer;
    let marked = open.mark((id, epoch + 1), false, -1)?;
    Ok(format!("{marked}; {}", open.read()?))
}

fn of_an_older_coordinator(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    let newer = open.mark(open.producer, false, 1_000)?;
    Ok(format!("{newer}; {}", open.mark(open.producer, false, 999)?))
}

fn of_an_unknown_topic(scene: &Scene) -> Outcome {
    marked(&mut scene.node()?, &marker((987_654, 0), false, 0, &scene.name("none"), &[0]))
}

fn of_an_unknown_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut leader = scene.leader(&topic, 0)?;
    marked(&mut leader, &marker((987_654, 0), false, 0, &topic, &[0, 7]))
}

fn at_a_follower(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    let request = marker(open.producer, false, -1, &open.topic, &[0]);
    marked(&mut scene.follower(&open.topic, 0)?, &request)
}

fn of_nothing(scene: &Scene) -> Outcome {
    marked(&mut scene.node()?, &WriteTxnMarkersRequest::default())
}

fn the_coordinator_ends_it_afterwards(scene: &Scene) -> Outcome {
    let mut open = Open::new(scene)?;
    open.mark(open.producer, false, -1)?;
    let request = end(&open.it.id, open.producer, true);
    let ended = name(open.it.coordinator.try_call(3, &request)?.error_code);
    let read = scene.until("its marker is there, too", || {
        Ok(Some(open.read()?).filter(|it| it.contains("up to 3")))
    })?;
    Ok(format!("{ended}; {read}"))
}

/// Offsets of a transaction wait for its marker in the group's partition.
fn abort_pending_offsets(scene: &Scene) -> Outcome {
    let (mut open, group) = (Open::new(scene)?, scene.group());
    let mut groups = scene.coordinator(&group)?;
    let request = add_offsets(&open.it.id, open.producer, &group);
    open.it.coordinator.try_call(3, &request)?;
    let request = commit(&open.it.id, open.producer, &group, &open.topic, 7);
    groups.try_call(3, &request)?;
    let offsets = "__consumer_offsets";
    let count = scene.node()?.try_call(12, &wire_client::requests::metadata(&[offsets]))?;
    let all: Vec<i32> = (0..count.topics[0].partitions.len() as i32).collect();
    let request = marker(open.producer, true, -1, offsets, &all);
    let answer = marked(&mut groups, &request)?;
    let fetched = super::forgotten::fetched(&mut groups, &group)?;
    Ok(format!("some marked: {}; {fetched}", answer.contains("ok")))
}
