//! The coordinator stops after any write; another one reads the log, and completes what was
//! decided. A transaction takes effect in all its partitions or in none, and acknowledged outcomes
//! hold.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Outcome, State, TransactionCoordinator};
use super::{World, partitions};
use crate::log::Producer;
use crate::time::Timestamp;

const ID: &str = "counter-1";
const TIMEOUT: i32 = 60_000;
const PARTITIONS: [(&str, &[i32]); 2] = [("counts", &[0, 1, 2]), ("__consumer_offsets", &[17])];

/// The actions of a producer in one transaction.
#[derive(Debug, Clone, Copy)]
enum End {
    Commit,
    Abort,
    /// It stops responding and another one takes its place.
    Fenced,
    /// It stops responding until the timeout.
    TimedOut,
}

/// The outcome of a transaction as its producer knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Committed,
    Aborted,
    /// It asked for a commit and got no response, so either is possible.
    Unknown,
}

/// Runs transactions one after the other until a write fails. The markers that each transaction may
/// have are known afterwards: those between two lengths of the list.
fn run(
    transactions: &TransactionCoordinator,
    world: &World,
    ends: &[End],
    now: &mut Timestamp,
) -> Vec<(usize, Told)> {
    let mut outcomes = Vec::new();
    for end in ends {
        *now += 1_000;
        let Some(producer) = initialized(transactions, now) else { break };
        let begin = world.markers.lock().len();
        let added = partitions(&PARTITIONS);
        if transactions.add_partitions(ID, producer, &added, *now).is_err() {
            break;
        }
        outcomes.push((begin, ended(transactions, producer, *end, now)));
    }
    outcomes
}

fn initialized(transactions: &TransactionCoordinator, now: &mut Timestamp) -> Option<Producer> {
    (0..3).find_map(|_| {
        *now += 200;
        transactions.tick(*now);
        transactions.initialize(ID, TIMEOUT, None, *now).ok()
    })
}

fn ended(
    transactions: &TransactionCoordinator,
    producer: Producer,
    end: End,
    now: &mut Timestamp,
) -> Told {
    match end {
        End::Commit => match transactions.end(ID, producer, Outcome::Commit, *now) {
            Ok(()) => Told::Committed,
            Err(_) => Told::Unknown,
        },
        End::Abort => {
            let _ = transactions.end(ID, producer, Outcome::Abort, *now);
            Told::Aborted
        }
        End::Fenced => {
            let _ = transactions.initialize(ID, TIMEOUT, None, *now);
            Told::Aborted
        }
        End::TimedOut => {
            *now += i64::from(TIMEOUT) + 1;
            transactions.tick(*now);
            Told::Aborted
        }
    }
}

/// Checks that each transaction has markers of one kind, one at least in each partition.
fn assert_whole_or_none(world: &World, outcomes: &[(usize, Told)]) {
    let marked = world.marked();
    for (at, (begin, outcome)) in outcomes.iter().enumerate() {
        let end = outcomes.get(at + 1).map_or(marked.len(), |(next, _)| *next);
        let mut by_partition = BTreeMap::new();
        for (topic, partition, _, commit) in &marked[*begin..end] {
            let kinds: &mut Vec<bool> = by_partition.entry((topic, partition)).or_default();
            kinds.push(*commit);
        }
        assert_eq!(by_partition.len(), 4, "a partition has no marker: {marked:?}");
        let commit = by_partition.values().next().expect("there are four")[0];
        assert!(by_partition.values().flatten().all(|kind| *kind == commit), "{marked:?}");
        match outcome {
            Told::Committed => assert!(commit, "a commit was acknowledged and is lost"),
            Told::Aborted => assert!(!commit, "an aborted transaction is committed"),
            Told::Unknown => {}
        }
    }
}

/// Runs `ends` with a crash after `writes` writes, restarts, lets time pass and checks. Returns
/// whether the crash came before the end.
fn crash_after(writes: usize, ends: &[End]) -> bool {
    let world = World::new();
    let transactions = world.coordinator();
    *world.writes_left.lock() = Some(writes);
    let mut now = 1_000;
    let outcomes = run(&transactions, &world, ends, &mut now);
    let crashed = *world.writes_left.lock() == Some(0);
    drop(transactions);

    let transactions = world.restarted(now);
    // Undecided transactions time out.
    transactions.tick(now + i64::from(TIMEOUT) + 1);
    let state = transactions.describe(ID).map(|it| it.state);
    assert!(
        matches!(state, None | Some(State::Empty | State::CompleteCommit | State::CompleteAbort)),
        "{state:?}"
    );
    assert_whole_or_none(&world, &outcomes);
    // The id stays usable.
    let before = world.markers.lock().len();
    let producer = transactions.initialize(ID, TIMEOUT, None, now + 100_000).unwrap();
    let added = partitions(&PARTITIONS);
    transactions.add_partitions(ID, producer, &added, now + 100_000).unwrap();
    transactions.end(ID, producer, Outcome::Commit, now + 100_000).unwrap();
    assert_eq!(world.markers.lock().len(), before + 4);
    crashed
}

#[test]
fn a_crash_after_any_write_leaves_the_whole_transaction_or_none_of_it() {
    let ends = [End::Commit, End::Abort, End::Fenced, End::TimedOut, End::Commit];
    let crashes = (0..).take_while(|writes| crash_after(*writes, &ends)).count();
    // Before the first write, and after each: four records and four markers for each transaction.
    assert_eq!(crashes, 1 + 5 * 8);
}

#[test]
fn a_crash_during_recovery_is_recovered_from_as_well() {
    for (first, second) in (3..8).flat_map(|first| (0..6).map(move |second| (first, second))) {
        let world = World::new();
        let transactions = world.coordinator();
        *world.writes_left.lock() = Some(first);
        let mut now = 1_000;
        let outcomes = run(&transactions, &world, &[End::Commit], &mut now);
        drop(transactions);
        // The second coordinator stops while it finishes the first one's work.
        *world.writes_left.lock() = Some(second);
        let transactions = world.coordinator();
        for (key, value) in world.log.lock().clone() {
            transactions.replay(&key, value.as_deref());
        }
        transactions.finish_loading(|_| true, now);
        drop(transactions);
        let transactions = world.restarted(now);
        assert_eq!(transactions.describe(ID).unwrap().state, State::CompleteCommit);
        assert_whole_or_none(&world, &outcomes);
    }
}

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Commit), Just(End::Abort), Just(End::Fenced), Just(End::TimedOut)]
}

proptest! {
    #[test]
    fn a_crash_in_any_history_leaves_whole_transactions(
        writes in 0usize..60,
        ends in proptest::collection::vec(any_end(), 1..6),
    ) {
        crash_after(writes, &ends);
    }
}
