//! Loads transactional ids, after a restart or at the next coordinator: every record of a partition
//! of `__transaction_state`, in the order of the log.

use std::sync::Arc;

use parking_lot::Mutex;
use tracing::debug;

use super::transaction::{State, Transaction};
use super::transaction_coordinator::{Entry, TransactionCoordinator};
use crate::records::{TransactionLogKey, TransactionLogValue};
use crate::time::Timestamp;

impl TransactionCoordinator {
    /// Loads a record of `__transaction_state`, in the order of the log, before the first request.
    /// Unreadable records are skipped.
    pub(crate) fn replay(&self, key: &[u8], value: Option<&[u8]>) {
        let id = match TransactionLogKey::decode(key) {
            Ok(key) => key.transactional_id,
            Err(error) => return debug!(%error, "a record whose key cannot be read"),
        };
        let Some(value) = value else {
            self.ids.write().by_name.remove(&id);
            return;
        };
        let decoded = TransactionLogValue::decode(value).ok().and_then(Transaction::from_record);
        match decoded {
            Some(transaction) => {
                self.ids.write().by_name.insert(id, Arc::new(Mutex::new(Entry::new(transaction))));
            }
            None => debug!(id, "a transaction that cannot be read"),
        }
    }

    /// Ends the loading of partitions that were replayed to their ends: decided transactions are
    /// completed now. Some partitions may get their marker a second time.
    pub(crate) fn finish_loading(&self, is_loaded: impl Fn(i32) -> bool, now: Timestamp) {
        self.ids.write().unloaded.retain(|partition| !is_loaded(*partition));
        for (id, entry) in self.entries() {
            if !is_loaded(self.log.partition_for(&id)) {
                continue;
            }
            let mut entry = entry.lock();
            if entry.transaction.state.is_prepared() {
                self.settle(&id, &mut entry, now);
            }
            self.note_due(&entry);
        }
    }

    /// Unloads the ids of these partitions, because another node coordinates them from now on, or
    /// none.
    pub(crate) fn unload(&self, partitions: &[i32]) {
        let mut ids = self.ids.write();
        ids.unloaded.extend(partitions);
        let mut gone = Vec::new();
        ids.by_name.retain(|id, entry| {
            let stays = !partitions.contains(&self.log.partition_for(id));
            if !stays {
                gone.push(Arc::clone(entry));
            }
            stays
        });
        drop(ids);
        // A request that has found one before sees that it is dead, and writes nothing.
        for entry in gone {
            entry.lock().transaction.state = State::Dead;
        }
    }

    /// Returns the partitions whose ids are not loaded.
    pub(crate) fn unloaded(&self) -> Vec<i32> {
        self.ids.read().unloaded.iter().copied().collect()
    }

    /// Returns whether the ids of a partition are not loaded.
    pub(crate) fn is_unloaded(&self, partition: i32) -> bool {
        self.ids.read().unloaded.contains(&partition)
    }
}
