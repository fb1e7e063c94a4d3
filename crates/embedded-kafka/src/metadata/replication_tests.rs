//! Tests of the replicas of a partition: single rules, and a property over all moves.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = 1_000;

/// Returns three replicas with a log of ten records.
fn three(min_in_sync: usize) -> Replication {
    Replication::new(&[1, 2, 3].map(NodeAvailability::up), 0, min_in_sync, 10)
}

/// Elects a leader of a log that ends at `end`.
fn elect(replication: &mut Replication, election: Election, end: i64) -> i64 {
    match replication.candidate(election) {
        Some(node) => {
            let cut = replication.end_at(node, end);
            replication.lead(node, cut);
            cut
        }
        None => end,
    }
}

#[test]
fn followers_have_the_leaders_records_at_once() {
    let mut replication = three(2);
    replication.appended(15);
    assert_eq!(replication.high_watermark(), 15);
    assert!(!replication.is_disturbed());
}

#[test]
fn a_paused_follower_holds_the_high_watermark_until_it_leaves_the_isr() {
    let mut replication = three(2);
    replication.pause(3, 10, NOW);
    replication.appended(15);
    assert_eq!((replication.high_watermark(), replication.end_at(3, 15)), (10, 10));
    assert!(!replication.shrink_isr(500, 15, NOW + 500));
    assert!(replication.shrink_isr(500, 15, NOW + 501));
    assert_eq!((replication.high_watermark(), replication.leadership().in_sync), (15, vec![1, 2]));
    replication.resume(3, 15);
    assert_eq!(replication.leadership().in_sync, [1, 2, 3]);
    assert!(!replication.is_disturbed());
}

#[test]
fn a_paused_follower_that_misses_nothing_stays_in_the_isr() {
    let mut replication = three(2);
    replication.pause(3, 10, NOW);
    assert!(!replication.shrink_isr(500, 10, NOW + 1_000_000));
}

#[test]
fn the_high_watermark_does_not_move_below_the_least_isr() {
    let mut replication = three(2);
    replication.fence(2, 10, NOW);
    replication.fence(3, 10, NOW);
    assert!(!replication.meets_min_isr());
    replication.appended(15);
    assert_eq!(replication.high_watermark(), 10);
    replication.start(2, false, 15);
    assert_eq!(replication.high_watermark(), 15);
}

#[test]
fn a_new_leader_from_the_isr_truncates_records_of_the_old_one_alone() {
    let mut replication = three(1);
    replication.pause(2, 10, NOW);
    replication.pause(3, 10, NOW);
    replication.appended(15);
    replication.fence(1, 15, NOW);
    assert_eq!(elect(&mut replication, Election::Clean, 15), 10);
    let led = replication.leadership();
    assert_eq!((led.leader, led.in_sync), (2, vec![2, 3]));
    assert_eq!((replication.high_watermark(), replication.end_at(1, 10)), (10, 10));
}

#[test]
fn a_partition_with_no_replica_in_sync_waits_for_its_last_leader() {
    let mut replication = three(1);
    replication.fence(2, 10, NOW);
    replication.fence(3, 10, NOW);
    replication.appended(15);
    replication.fence(1, 15, NOW);
    assert_eq!(replication.leadership().leader, NO_LEADER);
    replication.start(2, true, 15);
    assert_eq!(replication.candidate(Election::Clean), None);
    replication.start(1, true, 15);
    assert_eq!(replication.candidate(Election::Clean), Some(1));
}

#[test]
fn an_unclean_election_takes_any_replica_and_loses_records() {
    let mut replication = three(1);
    replication.fence(2, 10, NOW);
    replication.fence(3, 10, NOW);
    replication.appended(15);
    replication.fence(1, 15, NOW);
    replication.start(3, true, 15);
    assert_eq!(elect(&mut replication, Election::Unclean, 15), 10);
    assert_eq!((replication.leadership().leader, replication.high_watermark()), (3, 10));
}

#[test]
fn a_replica_that_leaves_too_small_an_isr_may_still_be_elected() {
    let mut replication = three(2);
    replication.fence(2, 10, NOW);
    replication.fence(3, 10, NOW);
    assert_eq!(replication.leadership().eligible, [3]);
    replication.appended(15);
    replication.fence(1, 15, NOW);
    assert_eq!(replication.leadership().eligible, [1, 3]);
    replication.start(2, false, 15);
    assert_eq!(replication.candidate(Election::Clean), None);
    replication.start(3, false, 15);
    assert_eq!(elect(&mut replication, Election::Clean, 15), 10);
    assert_eq!(replication.leadership().leader, 3);
}

#[test]
fn a_killed_replica_is_not_elected_for_having_been_in_sync() {
    let mut replication = three(2);
    replication.fence(2, 10, NOW);
    replication.fence(3, 10, NOW);
    replication.fence(1, 10, NOW);
    replication.start(3, true, 10);
    assert_eq!(replication.candidate(Election::Clean), None);
}

#[test]
fn eligible_replicas_are_listed_by_their_ids() {
    let nodes = [3, 2, 1].map(NodeAvailability::up);
    let mut replication = Replication::new(&nodes, 0, 3, 10);
    for node in [2, 3, 1] {
        replication.fence(node, 10, NOW);
        elect(&mut replication, Election::Clean, 10);
    }
    let led = replication.leadership();
    assert_eq!((led.eligible, led.last_known), (vec![1, 2, 3], Some(1)));
}

#[test]
fn after_an_unclean_election_no_other_replica_is_eligible() {
    let mut replication = three(2);
    replication.fence(3, 10, NOW);
    replication.fence(2, 10, NOW);
    replication.appended(15);
    replication.fence(1, 15, NOW);
    assert_eq!(replication.leadership().eligible, [1, 2]);
    replication.start(3, true, 15);
    assert_eq!(elect(&mut replication, Election::Unclean, 15), 10);
    let led = replication.leadership();
    assert_eq!((led.leader, led.in_sync, led.eligible), (3, vec![3], vec![]));
    // What node 3 has acknowledged since, node 2 lacks.
    replication.appended(12);
    replication.fence(3, 12, NOW);
    replication.start(2, false, 12);
    assert_eq!(replication.candidate(Election::Clean), None);
}

#[test]
fn a_lower_minimum_makes_no_replica_eligible() {
    let mut replication = three(3);
    replication.fence(3, 10, NOW);
    assert_eq!(replication.leadership().eligible, [3]);
    replication.require_in_sync(2, 10);
    assert!(replication.leadership().eligible.is_empty());
    // Node 3 may lack what the two have acknowledged in the meantime.
    replication.require_in_sync(3, 10);
    assert!(replication.leadership().eligible.is_empty());
}

#[test]
fn the_preferred_leader_takes_over_only_when_it_is_in_sync() {
    let mut replication = three(1);
    assert_eq!(replication.candidate(Election::Preferred), None);
    replication.fence(1, 10, NOW);
    elect(&mut replication, Election::Clean, 10);
    assert_eq!(replication.leadership().leader, 2);
    assert_eq!(replication.candidate(Election::Preferred), None);
    replication.start(1, true, 10);
    assert_eq!(replication.candidate(Election::Preferred), Some(1));
}

#[test]
fn a_paused_leader_that_hands_over_stays_where_it_was() {
    let mut replication = three(1);
    replication.fence(1, 10, NOW);
    elect(&mut replication, Election::Clean, 10);
    replication.start(1, false, 10);
    replication.pause(2, 10, NOW);
    elect(&mut replication, Election::Preferred, 10);
    replication.appended(12);
    assert_eq!((replication.end_at(2, 12), replication.high_watermark()), (10, 10));
}

#[test]
fn replicas_are_exchanged_when_the_new_ones_are_in_sync() {
    let mut replication = three(1);
    let paused = NodeAvailability { id: 4, is_up: true, is_replication_paused: true };
    replication.reassign(&[NodeAvailability::up(2), paused], 10, NOW);
    let led = replication.leadership();
    assert_eq!((led.replicas, led.adding), (vec![2, 4, 1, 3], vec![4]));
    assert_eq!(led.removing, [1, 3]);
    assert!(!replication.is_reassignment_due());
    replication.resume(4, 10);
    assert!(replication.is_reassignment_due());
    replication.complete_reassignment(10);
    assert_eq!(replication.leadership().leader, NO_LEADER);
    elect(&mut replication, Election::Clean, 10);
    let led = replication.leadership();
    assert_eq!((led.leader, led.replicas, led.in_sync), (2, vec![2, 4], vec![2, 4]));
}

#[test]
fn a_canceled_reassignment_leaves_the_replicas_as_they_were() {
    let mut replication = three(1);
    let paused = NodeAvailability { id: 4, is_up: true, is_replication_paused: true };
    replication.reassign(&[NodeAvailability::up(2), paused], 10, NOW);
    assert!(replication.cancel_reassignment(10));
    let mut replicas = replication.leadership().replicas;
    replicas.sort();
    assert_eq!(replicas, [1, 2, 3]);
    assert!(!replication.cancel_reassignment(10));
}

/// Something that happens to a partition.
#[derive(Debug, Clone, Copy)]
enum Move {
    Append(i64),
    /// A request with acks=all asks whether it can be acknowledged.
    Acknowledge,
    Lose(i32),
    Fence(i32),
    ComeBack(i32, bool),
    Pause(i32),
    Resume(i32),
    PassTime(i64),
    Prefer,
}

fn moves() -> impl Strategy<Value = Move> {
    let node = 1..4i32;
    prop_oneof![
        4 => (1..4i64).prop_map(Move::Append),
        4 => Just(Move::Acknowledge),
        1 => node.clone().prop_map(Move::Lose),
        2 => node.clone().prop_map(Move::Fence),
        3 => (node.clone(), any::<bool>()).prop_map(|(node, killed)| Move::ComeBack(node, killed)),
        2 => node.clone().prop_map(Move::Pause),
        2 => node.prop_map(Move::Resume),
        1 => (0..1_000i64).prop_map(Move::PassTime),
        1 => Just(Move::Prefer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Identifies each record by the number of its append, so that a truncated record differs from
    /// its replacement at the same offset.
    #[test]
    fn nothing_that_was_acknowledged_or_could_be_read_is_ever_cut(
        min_in_sync in 1..4usize,
        moves in prop::collection::vec(moves(), 1..80),
    ) {
        let nodes = [1, 2, 3];
        let mut replication = Replication::new(&nodes.map(NodeAvailability::up), 0, min_in_sync, 0);
        let (mut log, mut appended, mut readable) = (Vec::new(), 0, Vec::new());
        let mut fenced = std::collections::BTreeSet::new();
        let mut now = NOW;
        for what in moves {
            let end = log.len() as i64;
            let before = (replication.epoch(), replication.high_watermark());
            match what {
                Move::Append(count) if replication.serving_leader().is_some() => {
                    for _ in 0..count {
                        log.push(appended);
                        appended += 1;
                    }
                    replication.appended(log.len() as i64);
                }
                Move::Append(_) | Move::Acknowledge => {}
                Move::Lose(node) => replication.mark_down(node, end, now),
                Move::Fence(node) => {
                    replication.fence(node, end, now);
                    fenced.insert(node);
                }
                Move::ComeBack(node, was_killed) => {
                    // A node that comes back before the cluster noticed its absence is fenced
                    // first.
                    if !fenced.remove(&node) {
                        replication.fence(node, end, now);
                    }
                    replication.start(node, was_killed, end);
                }
                Move::Pause(node) => replication.pause(node, end, now),
                Move::Resume(node) => replication.resume(node, end),
                Move::PassTime(passed) => {
                    now += passed;
                    replication.shrink_isr(300, end, now);
                }
                Move::Prefer => {}
            }
            let election = match what {
                Move::Prefer => Election::Preferred,
                _ => Election::Clean,
            };
            let cut = elect(&mut replication, election, log.len() as i64);
            log.truncate(cut as usize);
            let end = log.len() as i64;

            prop_assert!(replication.epoch() >= before.0, "the epoch went back");
            prop_assert!(replication.high_watermark() >= before.1, "the high watermark went back");
            prop_assert!(replication.high_watermark() <= end);
            let led = replication.leadership();
            for node in &led.in_sync {
                prop_assert!(replication.end_at(*node, end) >= replication.high_watermark());
                prop_assert!(!led.eligible.contains(node));
            }
            for node in nodes {
                prop_assert!(replication.high_watermark_at(node) <= replication.end_at(node, end));
            }
            prop_assert!(led.leader == NO_LEADER || led.in_sync.contains(&led.leader));
            // Records that could be read stay, and so do acknowledged ones, which are below the
            // high watermark.
            let high_watermark = replication.high_watermark() as usize;
            prop_assert_eq!(&log[..readable.len()], &readable[..], "read, and then truncated");
            readable = log[..high_watermark].to_vec();
        }
    }
}
