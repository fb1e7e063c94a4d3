//! The assignment of replicas to nodes: computed here, or chosen by the caller.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;

use crate::rejection::Rejection;

/// Spreads the replicas of `count` partitions over the nodes, so that leaders and followers are
/// spread evenly. `first` is the number of the first partition, which is above 0 if partitions are
/// added, and `shift` gives different topics different leaders.
pub(super) fn spread(
    nodes: &[i32],
    count: usize,
    replication_factor: usize,
    first: usize,
    shift: usize,
) -> Vec<Vec<i32>> {
    let node = |position: usize| nodes[position % nodes.len()];
    (first..first + count)
        .map(|partition| {
            (0..replication_factor).map(|replica| node(shift + partition + replica)).collect()
        })
        .collect()
}

/// Checks the replicas that a caller chose for each partition of a topic. All partitions have the
/// same number of replicas, including the existing ones of the topic (`replication_factor`).
pub(super) fn check_manual(
    nodes: &[i32],
    replicas: &[Vec<i32>],
    replication_factor: Option<usize>,
) -> Result<(), Rejection> {
    let reject = |message| Err(Rejection::new(ResponseError::InvalidReplicaAssignment, message));
    let replication_factor =
        replication_factor.or_else(|| replicas.first().map(Vec::len)).unwrap_or(0);
    for brokers in replicas {
        if brokers.is_empty() {
            return reject(
                "The manual partition assignment includes an empty replica list.".into(),
            );
        }
        let mut seen = BTreeSet::new();
        for broker in brokers {
            if !nodes.contains(broker) {
                return reject(format!(
                    "The manual partition assignment includes broker {broker}, but no such broker is registered."
                ));
            }
            if !seen.insert(broker) {
                return reject(format!(
                    "The manual partition assignment includes the broker {broker} more than once."
                ));
            }
        }
        if brokers.len() != replication_factor {
            return reject(format!(
                "The manual partition assignment includes a partition with {} replica(s), but this \
                 is not consistent with previous partitions, which have {replication_factor} replica(s).",
                brokers.len(),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaders_and_followers_are_spread_evenly() {
        assert_eq!(spread(&[1, 2, 3], 3, 2, 0, 0), [[1, 2], [2, 3], [3, 1]]);
        assert_eq!(spread(&[1, 2, 3], 2, 3, 0, 4), [[2, 3, 1], [3, 1, 2]]);
    }

    #[test]
    fn added_partitions_continue_where_the_first_ones_ended() {
        let all = spread(&[1, 2, 3], 5, 2, 0, 1);
        assert_eq!(spread(&[1, 2, 3], 2, 2, 3, 1), all[3..]);
    }

    #[test]
    fn a_manual_assignment_is_rejected_with_kafkas_reason() {
        let message =
            |replicas: &[Vec<i32>]| check_manual(&[1, 2], replicas, None).unwrap_err().message;
        assert!(check_manual(&[1, 2], &[vec![1, 2], vec![2, 1]], None).is_ok());
        assert!(message(&[vec![]]).contains("empty replica list"));
        assert!(message(&[vec![3]]).contains("broker 3, but no such broker"));
        assert!(message(&[vec![1, 1]]).contains("broker 1 more than once"));
        assert!(message(&[vec![1, 2], vec![1]]).contains("with 1 replica(s)"));
    }

    #[test]
    fn added_partitions_have_as_many_replicas_as_those_before_them() {
        assert!(check_manual(&[1, 2], &[vec![2]], Some(1)).is_ok());
        let rejected = check_manual(&[1, 2], &[vec![1, 2]], Some(1)).unwrap_err();
        assert!(rejected.message.contains("with 2 replica(s)"), "{}", rejected.message);
        assert!(rejected.message.contains("which have 1 replica(s)"), "{}", rejected.message);
    }
}
