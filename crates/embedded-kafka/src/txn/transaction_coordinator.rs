//! All transactional ids of the cluster: a lock for each, their records in `__transaction_state`,
//! and the markers that end a transaction.
//!
//! Other modules decide which node coordinates which id. Records and markers are written while
//! their id is locked, so that the logs have them in the order in which they took effect. With an
//! id locked, groups and logs may be locked; neither ever locks an id.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kafka_protocol::ResponseError;
use parking_lot::{Mutex, RwLock};

use super::Settings;
use super::markers::{Marker, Markers, TransactionLog};
use super::transaction::{Partitions, State, Transaction};
use super::transition::{Initialize, Next};
use crate::log::{Position, Producer};
use crate::records::TransactionLogKey;
use crate::time::Timestamp;

/// The outcome that EndTxn asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Commit,
    Abort,
}

/// Allocates a new producer id.
pub(crate) type NewProducerId = Box<dyn Fn() -> Result<i64, ResponseError> + Send + Sync>;

/// Called with each transaction after its change is applied. It must not call back.
pub(crate) type OnChange = Box<dyn Fn(&str, &Transaction) + Send + Sync>;

/// All transactional ids.
pub(crate) struct TransactionCoordinator {
    pub(super) ids: RwLock<Ids>,
    pub(super) log: Arc<dyn TransactionLog>,
    markers: Arc<dyn Markers>,
    new_producer_id: NewProducerId,
    on_change: OnChange,
    pub(super) settings: Settings,
    /// The time of the first timer of all ids, so that most ticks lock none of them.
    due: AtomicI64,
}

/// The existing transactional ids.
#[derive(Default)]
pub(super) struct Ids {
    pub(super) by_name: HashMap<String, Arc<Mutex<Entry>>>,
    /// The partitions of `__transaction_state` whose ids are not loaded: they are being read again,
    /// or no node coordinates them.
    pub(super) unloaded: BTreeSet<i32>,
}

/// A transactional id, as its coordinator sees it.
pub(super) struct Entry {
    pub(super) transaction: Transaction,
    /// The partitions that have no marker yet, of a transaction whose outcome is decided.
    unmarked: Partitions,
    /// The markers that are written, and may still be lost with the leader that has them.
    unsafe_markers: BTreeMap<(String, i32), Position>,
    /// The time of the next attempt after a failure.
    retry_at: Timestamp,
}

impl Entry {
    pub(super) fn new(transaction: Transaction) -> Self {
        let unmarked = if transaction.state.is_prepared() {
            transaction.partitions.clone()
        } else {
            Partitions::new()
        };
        let unsafe_markers = BTreeMap::new();
        Self { transaction, unmarked, unsafe_markers, retry_at: Timestamp::MIN }
    }

    fn due(&self, settings: &Settings) -> Timestamp {
        self.transaction.due(settings).unwrap_or(Timestamp::MIN).max(self.retry_at)
    }
}

impl TransactionCoordinator {
    pub(crate) fn new(
        log: Arc<dyn TransactionLog>,
        markers: Arc<dyn Markers>,
        new_producer_id: NewProducerId,
        on_change: OnChange,
        settings: Settings,
    ) -> Self {
        let due = AtomicI64::new(Timestamp::MAX);
        Self { ids: RwLock::default(), log, markers, new_producer_id, on_change, settings, due }
    }

    /// Makes Kafka's checks of InitProducerId at any node, coordinator or not.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for an empty id, `INVALID_TRANSACTION_TIMEOUT` for a timeout of nothing
    /// or above `transaction.max.timeout.ms`.
    pub(crate) fn check_initialize(
        &self,
        transactional_id: &str,
        timeout_ms: i32,
    ) -> Result<(), ResponseError> {
        check_id(transactional_id)?;
        if !(1..=self.settings.max_timeout_ms).contains(&timeout_ms) {
            return Err(ResponseError::InvalidTransactionTimeout);
        }
        Ok(())
    }

    /// Handles InitProducerId with a transactional id.
    ///
    /// # Errors
    /// As [`check_initialize`](Self::check_initialize); `CONCURRENT_TRANSACTIONS` while a
    /// transaction is being ended, which this request itself may have started; `PRODUCER_FENCED` if
    /// another producer has taken over from the expected one.
    pub(crate) fn initialize(
        &self,
        transactional_id: &str,
        timeout_ms: i32,
        expected: Option<Producer>,
        now: Timestamp,
    ) -> Result<Producer, ResponseError> {
        self.check_initialize(transactional_id, timeout_ms)?;
        let entry = match self.find(transactional_id)? {
            Some(entry) => entry,
            None => {
                let producer_id = (self.new_producer_id)()?;
                let transaction = Transaction::new(producer_id, timeout_ms, now);
                let mut ids = self.ids.write();
                self.check_loaded(&ids, transactional_id)?;
                let entry = ids.by_name.entry(transactional_id.to_owned());
                entry.or_insert_with(|| Arc::new(Mutex::new(Entry::new(transaction)))).clone()
            }
        };
        let mut entry = entry.lock();
        let request = Initialize { timeout_ms, expected };
        let next = entry.transaction.initialize(request, now, || (self.new_producer_id)())?;
        self.adopt(transactional_id, &mut entry, next)?;
        if entry.transaction.state.is_prepared() {
            self.settle(transactional_id, &mut entry, now);
            return Err(ResponseError::ConcurrentTransactions);
        }
        Ok(entry.transaction.producer)
    }

    /// Handles AddPartitionsToTxn and AddOffsetsToTxn: adds the partitions that a transaction will
    /// write to. The first ones open it.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for an empty id, `INVALID_PRODUCER_ID_MAPPING` for an id that is unknown
    /// or another producer's, `PRODUCER_FENCED` for another epoch, `CONCURRENT_TRANSACTIONS` while
    /// the transaction before is being ended.
    pub(crate) fn add_partitions(
        &self,
        transactional_id: &str,
        producer: Producer,
        partitions: &Partitions,
        now: Timestamp,
    ) -> Result<(), ResponseError> {
        self.with_known(transactional_id, |entry| {
            match entry.transaction.add(producer, partitions, now)? {
                Next::Same => Ok(()),
                Next::Write(next) => self.adopt(transactional_id, entry, next),
            }
        })
    }

    /// Handles EndTxn. The outcome holds once this returns, although a marker may come later.
    ///
    /// # Errors
    /// `INVALID_TXN_STATE` if no transaction is open or the outcome was another one; otherwise as
    /// [`add_partitions`](Self::add_partitions).
    pub(crate) fn end(
        &self,
        transactional_id: &str,
        producer: Producer,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), ResponseError> {
        self.with_known(transactional_id, |entry| {
            match entry.transaction.end(producer, outcome == Outcome::Commit, now)? {
                Next::Same => Ok(()),
                Next::Write(next) => {
                    self.adopt(transactional_id, entry, next)?;
                    self.settle(transactional_id, entry, now);
                    Ok(())
                }
            }
        })
    }

    /// Checks whether the producer may write to a partition now: the coordinator's side of
    /// KIP-890's verification of a batch that would open a transaction there.
    ///
    /// # Errors
    /// `INVALID_TXN_STATE` for a partition that is not in an open transaction, and otherwise as
    /// [`add_partitions`](Self::add_partitions).
    pub(crate) fn verify(
        &self,
        transactional_id: &str,
        producer: Producer,
        topic: &str,
        partition: i32,
    ) -> Result<(), ResponseError> {
        self.with_known(transactional_id, |entry| {
            entry.transaction.check_write(producer, topic, partition)
        })
    }

    /// Runs `write`, which appends to a partition, if the producer may write there now. The
    /// transaction cannot end in the meantime: no record comes after its marker.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub(crate) fn verified<T>(
        &self,
        transactional_id: &str,
        producer: Producer,
        topic: &str,
        partition: i32,
        write: impl FnOnce() -> Result<T, ResponseError>,
    ) -> Result<T, ResponseError> {
        self.with_known(transactional_id, |entry| {
            entry.transaction.check_write(producer, topic, partition)?;
            write()
        })
    }

    /// Runs the due timers: ends transactions that were open for too long, writes markers that
    /// could not be written before, and expires unused ids. Call it every few milliseconds.
    pub(crate) fn tick(&self, now: Timestamp) {
        if self.due.load(Ordering::Relaxed) > now {
            return;
        }
        // A timer that is set from here on lowers the mark again.
        self.due.store(Timestamp::MAX, Ordering::Relaxed);
        for (id, entry) in self.entries() {
            let mut entry = entry.lock();
            if entry.due(&self.settings) <= now {
                self.pass_time(&id, &mut entry, now);
            }
            self.note_due(&entry);
        }
    }

    fn pass_time(&self, transactional_id: &str, entry: &mut Entry, now: Timestamp) {
        if entry.transaction.has_timed_out(now) {
            let next = entry.transaction.fence(now);
            if let Err(error) = self.adopt(transactional_id, entry, next) {
                tracing::warn!(transactional_id, %error, "a timed-out transaction is still open");
                entry.retry_at = now + self.settings.retry_ms;
            }
        }
        if entry.transaction.state.is_prepared() {
            self.settle(transactional_id, entry, now);
        }
        if entry.transaction.has_expired(&self.settings, now) {
            self.expire_id(transactional_id, entry, now);
        }
    }

    /// Writes the markers that are missing, and then the completion of the transaction. The
    /// decision must be safe before the first marker, and every marker before the completion: a
    /// leader that dies takes along the records that no other replica has.
    pub(super) fn settle(&self, transactional_id: &str, entry: &mut Entry, now: Timestamp) {
        let is_marked = self.log.is_replicated(transactional_id)
            && self.write_markers(transactional_id, entry, now);
        let completed = is_marked && {
            let next = entry.transaction.complete(now);
            self.adopt(transactional_id, entry, next).is_ok()
        };
        if !completed {
            entry.retry_at = now + self.settings.retry_ms;
            self.note_due(entry);
        }
    }

    /// Writes the markers that are missing. Returns whether all are there, and safe.
    fn write_markers(&self, transactional_id: &str, entry: &mut Entry, now: Timestamp) -> bool {
        let marker = Marker {
            producer: entry.transaction.producer,
            commit: entry.transaction.state == State::PrepareCommit,
            coordinator_epoch: self.log.coordinator_epoch(transactional_id),
        };
        let unsafe_markers = &mut entry.unsafe_markers;
        entry.unmarked.retain(|topic, partitions| {
            partitions.retain(|partition| {
                let place = (topic.clone(), *partition);
                let written = match unsafe_markers.remove(&place) {
                    Some(position) => Ok(position),
                    None => self.markers.write(topic, *partition, &marker, now),
                };
                let outcome = match written {
                    Ok(position) => match self.markers.outcome(topic, *partition, &position) {
                        None => {
                            unsafe_markers.insert(place, position);
                            return true;
                        }
                        Some(outcome) => outcome,
                    },
                    Err(error) => Err(error),
                };
                outcome.is_err_and(|error| {
                    if error != ResponseError::UnknownTopicOrPartition {
                        tracing::warn!(transactional_id, topic, partition, %error, "no marker");
                    }
                    error != ResponseError::UnknownTopicOrPartition
                })
            });
            !partitions.is_empty()
        });
        entry.unmarked.is_empty()
    }

    /// Writes a tombstone for the id, and then takes it out of the list.
    fn expire_id(&self, transactional_id: &str, entry: &mut Entry, now: Timestamp) {
        let key = TransactionLogKey { transactional_id: transactional_id.to_owned() }.encode();
        if let Err(error) = self.log.append(transactional_id, &key, None) {
            tracing::warn!(transactional_id, %error, "an expired transactional id could not be removed");
            entry.retry_at = now + self.settings.retry_ms;
            return;
        }
        // A request that found the entry before its removal must ask again, and finds none.
        entry.transaction.state = State::Dead;
        self.ids.write().by_name.remove(transactional_id);
    }

    /// Persists the next state of the transaction, and only then applies it.
    fn adopt(
        &self,
        transactional_id: &str,
        entry: &mut Entry,
        next: Transaction,
    ) -> Result<(), ResponseError> {
        let key = TransactionLogKey { transactional_id: transactional_id.to_owned() }.encode();
        let value = next.to_record().encode();
        self.log.append(transactional_id, &key, Some(&value))?;
        *entry = Entry::new(next);
        self.note_due(entry);
        (self.on_change)(transactional_id, &entry.transaction);
        Ok(())
    }

    pub(super) fn note_due(&self, entry: &Entry) {
        if entry.transaction.state != State::Dead {
            self.due.fetch_min(entry.due(&self.settings), Ordering::Relaxed);
        }
    }

    fn with_known<T>(
        &self,
        transactional_id: &str,
        act: impl FnOnce(&mut Entry) -> Result<T, ResponseError>,
    ) -> Result<T, ResponseError> {
        check_id(transactional_id)?;
        let entry = self.find(transactional_id)?.ok_or(ResponseError::InvalidProducerIdMapping)?;
        let mut entry = entry.lock();
        act(&mut entry)
    }

    /// Returns all ids that are loaded.
    pub(super) fn entries(&self) -> Vec<(String, Arc<Mutex<Entry>>)> {
        let ids = self.ids.read();
        let open = ids.by_name.iter().filter(|(id, _)| self.check_loaded(&ids, id).is_ok());
        open.map(|(id, entry)| (id.clone(), Arc::clone(entry))).collect()
    }

    /// Returns the state of an id, `None` if there is no such id.
    ///
    /// # Errors
    /// `NOT_COORDINATOR` if another node coordinates it.
    pub(super) fn find(
        &self,
        transactional_id: &str,
    ) -> Result<Option<Arc<Mutex<Entry>>>, ResponseError> {
        let ids = self.ids.read();
        self.check_loaded(&ids, transactional_id)?;
        Ok(ids.by_name.get(transactional_id).cloned())
    }

    fn check_loaded(&self, ids: &Ids, transactional_id: &str) -> Result<(), ResponseError> {
        if !ids.unloaded.is_empty()
            && ids.unloaded.contains(&self.log.partition_for(transactional_id))
        {
            return Err(ResponseError::NotCoordinator);
        }
        Ok(())
    }
}

/// Checks that an id fits into the two bytes that a record's key has for its length.
fn check_id(transactional_id: &str) -> Result<(), ResponseError> {
    if transactional_id.is_empty() || transactional_id.len() > i16::MAX as usize {
        return Err(ResponseError::InvalidRequest);
    }
    Ok(())
}
