//! From the batches that a partition got to what its producers sent: a record that was sent again,
//! because its batch had failed, is still one.
//!
//! An idempotent producer numbers its records, so one that comes again has its number, unless its
//! producer has a new id or epoch. Of others the protocol says nothing: a record counts as sent
//! again if an earlier one with the same content has failed, and has not been sent again yet.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::books::{Reply, SentBatch, Sequence};
use crate::content::Content;
use crate::logged::LoggedRecord;

/// The number of failed records with one content among which the one that comes again is looked
/// for.
const MOST_CANDIDATES: usize = 16;

/// The node that acknowledged a record, and what it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Acknowledgement {
    pub(crate) acks: i16,
    pub(crate) node: i32,
}

/// A record that a producer sent, once or more often.
#[derive(Debug)]
pub(crate) struct Send {
    pub(crate) content: Content,
    pub(crate) is_idempotent: bool,
    pub(crate) acknowledged: Option<Acknowledgement>,
    /// What its producer learned before it sent the record again for the last time.
    pub(crate) resent_after: Option<Reply>,
    /// The offset of its last copy, as far as the nodes said.
    pub(crate) offset: Option<i64>,
    /// The number of its copies in the log that are not of an aborted transaction.
    pub(crate) copies: u32,
    /// Tells whether the log has a copy of it that is of an aborted transaction.
    pub(crate) is_aborted: bool,
    connection: usize,
    last_connection: usize,
    producer_id: Option<i64>,
    last_reply: Reply,
    /// The producer's id and epoch at the last attempt.
    incarnation: Option<(i64, i16)>,
    /// Tells whether the last attempt has failed, and was not repeated yet.
    is_failed: bool,
}

/// The one that sent a record: an idempotent producer, or a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Producer {
    Idempotent(i64),
    Connection(usize),
}

/// The records that were sent to a partition, in the order in which they came for the first time.
#[derive(Debug, Default)]
pub(crate) struct Sends {
    pub(crate) all: Vec<Send>,
    /// How many records were sent again, by what their producers had learned.
    pub(crate) resent: BTreeMap<Reply, u64>,
    by_sequence: HashMap<Sequence, usize>,
    /// Records of which an attempt has failed, by content. Some may have been sent again since.
    failed: HashMap<Content, VecDeque<usize>>,
    /// The offsets that nodes gave, each with its record; sorted.
    placed: Vec<(i64, usize)>,
    /// Records that a node may have appended without saying where, by content.
    unplaced: HashMap<Content, VecDeque<usize>>,
    /// The connections of one producer, each with an earlier one.
    earlier: HashMap<usize, usize>,
    /// The node at the other end of each connection, and its first and last batch.
    uses: HashMap<usize, (i32, u64, u64)>,
}

impl Sends {
    /// Finds what was sent in these batches, which come in the order of their requests.
    pub(crate) fn of(batches: &[SentBatch]) -> Self {
        let mut sends = Self::default();
        for batch in batches {
            let first = (batch.node, batch.order, batch.order);
            sends.uses.entry(batch.connection).or_insert(first).2 = batch.order;
        }
        for batch in batches {
            for (at, content) in batch.records.iter().enumerate() {
                sends.add(batch, at, *content);
            }
        }
        sends.placed.sort_unstable();
        sends
    }

    fn add(&mut self, batch: &SentBatch, at: usize, content: Content) {
        let sequence = batch.sequence.map(|first| first.plus(at));
        let known = sequence.and_then(|it| self.by_sequence.get(&it).copied());
        // After a batch that no node appended, its numbers may be those of other records.
        let known = known.filter(|index| self.all[*index].content == content);
        let index = match known.or_else(|| self.take_failed(content, batch, sequence)) {
            Some(index) => {
                self.send_again(index, batch);
                index
            }
            None => {
                self.all.push(Send::new(batch, content));
                self.all.len() - 1
            }
        };
        if let Some(sequence) = sequence {
            self.by_sequence.insert(sequence, index);
        }
        let offset = batch.base_offset.map(|base| base + at as i64);
        self.note_attempt(index, batch, offset, sequence);
    }

    /// Notes what came of the attempt to send a record.
    fn note_attempt(
        &mut self,
        index: usize,
        batch: &SentBatch,
        offset: Option<i64>,
        sequence: Option<Sequence>,
    ) {
        let send = &mut self.all[index];
        let content = send.content;
        send.last_reply = batch.reply;
        send.last_connection = batch.connection;
        send.incarnation = sequence.map(Sequence::incarnation);
        send.is_failed = matches!(batch.reply, Reply::Rejected(_) | Reply::Lost);
        send.offset = offset.or(send.offset);
        if batch.reply == Reply::Acknowledged {
            let acknowledgement = Acknowledgement { acks: batch.acks, node: batch.node };
            send.acknowledged.get_or_insert(acknowledgement);
        }
        match offset {
            Some(offset) => self.placed.push((offset, index)),
            None => self.unplaced.entry(content).or_default().push_back(index),
        }
        if send.is_failed {
            self.failed.entry(content).or_default().push_back(index);
        }
    }

    /// Finds the earliest record with this content that has failed. One of the same producer id and
    /// epoch would come again with its own number, so it is another record.
    fn take_failed(
        &mut self,
        content: Content,
        batch: &SentBatch,
        sequence: Option<Sequence>,
    ) -> Option<usize> {
        let failed = self.failed.get(&content)?;
        let now = sequence.map(Sequence::incarnation);
        let may_be = |index: &usize| {
            let send = &self.all[*index];
            let is_numbered = now.is_some() && send.incarnation == now;
            send.is_failed
                && !is_numbered
                && !self.are_apart(send.last_connection, batch.connection)
        };
        let at = failed.iter().take(MOST_CANDIDATES).position(may_be);
        let failed = self.failed.get_mut(&content)?;
        let found = at.and_then(|at| failed.remove(at));
        while failed.front().is_some_and(|index| !self.all[*index].is_failed) {
            failed.pop_front();
        }
        found
    }

    /// Tells whether two connections are of two producers: one has a single connection to a node at
    /// a time.
    fn are_apart(&self, one: usize, other: usize) -> bool {
        let (Some(one_use), Some(other_use)) = (self.uses.get(&one), self.uses.get(&other)) else {
            return false;
        };
        let ((node, first, last), (other_node, other_first, other_last)) = (one_use, other_use);
        one != other && node == other_node && first < other_last && other_first < last
    }

    fn send_again(&mut self, index: usize, batch: &SentBatch) {
        let send = &mut self.all[index];
        send.resent_after = Some(send.last_reply);
        *self.resent.entry(send.last_reply).or_default() += 1;
        let (one, other) = (send.connection, batch.connection);
        let (one, other) = (self.first_connection(one), self.first_connection(other));
        if one != other {
            self.earlier.insert(one.max(other), one.min(other));
        }
    }

    fn first_connection(&self, connection: usize) -> usize {
        let mut first = connection;
        while let Some(earlier) = self.earlier.get(&first) {
            first = *earlier;
        }
        first
    }

    /// Returns who sent a record. Connections over which one record came are those of one producer.
    pub(crate) fn producer(&self, index: usize) -> Producer {
        let send = &self.all[index];
        match send.producer_id {
            Some(id) => Producer::Idempotent(id),
            None => Producer::Connection(self.first_connection(send.connection)),
        }
    }

    /// Finds the record of which the log has this copy. `None` if the ledger did not see it come.
    pub(crate) fn find(&mut self, logged: &LoggedRecord) -> Option<usize> {
        let numbered = logged.sequence.and_then(|it| self.by_sequence.get(&it));
        if let Some(index) = numbered.filter(|index| self.all[**index].content == logged.content) {
            return Some(*index);
        }
        // The log may have been truncated, and another record may be at the offset now.
        let from = self.placed.partition_point(|(offset, _)| *offset < logged.offset);
        let here = self.placed[from..].iter().take_while(|(offset, _)| *offset == logged.offset);
        let mut same = here.filter(|(_, index)| self.all[*index].content == logged.content);
        if let Some((_, index)) = same.next() {
            return Some(*index);
        }
        self.unplaced.get_mut(&logged.content)?.pop_front()
    }
}

impl Send {
    fn new(batch: &SentBatch, content: Content) -> Self {
        Self {
            content,
            is_idempotent: batch.sequence.is_some(),
            acknowledged: None,
            resent_after: None,
            offset: None,
            copies: 0,
            is_aborted: false,
            is_failed: false,
            connection: batch.connection,
            last_connection: batch.connection,
            producer_id: batch.sequence.map(|it| it.producer_id),
            last_reply: batch.reply,
            incarnation: batch.sequence.map(Sequence::incarnation),
        }
    }
}
