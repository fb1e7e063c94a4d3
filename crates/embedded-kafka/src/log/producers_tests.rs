//! Tests of the state of producers and their transactions.

use super::*;

fn batch(epoch: i16, sequence: i32, count: i32, base_offset: i64) -> BatchHeader {
    let mut header = BatchHeader::new(count, 1_000, 1_000);
    header.producer_id = 7;
    header.producer_epoch = epoch;
    header.base_sequence = sequence;
    header.base_offset = base_offset;
    header
}

/// Returns the result of `check`: the old base offset, nothing, or an error code.
fn check(producers: &Producers, header: BatchHeader) -> Result<Option<i64>, ResponseError> {
    match producers.check(&ValidBatch::new(header, bytes::Bytes::new())) {
        Ok(duplicate) => Ok(duplicate.map(|batch| batch.base_offset())),
        Err(AppendError::Rejected { code, .. }) => Err(code),
        Err(AppendError::Storage(error)) => panic!("{error}"),
    }
}

fn with_batches(batches: &[BatchHeader]) -> Producers {
    let mut producers = Producers::default();
    for header in batches {
        producers.update(header, None);
    }
    producers
}

const GAP: Result<Option<i64>, ResponseError> = Err(ResponseError::OutOfOrderSequenceNumber);

#[test]
fn one_of_the_last_five_batches_gets_its_old_offset() {
    let sent: Vec<_> = (0..6).map(|n| batch(0, n * 2, 2, i64::from(n) * 2 + 100)).collect();
    let producers = with_batches(&sent);
    for header in &sent[1..] {
        assert_eq!(check(&producers, *header), Ok(Some(header.base_offset)));
    }
    assert_eq!(check(&producers, sent[0]), GAP);
    assert_eq!(check(&producers, batch(0, 12, 1, 0)), Ok(None));
    assert_eq!(check(&producers, batch(0, 13, 1, 0)), GAP);
    // The same first sequence with another length is not the same batch.
    assert_eq!(check(&producers, batch(0, 10, 1, 0)), GAP);
}

#[test]
fn an_unknown_producer_begins_anywhere() {
    let producers = Producers::default();
    assert_eq!(check(&producers, batch(3, 55, 1, 0)), Ok(None));
}

#[test]
fn an_old_epoch_is_fenced_and_a_new_one_begins_at_zero() {
    let producers = with_batches(&[batch(1, 0, 3, 0)]);
    assert_eq!(check(&producers, batch(0, 3, 1, 0)), Err(ResponseError::InvalidProducerEpoch));
    assert_eq!(check(&producers, batch(2, 3, 1, 0)), GAP);
    assert_eq!(check(&producers, batch(2, 0, 1, 0)), Ok(None));
}

#[test]
fn sequences_wrap() {
    let producers = with_batches(&[batch(0, i32::MAX - 1, 2, 10)]);
    assert_eq!(check(&producers, batch(0, 0, 1, 0)), Ok(None));
    assert_eq!(check(&producers, batch(0, 1, 1, 0)), GAP);
    let across = batch(0, i32::MAX, 3, 20);
    let producers = with_batches(&[across]);
    assert_eq!(check(&producers, across), Ok(Some(20)));
    assert_eq!(check(&producers, batch(0, 2, 1, 0)), Ok(None));
}

#[test]
fn idle_producers_expire() {
    let mut producers = with_batches(&[batch(0, 0, 1, 0)]);
    producers.expire(1_999, 1_000);
    assert_eq!(check(&producers, batch(0, 5, 1, 0)), GAP);
    producers.expire(2_000, 1_000);
    assert_eq!(check(&producers, batch(0, 5, 1, 0)), Ok(None));
}
