//! One transaction of the model, and its state as its producer knows it.

use workshop_tests::transactions::Producer;

/// How a transaction stands, as far as its producer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    /// Something went wrong, or may have. It must not be committed any more.
    Broken,
    /// It was asked to end, and no one has said that it did.
    Ending {
        commit: bool,
    },
    Committed,
    Aborted,
}

/// One transaction.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) producer: Producer,
    pub(crate) fate: Fate,
    /// Whether its coordinator has said that the partition takes part.
    pub(crate) has_partition: bool,
    /// Whether it may be that something takes part, said or not.
    pub(crate) may_be_open: bool,
    pub(crate) next_sequence: i32,
    pub(crate) values: Vec<String>,
    /// What it commits for its group.
    pub(crate) offset: Option<i64>,
}

impl Transaction {
    pub(crate) fn begin(producer: Producer) -> Self {
        Self {
            producer,
            fate: Fate::Open,
            has_partition: false,
            may_be_open: false,
            next_sequence: 0,
            values: Vec::new(),
            offset: None,
        }
    }

    /// Whether readers of committed records may see it.
    pub(crate) fn may_be_seen(&self) -> bool {
        matches!(self.fate, Fate::Committed | Fate::Ending { commit: true })
    }
}
