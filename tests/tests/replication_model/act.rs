//! What may happen, in any order: a list of these is a case, and proptest shortens it.

use proptest::prelude::*;

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// A node shuts down in order.
    Stop(i32),
    /// A node dies.
    Kill(i32),
    /// A node that is down comes back.
    Start(i32),
    /// A node fetches nothing from other leaders.
    Pause(i32),
    /// A node fetches again.
    Resume(i32),
    /// All that are dead have been missed.
    Miss,
    /// The preferred leader is to lead again.
    Prefer,
    /// Records outside of any transaction, sent to the leader or to whichever node.
    Produce { acks: i16, records: usize, node: Option<i32> },
    /// A new producer takes over the transactional id, and aborts what was open.
    Begin,
    /// Records in the transaction.
    Write { records: usize },
    /// An offset in the transaction.
    CommitPending,
    /// The transaction ends.
    End { commit: bool },
    /// An offset outside of any transaction.
    Commit,
}

/// Any step, as often as makes histories in which nodes come and go while there is work.
pub(crate) fn act() -> impl Strategy<Value = Act> {
    let node = 1..=3i32;
    let records = 1..4usize;
    let anywhere = prop::option::weighted(0.1, node.clone());
    prop_oneof![
        1 => node.clone().prop_map(Act::Stop),
        5 => node.clone().prop_map(Act::Kill),
        9 => node.clone().prop_map(Act::Start),
        2 => node.clone().prop_map(Act::Pause),
        3 => node.prop_map(Act::Resume),
        2 => Just(Act::Miss),
        1 => Just(Act::Prefer),
        8 => (prop_oneof![2 => Just(-1i16), 1 => Just(1)], records.clone(), anywhere)
            .prop_map(|(acks, records, node)| Act::Produce { acks, records, node }),
        3 => Just(Act::Begin),
        5 => records.prop_map(|records| Act::Write { records }),
        2 => Just(Act::CommitPending),
        4 => any::<bool>().prop_map(|commit| Act::End { commit }),
        3 => Just(Act::Commit),
    ]
}
