//! The coordinator: the records that it writes, the markers that it sends, and its timers.

use kafka_protocol::ResponseError;

use super::super::{Outcome, State, TransactionCoordinator};
use super::{World, partitions};
use crate::log::Producer;
use crate::time::Timestamp;

const ID: &str = "counter-1";

fn open(transactions: &TransactionCoordinator, now: Timestamp) -> Producer {
    let producer = transactions.initialize(ID, 60_000, None, now).unwrap();
    let added = partitions(&[("counts", &[0, 1]), ("other", &[3])]);
    transactions.add_partitions(ID, producer, &added, now).unwrap();
    producer
}

fn state(transactions: &TransactionCoordinator) -> State {
    transactions.describe(ID).unwrap().state
}

fn all_marked(epoch: i16, commit: bool) -> Vec<(String, i32, i16, bool)> {
    [("counts", 0), ("counts", 1), ("other", 3)]
        .map(|(topic, partition)| (topic.to_owned(), partition, epoch, commit))
        .to_vec()
}

#[test]
fn a_commit_puts_a_marker_into_every_partition() {
    let world = World::new();
    let transactions = world.coordinator();
    let producer = open(&transactions, 1_000);
    transactions.end(ID, producer, Outcome::Commit, 1_001).unwrap();
    assert_eq!(state(&transactions), State::CompleteCommit);
    assert_eq!(world.marked(), all_marked(0, true));
    assert!(world.markers.lock().iter().all(|(_, _, marker)| marker.coordinator_epoch == 5));
    // Empty, Ongoing, PrepareCommit and CompleteCommit.
    assert_eq!(world.log.lock().len(), 4);
    transactions.end(ID, producer, Outcome::Commit, 1_002).unwrap();
    assert_eq!(world.log.lock().len(), 4);
    assert_eq!(world.markers.lock().len(), 3);
}

#[test]
fn a_marker_that_cannot_be_written_is_written_later_and_holds_the_producer_back() {
    let world = World::new();
    let transactions = world.coordinator();
    let producer = open(&transactions, 1_000);
    *world.unreachable.lock() = Some(("counts".into(), 1));
    assert_eq!(transactions.end(ID, producer, Outcome::Commit, 1_000), Ok(()));
    assert_eq!(state(&transactions), State::PrepareCommit);
    let concurrent = ResponseError::ConcurrentTransactions;
    let added = partitions(&[("counts", &[0])]);
    assert_eq!(transactions.end(ID, producer, Outcome::Commit, 1_010), Err(concurrent));
    assert_eq!(transactions.add_partitions(ID, producer, &added, 1_010), Err(concurrent));
    assert_eq!(transactions.initialize(ID, 60_000, None, 1_010), Err(concurrent));
    assert_eq!(transactions.verify(ID, producer, "counts", 0), Err(concurrent));
    *world.unreachable.lock() = None;
    transactions.tick(1_099);
    assert_eq!(state(&transactions), State::PrepareCommit);
    transactions.tick(1_100);
    assert_eq!(state(&transactions), State::CompleteCommit);
    let mut marked = world.marked();
    marked.sort();
    assert_eq!(marked, all_marked(0, true));
}

#[test]
fn a_deleted_topic_needs_no_marker() {
    let world = World::new();
    let transactions = world.coordinator();
    let producer = open(&transactions, 1_000);
    *world.deleted.lock() = Some("counts".into());
    transactions.end(ID, producer, Outcome::Abort, 1_000).unwrap();
    assert_eq!(state(&transactions), State::CompleteAbort);
    assert_eq!(world.marked(), [("other".to_owned(), 3, 0, false)]);
}

#[test]
fn initialization_aborts_an_open_transaction_with_an_unpublished_epoch() {
    let world = World::new();
    let transactions = world.coordinator();
    let zombie = open(&transactions, 1_000);
    let answer = transactions.initialize(ID, 60_000, None, 1_001);
    assert_eq!(answer, Err(ResponseError::ConcurrentTransactions));
    assert_eq!(world.marked(), all_marked(1, false));
    let fenced = transactions.end(ID, zombie, Outcome::Commit, 1_002);
    assert_eq!(fenced, Err(ResponseError::ProducerFenced));
    let written = transactions.verify(ID, zombie, "counts", 0);
    assert_eq!(written, Err(ResponseError::ProducerFenced));
    let successor = transactions.initialize(ID, 60_000, None, 1_003).unwrap();
    assert_eq!(successor, Producer { id: zombie.id, epoch: 2 });
}

#[test]
fn a_timeout_aborts_and_fences() {
    let world = World::new();
    let transactions = world.coordinator();
    let producer = open(&transactions, 1_000);
    transactions.tick(61_000);
    assert_eq!(state(&transactions), State::Ongoing);
    transactions.tick(61_001);
    assert_eq!(state(&transactions), State::CompleteAbort);
    assert_eq!(world.marked(), all_marked(1, false));
    let answer = transactions.end(ID, producer, Outcome::Commit, 61_002);
    assert_eq!(answer, Err(ResponseError::ProducerFenced));
}

#[test]
fn a_timeout_that_cannot_be_persisted_is_tried_again_with_the_same_epoch() {
    let world = World::new();
    let transactions = world.coordinator();
    open(&transactions, 1_000);
    *world.writes_left.lock() = Some(0);
    transactions.tick(61_001);
    assert_eq!(state(&transactions), State::Ongoing);
    *world.writes_left.lock() = None;
    transactions.tick(61_100);
    assert_eq!(state(&transactions), State::Ongoing);
    transactions.tick(61_101);
    assert_eq!(world.marked(), all_marked(1, false));
}

#[test]
fn a_change_that_cannot_be_persisted_is_not_applied() {
    let world = World::new();
    let transactions = world.coordinator();
    let producer = open(&transactions, 1_000);
    *world.writes_left.lock() = Some(0);
    let more = partitions(&[("more", &[0])]);
    let error = Err(ResponseError::NotCoordinator);
    assert_eq!(transactions.add_partitions(ID, producer, &more, 1_001), error);
    assert_eq!(transactions.end(ID, producer, Outcome::Commit, 1_001), error);
    assert_eq!(transactions.initialize(ID, 60_000, None, 1_001).err(), error.err());
    *world.writes_left.lock() = None;
    let transaction = transactions.describe(ID).unwrap();
    assert_eq!((transaction.state, transaction.producer), (State::Ongoing, producer));
    assert_eq!(transaction.partitions.len(), 2);
    assert!(world.marked().is_empty());
}

#[test]
fn an_unused_id_expires_permanently() {
    let world = World::new();
    let transactions = world.coordinator();
    let producer = open(&transactions, 1_000);
    let week = 7 * 24 * 3_600_000;
    transactions.end(ID, producer, Outcome::Commit, 2_000).unwrap();
    transactions.tick(2_000 + week - 1);
    assert_eq!(transactions.list().len(), 1);
    *world.writes_left.lock() = Some(0);
    transactions.tick(2_000 + week);
    assert_eq!(transactions.list().len(), 1, "the tombstone is not in the log");
    *world.writes_left.lock() = None;
    transactions.tick(2_000 + week + 100);
    assert!(transactions.list().is_empty());
    assert_eq!(transactions.describe(ID), None);
    let unknown = Err(ResponseError::InvalidProducerIdMapping);
    assert_eq!(transactions.end(ID, producer, Outcome::Commit, 3_000 + week), unknown);
    assert_eq!(world.log.lock().last().unwrap().1, None);
    assert!(world.restarted(3_000 + week).list().is_empty());
    let new = transactions.initialize(ID, 60_000, None, 3_000 + week).unwrap();
    assert_eq!(new.epoch, 0);
    assert_ne!(new.id, producer.id);
}

#[test]
fn an_open_transaction_does_not_expire() {
    let world = World::new();
    let transactions = world.coordinator();
    open(&transactions, 1_000);
    *world.unreachable.lock() = Some(("other".into(), 3));
    transactions.tick(i64::MAX / 2);
    assert_eq!(state(&transactions), State::PrepareAbort);
}

#[test]
fn a_batch_is_written_only_into_an_open_transaction() {
    let world = World::new();
    let transactions = world.coordinator();
    let producer = open(&transactions, 1_000);
    let write = |partition| transactions.verify(ID, producer, "counts", partition);
    assert_eq!(write(1), Ok(()));
    assert_eq!(write(2), Err(ResponseError::InvalidTxnState));
    transactions.end(ID, producer, Outcome::Commit, 1_001).unwrap();
    assert_eq!(write(1), Err(ResponseError::InvalidTxnState));
    let unknown = transactions.verify("other", producer, "counts", 1);
    assert_eq!(unknown, Err(ResponseError::InvalidProducerIdMapping));
}

#[test]
fn the_limits_of_a_request_are_checked() {
    let transactions = World::new().coordinator();
    let initialize = |id: &str, timeout| transactions.initialize(id, timeout, None, 0).err();
    assert_eq!(initialize("", 1), Some(ResponseError::InvalidRequest));
    assert_eq!(initialize(&"x".repeat(40_000), 1), Some(ResponseError::InvalidRequest));
    for timeout in [0, -1, 900_001] {
        assert_eq!(initialize(ID, timeout), Some(ResponseError::InvalidTransactionTimeout));
    }
    assert_eq!(initialize(ID, 900_000), None);
    assert!(transactions.list().iter().all(|it| it.transactional_id == ID));
}
