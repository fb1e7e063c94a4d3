//! The requests of the transactional producer, and what they make of its transactions.

use kafka_protocol::messages::TransactionalId;
use proptest::prelude::*;
use workshop_tests::batch::{Batch, TRANSACTIONAL};
use workshop_tests::errors::{
    CONCURRENT_TRANSACTIONS, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, PRODUCER_FENCED,
};
use workshop_tests::requests::{produce, produced, text};
use workshop_tests::transactions::{add_offsets, add_partitions, commit, end, initialize};

use super::transaction::{Fate, Transaction};
use super::world::{COORDINATOR_MOVES, ID, Outcome, TOPIC, TRANSACTIONAL_GROUP, World};

/// No case lasts that long, in ms.
const NEVER: i32 = 900_000;

impl World {
    /// The transaction that is neither committed nor aborted, by its place.
    pub(crate) fn present(&self) -> Option<usize> {
        let last = self.transactions.len().checked_sub(1)?;
        let is_over = matches!(self.transactions[last].fate, Fate::Committed | Fate::Aborted);
        (!is_over).then_some(last)
    }

    /// The transaction that may be written to.
    fn open(&self) -> Option<usize> {
        self.present().filter(|at| self.transactions[*at].fate == Fate::Open)
    }

    pub(crate) fn begin(&mut self) -> Outcome {
        if let Some(at) = self.present()
            && let Fate::Ending { commit } = self.transactions[at].fate
        {
            // Until that is known nothing else may begin.
            self.end(commit)?;
            if self.present().is_some() {
                return Ok(());
            }
        }
        let Some(node) = self.coordinator(1, ID) else {
            return Ok(());
        };
        let Some(answer) = self.ask(node, 4, &initialize(ID, NEVER, (-1, -1))) else {
            // It may have been done, and then the transaction before is aborted.
            return self.break_present();
        };
        match answer.error_code {
            0 => {
                self.abort_present();
                let producer = (answer.producer_id.0, answer.producer_epoch);
                self.transactions.push(Transaction::begin(producer));
                Ok(())
            }
            CONCURRENT_TRANSACTIONS => self.break_present(),
            error => {
                prop_assert!(COORDINATOR_MOVES.contains(&error), "initialize: {error}");
                self.break_present()
            }
        }
    }

    fn break_present(&mut self) -> Outcome {
        if let Some(at) = self.present() {
            self.transactions[at].fate = Fate::Broken;
        }
        Ok(())
    }

    fn abort_present(&mut self) {
        if let Some(at) = self.present() {
            self.transactions[at].fate = Fate::Aborted;
        }
    }

    pub(crate) fn write(&mut self, records: usize) {
        let Some(at) = self.open() else {
            return;
        };
        let producer = self.transactions[at].producer;
        self.transactions[at].may_be_open = true;
        let added = self.coordinator(1, ID).and_then(|node| {
            let request = add_partitions(ID, producer, &[(TOPIC, &[0])]);
            let answer = self.ask(node, 3, &request)?;
            let topic = &answer.results_by_topic_v3_and_below[0];
            Some(topic.results_by_partition[0].partition_error_code)
        });
        if added != Some(0) {
            // A producer that got no response may ask again, and so the transaction stays as it is.
            return;
        }
        self.transactions[at].has_partition = true;
        let values = self.values("transactional", records);
        let texts: Vec<&str> = values.iter().map(String::as_str).collect();
        let sequence = self.transactions[at].next_sequence;
        let batch = Batch::of(&texts)
            .from_producer(producer.0, producer.1, sequence)
            .with_attributes(TRANSACTIONAL)
            .encode();
        let mut request = produce(TOPIC, 0, -1, batch);
        request.transactional_id = Some(TransactionalId(text(ID)));
        request.timeout_ms = 50;
        self.transaction_of.extend(values.iter().map(|value| (value.clone(), at)));
        let answer = self.leader().and_then(|leader| self.ask(leader, 9, &request));
        let transaction = &mut self.transactions[at];
        match answer.as_ref().map(|answer| produced(answer).error_code) {
            Some(0) => {
                transaction.next_sequence += records as i32;
                transaction.values.extend(values);
            }
            _ => transaction.fate = Fate::Broken,
        }
    }

    pub(crate) fn commit_pending(&mut self) {
        let Some(at) = self.open() else {
            return;
        };
        let producer = self.transactions[at].producer;
        self.transactions[at].may_be_open = true;
        let added = self.coordinator(1, ID).and_then(|node| {
            let request = add_offsets(ID, producer, TRANSACTIONAL_GROUP);
            self.ask(node, 3, &request).map(|answer| answer.error_code)
        });
        if added != Some(0) {
            return;
        }
        // Each is another offset, so that it is known whose is there.
        let offset = at as i64;
        let request = commit(ID, producer, TRANSACTIONAL_GROUP, TOPIC, offset);
        let answer = self
            .coordinator(0, TRANSACTIONAL_GROUP)
            .and_then(|node| self.ask(node, 3, &request))
            .map(|answer| answer.topics[0].partitions[0].error_code);
        match answer {
            Some(0) => self.transactions[at].offset = Some(offset),
            _ => self.transactions[at].fate = Fate::Broken,
        }
    }

    pub(crate) fn end(&mut self, commit: bool) -> Outcome {
        let Some(at) = self.present() else {
            return Ok(());
        };
        let transaction = &self.transactions[at];
        let commit = match transaction.fate {
            Fate::Ending { commit } => commit,
            Fate::Broken => false,
            _ => commit,
        };
        let (producer, may_be_open) = (transaction.producer, transaction.may_be_open);
        if !may_be_open && transaction.fate == Fate::Open {
            return Ok(());
        }
        let is_sure = transaction.has_partition || transaction.offset.is_some();
        let was_broken = transaction.fate == Fate::Broken;
        let answer = self
            .coordinator(1, ID)
            .and_then(|node| self.ask(node, 3, &end(ID, producer, commit)))
            .map(|answer| answer.error_code);
        let fate = match answer {
            Some(0) if commit => Fate::Committed,
            Some(0) => Fate::Aborted,
            // Nothing of it was ever open.
            Some(INVALID_TXN_STATE) if !is_sure || was_broken => Fate::Aborted,
            // A producer that took over has fenced a broken one.
            Some(INVALID_PRODUCER_EPOCH | PRODUCER_FENCED) if was_broken => Fate::Aborted,
            None | Some(CONCURRENT_TRANSACTIONS | 14..=16) if was_broken => Fate::Broken,
            None | Some(CONCURRENT_TRANSACTIONS | 14..=16) => Fate::Ending { commit },
            Some(error) => {
                prop_assert!(false, "EndTxn of {:?}: {error}", self.transactions[at]);
                Fate::Broken
            }
        };
        self.count.committed += usize::from(fate == Fate::Committed);
        self.transactions[at].fate = fate;
        Ok(())
    }
}
