//! The transitions of a transaction: plain functions of its state, the request and the time. None
//! of them changes anything; the coordinator persists the result and then applies it.

use kafka_protocol::ResponseError;

use super::transaction::{NO_EPOCH, NO_TIMESTAMP, Partitions, State, Transaction};
use crate::log::Producer;
use crate::time::Timestamp;

/// The last epoch that a producer may get: one above it is left for fencing it.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// The parameters of InitProducerId.
#[derive(Debug, Clone, Copy)]
pub(super) struct Initialize {
    pub(super) timeout_ms: i32,
    /// The producer's current id and epoch, if it wants to continue after an error (KIP-360).
    pub(super) expected: Option<Producer>,
}

/// The result of a valid request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The state is as requested already.
    Same,
    /// The next state, which must be persisted.
    Write(Transaction),
}

impl Transaction {
    /// Handles InitProducerId: the producer gets an epoch of its own, which fences all before it.
    /// An open transaction is aborted first (the result is in state PrepareAbort then), and the
    /// producer has to ask again.
    ///
    /// # Errors
    /// `CONCURRENT_TRANSACTIONS` while markers are on their way, `PRODUCER_FENCED` if another
    /// producer has taken over from the expected one, and the errors of `new_producer_id`, which is
    /// called when all epochs of the present id are used up.
    pub(super) fn initialize(
        &self,
        request: Initialize,
        now: Timestamp,
        new_producer_id: impl FnOnce() -> Result<i64, ResponseError>,
    ) -> Result<Self, ResponseError> {
        if self.state == State::Dead {
            return Err(ResponseError::ConcurrentTransactions);
        }
        if !request.expected.is_none_or(|expected| self.may_continue(expected)) {
            return Err(ResponseError::ProducerFenced);
        }
        match self.state {
            State::Ongoing => Ok(self.fence(now)),
            State::Empty | State::CompleteCommit | State::CompleteAbort => {
                let expected = request.expected.map(|producer| producer.epoch);
                let known = [self.producer.epoch, self.last_producer_epoch];
                let exhausted = self.producer.epoch >= LAST_EPOCH;
                if exhausted && expected.is_none_or(|epoch| known.contains(&epoch)) {
                    return Ok(self.rotate(new_producer_id()?, request, now));
                }
                self.bump(expected, request.timeout_ms, now)
            }
            State::PrepareCommit | State::PrepareAbort | State::Dead | State::PrepareEpochFence => {
                Err(ResponseError::ConcurrentTransactions)
            }
        }
    }

    /// Returns whether a producer that was `expected` may continue: it is the present one (its
    /// epoch is checked later), or the one before, of which all epochs were used up and which did
    /// not receive its new id. Any producer may continue an unpublished transaction.
    fn may_continue(&self, expected: Producer) -> bool {
        self.producer.epoch == NO_EPOCH
            || expected.id == self.producer.id
            || (expected.id == self.previous_producer_id && expected.epoch >= LAST_EPOCH)
    }

    fn bump(
        &self,
        expected: Option<i16>,
        timeout_ms: i32,
        now: Timestamp,
    ) -> Result<Self, ResponseError> {
        let present = self.producer.epoch;
        let (epoch, last) = match expected {
            None => (present + 1, NO_EPOCH),
            Some(epoch) if present == NO_EPOCH || epoch == present => (present + 1, present),
            // The response to the same request was lost: it is sent again.
            Some(epoch) if epoch == self.last_producer_epoch => (present, epoch),
            Some(_) => return Err(ResponseError::ProducerFenced),
        };
        let mut next = self.emptied(timeout_ms, now);
        next.producer.epoch = epoch;
        next.last_producer_epoch = last;
        Ok(next)
    }

    fn rotate(&self, producer_id: i64, request: Initialize, now: Timestamp) -> Self {
        let mut next = self.emptied(request.timeout_ms, now);
        next.producer = Producer { id: producer_id, epoch: 0 };
        next.last_producer_epoch = request.expected.map_or(NO_EPOCH, |producer| producer.epoch);
        next
    }

    fn emptied(&self, timeout_ms: i32, now: Timestamp) -> Self {
        let mut next = self.changed(State::Empty, now);
        next.timeout_ms = timeout_ms;
        next.partitions = Partitions::new();
        next.start_timestamp = NO_TIMESTAMP;
        next
    }

    fn changed(&self, state: State, now: Timestamp) -> Self {
        Self {
            state,
            last_update_timestamp: now,
            previous_producer_id: self.producer.id,
            ..self.clone()
        }
    }

    /// Handles AddPartitionsToTxn and AddOffsetsToTxn: the transaction will write to `partitions`.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_ID_MAPPING` for another producer id, `PRODUCER_FENCED` for another epoch,
    /// `CONCURRENT_TRANSACTIONS` while the markers of the last transaction are on their way.
    pub(super) fn add(
        &self,
        producer: Producer,
        partitions: &Partitions,
        now: Timestamp,
    ) -> Result<Next, ResponseError> {
        self.check_producer(producer)?;
        if self.state == State::Ongoing && includes(&self.partitions, partitions) {
            return Ok(Next::Same);
        }
        let start_timestamp = match self.state {
            State::Ongoing => self.start_timestamp,
            State::Empty | State::CompleteCommit | State::CompleteAbort => now,
            State::PrepareCommit | State::PrepareAbort | State::Dead | State::PrepareEpochFence => {
                return Err(ResponseError::ConcurrentTransactions);
            }
        };
        let mut next = Self { start_timestamp, ..self.changed(State::Ongoing, now) };
        for (topic, indexes) in partitions {
            next.partitions.entry(topic.clone()).or_default().extend(indexes);
        }
        Ok(Next::Write(next))
    }

    /// Checks whether the producer may write to a partition now.
    ///
    /// # Errors
    /// `INVALID_TXN_STATE` for a partition that was not added to an open transaction; otherwise as
    /// [`add`](Self::add).
    pub(super) fn check_write(
        &self,
        producer: Producer,
        topic: &str,
        partition: i32,
    ) -> Result<(), ResponseError> {
        self.check_producer(producer)?;
        match self.state {
            State::PrepareCommit | State::PrepareAbort | State::Dead | State::PrepareEpochFence => {
                Err(ResponseError::ConcurrentTransactions)
            }
            State::Ongoing if self.has_partition(topic, partition) => Ok(()),
            State::Ongoing | State::Empty | State::CompleteCommit | State::CompleteAbort => {
                Err(ResponseError::InvalidTxnState)
            }
        }
    }

    fn has_partition(&self, topic: &str, partition: i32) -> bool {
        self.partitions.get(topic).is_some_and(|indexes| indexes.contains(&partition))
    }

    /// Handles EndTxn: decides the outcome. A repetition of the same outcome succeeds, another one
    /// does not.
    ///
    /// # Errors
    /// `INVALID_TXN_STATE` if no transaction is open or the outcome was another one; otherwise as
    /// [`add`](Self::add).
    pub(super) fn end(
        &self,
        producer: Producer,
        commit: bool,
        now: Timestamp,
    ) -> Result<Next, ResponseError> {
        self.check_producer(producer)?;
        match (self.state, commit) {
            (State::Ongoing, true) => Ok(Next::Write(self.changed(State::PrepareCommit, now))),
            (State::Ongoing, false) => Ok(Next::Write(self.changed(State::PrepareAbort, now))),
            (State::CompleteCommit, true) | (State::CompleteAbort, false) => Ok(Next::Same),
            (State::PrepareCommit, true)
            | (State::PrepareAbort, false)
            | (State::Dead | State::PrepareEpochFence, _) => {
                Err(ResponseError::ConcurrentTransactions)
            }
            (State::PrepareCommit | State::CompleteCommit, false)
            | (State::PrepareAbort | State::CompleteAbort, true)
            | (State::Empty, _) => Err(ResponseError::InvalidTxnState),
        }
    }

    /// Aborts the open transaction and fences its producer: no client receives the new epoch. If no
    /// other producer takes over in the meantime, the producer itself may ask for it and continue
    /// (KIP-588).
    ///
    /// Kafka passes through PrepareEpochFence on the way, which is never visible: state and epoch
    /// are persisted at once.
    pub(super) fn fence(&self, now: Timestamp) -> Self {
        let mut next = self.changed(State::PrepareAbort, now);
        next.producer.epoch = self.producer.epoch.saturating_add(1);
        next.last_producer_epoch = self.producer.epoch;
        next
    }

    /// Completes the transaction, after every partition has its marker.
    pub(super) fn complete(&self, now: Timestamp) -> Self {
        let state = match self.state {
            State::PrepareCommit => State::CompleteCommit,
            _ => State::CompleteAbort,
        };
        Self { partitions: Partitions::new(), ..self.changed(state, now) }
    }

    fn check_producer(&self, producer: Producer) -> Result<(), ResponseError> {
        if producer.id != self.producer.id {
            Err(ResponseError::InvalidProducerIdMapping)
        } else if producer.epoch != self.producer.epoch {
            Err(ResponseError::ProducerFenced)
        } else {
            Ok(())
        }
    }
}

fn includes(all: &Partitions, some: &Partitions) -> bool {
    some.iter().all(|(topic, indexes)| {
        indexes.is_empty() || all.get(topic).is_some_and(|present| indexes.is_subset(present))
    })
}
