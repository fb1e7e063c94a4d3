//! Accounts of batches and logs that no client is needed for.

use super::*;
use crate::books::{SentBatch, Sequence};
use crate::content::Content;

/// A log of records by their values, each of its own batch.
fn log(records: &[(&str, Option<Sequence>)]) -> Vec<LoggedRecord> {
    let record = |(offset, (value, sequence)): (i64, &(&str, Option<Sequence>))| LoggedRecord {
        offset,
        content: content(value),
        sequence: *sequence,
        fate: Fate::Committed,
    };
    (0..).zip(records).map(record).collect()
}

fn content(value: &str) -> Content {
    let value = Some(value.to_owned().into());
    let (key, headers) = (None, Vec::new());
    Content::of(&embedded_kafka::Record { offset: 0, timestamp: 0, key, value, headers })
}

fn plain(values: &[&str]) -> Vec<LoggedRecord> {
    log(&values.iter().map(|value| (*value, None)).collect::<Vec<_>>())
}

struct Sender {
    batches: Vec<SentBatch>,
}

impl Sender {
    fn new() -> Self {
        Self { batches: Vec::new() }
    }

    fn batch(mut self, connection: usize, values: &[&str], reply: Reply, at: Option<i64>) -> Self {
        self.batches.push(SentBatch {
            order: self.batches.len() as u64,
            connection,
            node: 1,
            acks: 1,
            sequence: None,
            reply,
            base_offset: at,
            records: values.iter().map(|value| content(value)).collect(),
        });
        self
    }

    fn idempotent(mut self, producer_id: i64, number: i32) -> Self {
        let last = self.batches.last_mut().expect("a batch comes first");
        last.sequence = Some(Sequence { producer_id, epoch: 0, number });
        self
    }

    fn account(self, log: &[LoggedRecord]) -> Account {
        let mut books = PartitionBooks { sent: self.batches, ..PartitionBooks::default() };
        // Calls are noted when they end, in any order.
        books.sent.reverse();
        Account::settle(0, &mut books, log, None)
    }
}

const LOST: Reply = Reply::Lost;
const OK: Reply = Reply::Acknowledged;
const REJECTED: Reply = Reply::Rejected(19);

#[test]
fn a_record_after_a_lost_response_is_sent_again_and_its_second_copy_a_duplicate() {
    let sender =
        Sender::new().batch(0, &["a", "b"], LOST, Some(0)).batch(1, &["a", "b"], OK, Some(2));
    let numbers = sender.account(&plain(&["a", "b", "a", "b"])).numbers;
    assert_eq!((numbers.sent, numbers.resent, numbers.acknowledged), (2, 2, 2));
    assert_eq!((numbers.duplicated, numbers.lost, numbers.out_of_order), (2, 0, 0));
}

#[test]
fn of_an_abandoned_call_no_offset_is_known_and_its_records_are_found_by_content() {
    let sender = Sender::new().batch(0, &["a"], LOST, None).batch(1, &["a"], OK, Some(1));
    let numbers = sender.account(&plain(&["a", "a"])).numbers;
    assert_eq!((numbers.sent, numbers.duplicated, numbers.not_noted), (1, 1, 0));
}

#[test]
fn equal_records_are_as_many_as_were_sent() {
    let sender = Sender::new()
        .batch(0, &["a", "a"], OK, Some(0))
        .batch(0, &["a"], REJECTED, None)
        .batch(0, &["a"], OK, Some(2));
    let account = sender.account(&plain(&["a", "a", "a"]));
    assert_eq!((account.numbers.sent, account.numbers.resent), (3, 1));
    assert_eq!((account.numbers.duplicated, account.numbers.lost), (0, 0));
    assert_eq!(account.resent, BTreeMap::from([(REJECTED, 1)]));
}

#[test]
fn a_sequence_number_tells_a_record_that_comes_again_from_an_equal_one() {
    let number = |number| Some(Sequence { producer_id: 7, epoch: 0, number });
    // The second response is about the first copy.
    let sender = Sender::new()
        .batch(0, &["a"], LOST, Some(0))
        .idempotent(7, 0)
        .batch(1, &["a"], OK, Some(0))
        .idempotent(7, 0)
        .batch(1, &["a"], OK, Some(1))
        .idempotent(7, 1);
    let numbers = sender.account(&log(&[("a", number(0)), ("a", number(1))])).numbers;
    assert_eq!((numbers.sent, numbers.resent, numbers.acknowledged), (2, 1, 2));
    assert_eq!((numbers.duplicated, numbers.lost), (0, 0));
}

#[test]
fn equal_records_of_an_idempotent_producer_are_as_many_as_their_numbers() {
    let number = |number| Some(Sequence { producer_id: 7, epoch: 0, number });
    // The second batch was in flight when the first one failed.
    let sender = Sender::new()
        .batch(0, &["a"], REJECTED, None)
        .idempotent(7, 0)
        .batch(0, &["a"], REJECTED, None)
        .idempotent(7, 1)
        .batch(0, &["a"], OK, Some(0))
        .idempotent(7, 0)
        .batch(0, &["a"], OK, Some(1))
        .idempotent(7, 1);
    let numbers = sender.account(&log(&[("a", number(0)), ("a", number(1))])).numbers;
    assert_eq!((numbers.sent, numbers.acknowledged, numbers.resent), (2, 2, 2));
    assert_eq!((numbers.duplicated, numbers.lost, numbers.out_of_order), (0, 0, 0));
}

#[test]
fn a_number_that_another_record_gets_after_a_rejection_does_not_make_them_one() {
    let number = |number| Some(Sequence { producer_id: 7, epoch: 0, number });
    let sender = Sender::new()
        .batch(0, &["too large"], REJECTED, None)
        .idempotent(7, 0)
        .batch(0, &["a"], OK, Some(0))
        .idempotent(7, 0);
    let account = sender.account(&log(&[("a", number(0))]));
    assert_eq!((account.numbers.sent, account.numbers.acknowledged), (2, 1));
    assert_eq!((account.numbers.resent, account.numbers.lost), (0, 0));
}

#[test]
fn a_copy_in_an_aborted_transaction_is_no_duplicate_of_the_one_that_consumers_read() {
    let new_epoch = Sequence { producer_id: 7, epoch: 1, number: 0 };
    let mut sender = Sender::new()
        .batch(0, &["a"], LOST, Some(0))
        .idempotent(7, 0)
        .batch(1, &["a"], OK, Some(2))
        .idempotent(7, 0);
    sender.batches[1].sequence = Some(new_epoch);
    let old = Sequence { producer_id: 7, epoch: 0, number: 0 };
    let mut log = log(&[("a", Some(old)), ("a", Some(new_epoch))]);
    (log[0].fate, log[1].offset) = (Fate::Aborted, 2);
    let numbers = sender.account(&log).numbers;
    assert_eq!((numbers.sent, numbers.resent, numbers.aborted), (1, 1, 1));
    assert_eq!((numbers.on_the_cluster, numbers.duplicated, numbers.lost), (1, 0, 0));
}

#[test]
fn many_equal_records_that_all_come_again_take_no_time() {
    let batch = vec!["a"; 20_000];
    let mut sender = Sender::new();
    for first in [0, 20_000, 40_000, 60_000] {
        sender = sender.batch(0, &batch, REJECTED, None).idempotent(7, first);
    }
    for first in [0, 20_000, 40_000, 60_000] {
        sender = sender.batch(0, &batch, OK, Some(first.into())).idempotent(7, first);
    }
    let begin = std::time::Instant::now();
    let numbers = sender.account(&[]).numbers;
    assert_eq!((numbers.sent, numbers.resent, numbers.lost), (80_000, 80_000, 80_000));
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}

#[test]
fn a_batch_that_was_overtaken_is_out_of_order_record_by_record() {
    let sender = Sender::new()
        .batch(0, &["a", "b"], REJECTED, None)
        .batch(0, &["c"], OK, Some(0))
        .batch(0, &["a", "b"], OK, Some(1))
        .batch(0, &["d"], OK, Some(3));
    let account = sender.account(&plain(&["c", "a", "b", "d"]));
    assert_eq!(account.out_of_order, BTreeMap::from([((Some(REJECTED), false), 2)]));
}

#[test]
fn producers_are_in_no_order_with_each_other_and_one_stays_itself_on_another_connection() {
    let two = Sender::new().batch(0, &["a"], OK, Some(1)).batch(1, &["b"], OK, Some(0));
    assert_eq!(two.account(&plain(&["b", "a"])).numbers.out_of_order, 0);
    // The record that comes again shows that both connections are of one producer.
    let one = Sender::new()
        .batch(0, &["a"], LOST, None)
        .batch(0, &["b"], LOST, None)
        .batch(1, &["c"], OK, Some(0))
        .batch(1, &["a"], OK, Some(1))
        .batch(1, &["b"], OK, Some(2));
    assert_eq!(one.account(&plain(&["c", "a", "b"])).numbers.out_of_order, 2);
}

#[test]
fn two_producers_of_equal_records_do_not_send_each_others_again() {
    let sender = Sender::new()
        .batch(1, &["start"], OK, Some(0))
        .batch(0, &["a", "b"], REJECTED, None)
        .batch(1, &["a"], OK, Some(1))
        .batch(0, &["a", "b"], OK, Some(2))
        .batch(1, &["b"], OK, Some(4));
    let numbers = sender.account(&plain(&["start", "a", "a", "b", "b"])).numbers;
    assert_eq!((numbers.sent, numbers.resent, numbers.acknowledged), (5, 2, 5));
    assert_eq!((numbers.duplicated, numbers.out_of_order, numbers.lost), (0, 0, 0));
}

#[test]
fn acknowledged_records_are_lost_and_others_are_not() {
    let sender = Sender::new()
        .batch(0, &["a"], OK, Some(0))
        .batch(0, &["b"], OK, Some(1))
        .batch(0, &["c"], REJECTED, None)
        .batch(1, &["d"], OK, Some(1));
    // The log was truncated to offset 1, and another record got it.
    let account = sender.account(&plain(&["a", "d"]));
    assert_eq!((account.numbers.sent, account.numbers.acknowledged), (4, 3));
    assert_eq!(account.lost, BTreeMap::from([(Acknowledgement { acks: 1, node: 1 }, 1)]));
    assert_eq!(account.numbers.not_noted, 0);
}

#[test]
fn records_that_no_one_sent_are_not_noted_and_no_duplicates() {
    let account = Sender::new().batch(0, &["a"], OK, Some(1)).account(&plain(&["x", "a", "x"]));
    assert_eq!((account.numbers.not_noted, account.numbers.duplicated), (2, 0));
    assert_eq!(account.numbers.on_the_cluster, 3);
}

#[test]
fn read_records_are_counted_once_and_aborted_ones_not() {
    let mut log = plain(&["a", "b", "c"]);
    log[1].fate = Fate::Aborted;
    let mut books = PartitionBooks::default();
    books.read.add(0, 2);
    books.read.add(0, 3);
    let numbers = Account::settle(0, &mut books, &log, None).numbers;
    assert_eq!((numbers.read, numbers.on_the_cluster, numbers.aborted), (2, 2, 1));
}
