//! The content of ListTransactions and DescribeTransactions.

use super::transaction::{State, Transaction};
use super::transaction_coordinator::TransactionCoordinator;
use crate::time::Timestamp;

/// A transactional id in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) transactional_id: String,
    pub(crate) producer_id: i64,
    pub(crate) state: State,
    /// The time at which its first partition was added, −1 if none was.
    pub(crate) start_timestamp: Timestamp,
}

impl TransactionCoordinator {
    /// Returns the transaction of an id, `None` if the id is unknown or expired.
    pub(crate) fn describe(&self, transactional_id: &str) -> Option<Transaction> {
        let entry = self.find(transactional_id).ok()??;
        let transaction = entry.lock().transaction.clone();
        Some(transaction).filter(|it| it.state != State::Dead)
    }

    /// Returns all ids, in the order of their names.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let listed = self.entries().into_iter().map(|(transactional_id, entry)| {
            let transaction = &entry.lock().transaction;
            let producer_id = transaction.producer.id;
            let (state, start_timestamp) = (transaction.state, transaction.start_timestamp);
            Listed { transactional_id, producer_id, state, start_timestamp }
        });
        let mut listed = listed.filter(|it| it.state != State::Dead).collect::<Vec<_>>();
        listed.sort_by(|one, other| one.transactional_id.cmp(&other.transactional_id));
        listed
    }
}
