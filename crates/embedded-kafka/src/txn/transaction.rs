//! A transactional id with its current transaction, and their form in the log.

use std::collections::{BTreeMap, BTreeSet};

use super::Settings;
use crate::log::Producer;
use crate::records::TransactionLogValue;
use crate::time::Timestamp;

/// Stands for "no producer id", "no epoch" and "no time".
pub(super) const NO_PRODUCER_ID: i64 = -1;
pub(super) const NO_EPOCH: i16 = -1;
pub(super) const NO_TIMESTAMP: Timestamp = -1;

/// Partitions by their topics.
pub(crate) type Partitions = BTreeMap<String, BTreeSet<i32>>;

/// The state of a transaction, under Kafka's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// The producer has its id and has not begun a transaction.
    Empty,
    /// Partitions were added.
    Ongoing,
    /// It will be committed: the decision is in the log, markers are on their way.
    PrepareCommit,
    /// It will be aborted: the decision is in the log, markers are on their way.
    PrepareAbort,
    /// Every partition has its marker.
    CompleteCommit,
    /// Every partition has its marker.
    CompleteAbort,
    /// The id has expired and is about to be removed. Never persisted.
    Dead,
    /// The producer is being fenced; PrepareAbort follows in the same step. Never persisted.
    PrepareEpochFence,
}

impl State {
    /// All states, in the order of their numbers in the log.
    const ALL: [Self; 8] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
        Self::Dead,
        Self::PrepareEpochFence,
    ];

    /// Returns Kafka's name, as DescribeTransactions shows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
            Self::Dead => "Dead",
            Self::PrepareEpochFence => "PrepareEpochFence",
        }
    }

    /// Returns the state with this exact name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Returns the number in the log.
    fn number(self) -> i8 {
        self as i8
    }

    fn of_number(number: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// Returns whether the outcome is decided and markers are on their way.
    pub(super) fn is_prepared(self) -> bool {
        matches!(self, Self::PrepareCommit | Self::PrepareAbort)
    }

    /// Returns whether no transaction is open.
    pub(super) fn is_idle(self) -> bool {
        matches!(self, Self::Empty | Self::CompleteCommit | Self::CompleteAbort)
    }
}

/// A transactional id with its current transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transaction {
    /// The producer that may write; its epoch is −1 until its first initialization.
    pub(crate) producer: Producer,
    /// The producer id before the last change, which identifies a producer that did not receive its
    /// new one.
    pub(super) previous_producer_id: i64,
    /// The epoch before the last bump, as long as its producer may still continue from it
    /// (KIP-360). It is not persisted.
    pub(super) last_producer_epoch: i16,
    pub(crate) timeout_ms: i32,
    pub(crate) state: State,
    /// The partitions of the transaction.
    pub(crate) partitions: Partitions,
    /// The time at which the first partition was added, −1 if none was.
    pub(crate) start_timestamp: Timestamp,
    pub(super) last_update_timestamp: Timestamp,
}

impl Transaction {
    /// Returns the state of a transactional id before its first use.
    pub(super) fn new(producer_id: i64, timeout_ms: i32, now: Timestamp) -> Self {
        Self {
            producer: Producer { id: producer_id, epoch: NO_EPOCH },
            previous_producer_id: NO_PRODUCER_ID,
            last_producer_epoch: NO_EPOCH,
            timeout_ms,
            state: State::Empty,
            partitions: Partitions::new(),
            start_timestamp: NO_TIMESTAMP,
            last_update_timestamp: now,
        }
    }

    /// Returns whether it has been open for longer than its timeout.
    pub(super) fn has_timed_out(&self, now: Timestamp) -> bool {
        self.state == State::Ongoing && self.timeout_at() <= now
    }

    /// Returns whether the id has expired.
    pub(super) fn has_expired(&self, settings: &Settings, now: Timestamp) -> bool {
        self.state.is_idle() && self.expires_at(settings) <= now
    }

    /// Returns the time of the next timer, `None` if there is none.
    pub(super) fn due(&self, settings: &Settings) -> Option<Timestamp> {
        match self.state {
            State::Ongoing => Some(self.timeout_at()),
            state if state.is_idle() => Some(self.expires_at(settings)),
            _ => None,
        }
    }

    /// Returns the time at which an open transaction times out: in Kafka when its timeout is
    /// exceeded, not when it is reached.
    fn timeout_at(&self) -> Timestamp {
        self.start_timestamp.saturating_add(i64::from(self.timeout_ms)).saturating_add(1)
    }

    fn expires_at(&self, settings: &Settings) -> Timestamp {
        self.last_update_timestamp.saturating_add(settings.id_expiration_ms)
    }

    pub(super) fn to_record(&self) -> TransactionLogValue {
        let partitions = self.partitions.iter();
        let partitions =
            partitions.map(|(topic, indexes)| (topic.clone(), indexes.iter().copied().collect()));
        TransactionLogValue {
            producer_id: self.producer.id,
            previous_producer_id: self.previous_producer_id,
            producer_epoch: self.producer.epoch,
            timeout_ms: self.timeout_ms,
            status: self.state.number(),
            partitions: (self.state != State::Empty).then(|| partitions.collect()),
            last_update_timestamp: self.last_update_timestamp,
            start_timestamp: self.start_timestamp,
        }
    }

    /// Returns the transaction in a record, `None` if its state is one that is never persisted.
    pub(super) fn from_record(value: TransactionLogValue) -> Option<Self> {
        let state = State::of_number(value.status)?;
        if matches!(state, State::Dead | State::PrepareEpochFence) {
            return None;
        }
        let partitions = value.partitions.unwrap_or_default().into_iter();
        let partitions = partitions.map(|(topic, indexes)| (topic, indexes.into_iter().collect()));
        Some(Self {
            producer: Producer { id: value.producer_id, epoch: value.producer_epoch },
            previous_producer_id: value.previous_producer_id,
            last_producer_epoch: NO_EPOCH,
            timeout_ms: value.timeout_ms,
            state,
            partitions: partitions.collect(),
            start_timestamp: value.start_timestamp,
            last_update_timestamp: value.last_update_timestamp,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_numbers_that_kafka_gives_them() {
        let numbers = State::ALL.map(|state| (state.number(), State::of_name(state.name())));
        let expected: [_; 8] = std::array::from_fn(|at| (at as i8, Some(State::ALL[at])));
        assert_eq!(numbers, expected);
        assert_eq!(State::of_number(8), None);
        assert_eq!(State::of_name("ongoing"), None);
    }

    #[test]
    fn a_transaction_comes_back_from_its_record() {
        let mut transaction = Transaction::new(7, 60_000, 1_000);
        transaction.producer.epoch = 3;
        transaction.previous_producer_id = 6;
        assert_eq!(Transaction::from_record(transaction.to_record()), Some(transaction.clone()));
        transaction.state = State::PrepareCommit;
        transaction.partitions = [("counts".into(), [2, 0].into())].into();
        transaction.start_timestamp = 900;
        assert_eq!(Transaction::from_record(transaction.to_record()), Some(transaction.clone()));
    }

    #[test]
    fn states_that_are_never_written_are_not_read() {
        let mut transaction = Transaction::new(7, 60_000, 1_000);
        for state in [State::Dead, State::PrepareEpochFence] {
            transaction.state = state;
            assert_eq!(Transaction::from_record(transaction.to_record()), None);
        }
    }
}
