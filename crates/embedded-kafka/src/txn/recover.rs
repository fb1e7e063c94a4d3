//! What a restart finds: every record of `__transaction_state`, in the order of the log.

use std::sync::Arc;

use parking_lot::Mutex;
use tracing::debug;

use super::coordinator::{Entry, Transactions};
use super::state::Transaction;
use crate::records::{TransactionLogKey, TransactionLogValue};
use crate::time::Timestamp;

impl Transactions {
    /// Takes in a record of `__transaction_state`, in the order of the log, before the first
    /// request. What cannot be read is left out.
    pub(crate) fn replay(&self, key: &[u8], value: Option<&[u8]>) {
        let id = match TransactionLogKey::decode(key) {
            Ok(key) => key.transactional_id,
            Err(error) => return debug!(%error, "a record whose key cannot be read"),
        };
        let Some(value) = value else {
            self.ids.write().remove(&id);
            return;
        };
        let decoded = TransactionLogValue::decode(value).ok().and_then(Transaction::from_record);
        match decoded {
            Some(transaction) => {
                self.ids.write().insert(id, Arc::new(Mutex::new(Entry::new(transaction))));
            }
            None => debug!(id, "a transaction that cannot be read"),
        }
    }

    /// The log has been replayed to its end: what was decided and not done is done now. Some
    /// partitions may get their marker a second time.
    pub(crate) fn replayed(&self, now: Timestamp) {
        for (id, entry) in self.entries() {
            let mut entry = entry.lock();
            if entry.transaction.state.is_prepared() {
                self.settle(&id, &mut entry, now);
            }
            self.note_due(&entry);
        }
    }
}
