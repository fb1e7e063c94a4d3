//! What may happen, in any order: a list of these is a case, and proptest shortens it.

use proptest::prelude::*;

use super::model::{GROUPS, IDS, PARTITIONS};

/// A producer: the newest one of a transactional id (age 0), or one that was there before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who {
    pub(crate) id: usize,
    pub(crate) age: usize,
}

/// Where a kill falls among the writes of one request to the transaction coordinator: the decision,
/// a marker in each partition, and that all is complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Whether the decision is in the log. Without it nothing is.
    pub(crate) decided: bool,
    /// Which partitions have their marker, a bit for each.
    pub(crate) marked: u8,
    /// Whether it is written that all is complete, if all is.
    pub(crate) complete: bool,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// A new producer takes over a transactional id, and aborts what was open.
    Initialize { id: usize, cut: Option<Cut> },
    /// A producer asks for a new epoch of its own (KIP-360).
    Continue { who: Who },
    /// AddPartitionsToTxn.
    Add { who: Who, partitions: Vec<usize> },
    /// Records in a transaction, whose partition is added before or not. Where `lost`, the cluster
    /// is killed before the answer arrives, and the producer sends the same batch again.
    Produce { who: Who, partition: usize, records: usize, add: bool, lost: bool },
    /// Records outside of any transaction.
    ProducePlain { partition: usize, records: usize },
    /// An offset in a transaction, whose group is added before or not.
    CommitPending { who: Who, group: usize, partition: usize, offset: i64, add: bool },
    /// An offset outside of any transaction.
    Commit { group: usize, partition: usize, offset: i64 },
    /// EndTxn.
    End { who: Who, commit: bool, cut: Option<Cut> },
    /// A new producer opens a transaction and stops until its timeout has passed. Where `killed`,
    /// the cluster is killed meanwhile.
    TimeOut { id: usize, partition: usize, group: usize, killed: bool },
    /// The cluster is killed between two requests, and starts again.
    Kill,
    /// The cluster is shut down in order, and starts again.
    Restart,
}

fn who() -> impl Strategy<Value = Who> {
    let age = prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(2)];
    (0..IDS.len(), age).prop_map(|(id, age)| Who { id, age })
}

fn cut() -> impl Strategy<Value = Option<Cut>> {
    let cut = (prop::bool::weighted(0.75), any::<u8>(), any::<bool>())
        .prop_map(|(decided, marked, complete)| Cut { decided, marked, complete });
    prop::option::weighted(0.3, cut)
}

/// Any step, as often as makes histories in which most transactions have something in them.
pub(crate) fn act() -> impl Strategy<Value = Act> {
    let (id, group, partition) = (0..IDS.len(), 0..GROUPS.len(), 0..PARTITIONS);
    let partitions = prop::collection::vec(partition.clone(), 1..=PARTITIONS);
    let (records, offset) = (1usize..4, 0i64..1_000);
    // Few enough that plain commits and those of transactions often meet.
    let committed = 0..2usize;
    let add = || prop::bool::weighted(0.85);
    prop_oneof![
        3 => (id.clone(), cut()).prop_map(|(id, cut)| Act::Initialize { id, cut }),
        2 => who().prop_map(|who| Act::Continue { who }),
        2 => (who(), partitions).prop_map(|(who, partitions)| Act::Add { who, partitions }),
        12 => (who(), partition.clone(), records.clone(), add(), prop::bool::weighted(0.06)).prop_map(
            |(who, partition, records, add, lost)| Act::Produce { who, partition, records, add, lost }
        ),
        3 => (partition.clone(), records)
            .prop_map(|(partition, records)| Act::ProducePlain { partition, records }),
        7 => (who(), group.clone(), committed.clone(), offset.clone(), add()).prop_map(
            |(who, group, partition, offset, add)| {
                Act::CommitPending { who, group, partition, offset, add }
            }
        ),
        4 => (group.clone(), committed, offset)
            .prop_map(|(group, partition, offset)| Act::Commit { group, partition, offset }),
        9 => (who(), any::<bool>(), cut())
            .prop_map(|(who, commit, cut)| Act::End { who, commit, cut }),
        1 => (id, partition, group, any::<bool>()).prop_map(|(id, partition, group, killed)| {
            Act::TimeOut { id, partition, group, killed }
        }),
        1 => Just(Act::Kill),
        1 => Just(Act::Restart),
    ]
}
