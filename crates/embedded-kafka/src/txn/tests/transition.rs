//! Each function of a transaction in each of its states.

use kafka_protocol::ResponseError;

use super::super::transition::{Initialize, Next};
use super::super::{Partitions, Settings};
use super::partitions;
use crate::log::Producer;
use crate::txn::transaction::{State, Transaction};

const ALL: [State; 8] = [
    State::Empty,
    State::Ongoing,
    State::PrepareCommit,
    State::PrepareAbort,
    State::CompleteCommit,
    State::CompleteAbort,
    State::Dead,
    State::PrepareEpochFence,
];
const PRODUCER: Producer = Producer { id: 7, epoch: 3 };
const NOW: i64 = 10_000;

/// Returns a transaction of `PRODUCER` in a state, last changed at 5,000.
fn in_state(state: State) -> Transaction {
    let mut transaction = Transaction::new(PRODUCER.id, 60_000, 5_000);
    transaction.producer = PRODUCER;
    transaction.state = state;
    if state != State::Empty {
        transaction.start_timestamp = 4_000;
    }
    if matches!(state, State::Ongoing | State::PrepareCommit | State::PrepareAbort) {
        transaction.partitions = partitions(&[("counts", &[0, 1])]);
    }
    transaction
}

fn initialize(
    transaction: &Transaction,
    expected: Option<(i64, i16)>,
) -> Result<Transaction, ResponseError> {
    let expected = expected.map(|(id, epoch)| Producer { id, epoch });
    transaction.initialize(Initialize { timeout_ms: 30_000, expected }, NOW, || Ok(8))
}

fn written_down(next: Result<Next, ResponseError>) -> Transaction {
    match next {
        Ok(Next::Write(next)) => next,
        other => panic!("{other:?}"),
    }
}

/// Returns the error of a step in each state, `None` if it is allowed.
fn errors<T>(step: impl Fn(Transaction) -> Result<T, ResponseError>) -> [Option<i16>; 8] {
    ALL.map(|state| step(in_state(state)).err().map(|error| error.code()))
}

#[test]
fn a_new_id_begins_with_epoch_zero() {
    let new = Transaction::new(7, 60_000, 5_000);
    for expected in [None, Some((99, 4)), Some((7, 4))] {
        let next = initialize(&new, expected).unwrap();
        assert_eq!(next.producer, Producer { id: 7, epoch: 0 });
        assert_eq!((next.state, next.timeout_ms), (State::Empty, 30_000));
        assert_eq!((next.start_timestamp, next.last_update_timestamp), (-1, NOW));
    }
}

#[test]
fn initialization_bumps_the_epoch_between_transactions_and_fences_within_one() {
    for state in [State::Empty, State::CompleteCommit, State::CompleteAbort] {
        let next = initialize(&in_state(state), None).unwrap();
        assert_eq!(next.producer, Producer { id: 7, epoch: 4 });
        assert_eq!((next.state, next.start_timestamp), (State::Empty, -1));
        assert!(next.partitions.is_empty());
    }
    let open = in_state(State::Ongoing);
    let fenced = initialize(&open, None).unwrap();
    assert_eq!(fenced.state, State::PrepareAbort);
    assert_eq!(fenced.producer.epoch, 4);
    assert_eq!((&fenced.partitions, fenced.timeout_ms), (&open.partitions, 60_000));
    let concurrent = Some(51);
    assert_eq!(
        errors(|it| initialize(&it, None)),
        [None, None, concurrent, concurrent, None, None, concurrent, concurrent]
    );
}

#[test]
fn a_producer_that_continues_gets_the_next_epoch_once() {
    let next = initialize(&in_state(State::CompleteAbort), Some((7, 3))).unwrap();
    assert_eq!(next.producer.epoch, 4);
    let again = initialize(&next, Some((7, 3))).unwrap();
    assert_eq!(again.producer.epoch, 4);
    let another = initialize(&again, None).unwrap();
    assert_eq!(another.producer.epoch, 5);
    let fenced = Err(ResponseError::ProducerFenced);
    assert_eq!(initialize(&another, Some((7, 3))), fenced);
    assert_eq!(initialize(&another, Some((7, 4))), fenced);
    assert_eq!(initialize(&another, Some((6, 5))), fenced);
}

#[test]
fn a_producer_id_whose_epochs_are_used_up_is_replaced() {
    let mut last = in_state(State::CompleteCommit);
    last.producer.epoch = i16::MAX - 1;
    let next = initialize(&last, None).unwrap();
    assert_eq!(next.producer, Producer { id: 8, epoch: 0 });
    // A producer that did not receive its new id is known by the old one.
    let next = initialize(&last, Some((7, i16::MAX - 1))).unwrap();
    assert_eq!(next.producer, Producer { id: 8, epoch: 0 });
    let again = initialize(&next, Some((7, i16::MAX - 1))).unwrap();
    assert_eq!(again.producer, Producer { id: 8, epoch: 0 });
    assert_eq!(initialize(&last, Some((7, 4))), Err(ResponseError::ProducerFenced));
    assert_eq!(initialize(&next, Some((7, 4))), Err(ResponseError::ProducerFenced));
    let rejected = last.initialize(Initialize { timeout_ms: 1, expected: None }, NOW, || {
        Err(ResponseError::KafkaStorageError)
    });
    assert_eq!(rejected, Err(ResponseError::KafkaStorageError));
}

#[test]
fn fencing_the_last_epoch_leaves_a_producer_that_is_replaced() {
    let mut open = in_state(State::Ongoing);
    open.producer.epoch = i16::MAX - 1;
    let fenced = open.fence(NOW);
    assert_eq!(fenced.producer.epoch, i16::MAX);
    let complete = fenced.complete(NOW);
    for expected in [None, Some((7, i16::MAX - 1)), Some((7, i16::MAX))] {
        let next = initialize(&complete, expected).unwrap();
        assert_eq!(next.producer, Producer { id: 8, epoch: 0 });
        let again = initialize(&next, expected).unwrap();
        assert_eq!(again.producer.epoch, i16::from(expected.is_none()));
    }
}

#[test]
fn a_fenced_producer_continues_unless_another_took_over() {
    let complete = in_state(State::Ongoing).fence(NOW).complete(NOW);
    let next = initialize(&complete, Some((7, 3))).unwrap();
    assert_eq!(next.producer, Producer { id: 7, epoch: 4 });
    let other = initialize(&complete, None).unwrap();
    assert_eq!(other.producer, Producer { id: 7, epoch: 5 });
    assert_eq!(initialize(&other, Some((7, 3))), Err(ResponseError::ProducerFenced));
}

#[test]
fn the_first_partition_begins_a_transaction_and_more_join_it() {
    let added = partitions(&[("counts", &[2]), ("other", &[0])]);
    for state in [State::Empty, State::CompleteCommit, State::CompleteAbort] {
        let next = written_down(in_state(state).add(PRODUCER, &added, NOW));
        assert_eq!((next.state, next.start_timestamp), (State::Ongoing, NOW));
        assert_eq!(next.partitions, added);
    }
    let next = written_down(in_state(State::Ongoing).add(PRODUCER, &added, NOW));
    assert_eq!((next.start_timestamp, next.last_update_timestamp), (4_000, NOW));
    assert_eq!(next.partitions, partitions(&[("counts", &[0, 1, 2]), ("other", &[0])]));
    let concurrent = Some(51);
    assert_eq!(
        errors(|it| it.add(PRODUCER, &added, NOW)),
        [None, None, concurrent, concurrent, None, None, concurrent, concurrent]
    );
}

#[test]
fn a_partition_of_the_transaction_is_not_persisted_again() {
    let open = in_state(State::Ongoing);
    assert_eq!(open.add(PRODUCER, &partitions(&[("counts", &[1])]), NOW), Ok(Next::Same));
    assert_eq!(open.add(PRODUCER, &Partitions::new(), NOW), Ok(Next::Same));
}

#[test]
fn an_open_transaction_ends_once_and_one_way() {
    for (commit, prepared, complete) in [
        (true, State::PrepareCommit, State::CompleteCommit),
        (false, State::PrepareAbort, State::CompleteAbort),
    ] {
        let open = in_state(State::Ongoing);
        let next = written_down(open.end(PRODUCER, commit, NOW));
        assert_eq!((next.state, next.producer), (prepared, PRODUCER));
        assert_eq!((&next.partitions, next.start_timestamp), (&open.partitions, 4_000));
        let next = next.complete(NOW + 1);
        assert_eq!((next.state, next.start_timestamp), (complete, 4_000));
        assert!(next.partitions.is_empty());
        assert_eq!(next.end(PRODUCER, commit, NOW), Ok(Next::Same));
    }
    let (invalid, concurrent) = (Some(48), Some(51));
    assert_eq!(
        errors(|it| it.end(PRODUCER, true, NOW)),
        [invalid, None, concurrent, invalid, None, invalid, concurrent, concurrent]
    );
    assert_eq!(
        errors(|it| it.end(PRODUCER, false, NOW)),
        [invalid, None, invalid, concurrent, invalid, None, concurrent, concurrent]
    );
}

#[test]
fn batches_are_let_into_the_partitions_of_an_open_transaction() {
    let (invalid, concurrent) = (Some(48), Some(51));
    assert_eq!(
        errors(|it| it.check_write(PRODUCER, "counts", 1)),
        [invalid, None, concurrent, concurrent, invalid, invalid, concurrent, concurrent]
    );
    for (topic, partition) in [("counts", 2), ("other", 0)] {
        let answer = in_state(State::Ongoing).check_write(PRODUCER, topic, partition);
        assert_eq!(answer, Err(ResponseError::InvalidTxnState));
    }
}

#[test]
fn another_producer_is_rejected_in_every_state() {
    let mapping = Some(Some(ResponseError::InvalidProducerIdMapping.code()));
    let fenced = Some(Some(ResponseError::ProducerFenced.code()));
    for (id, epoch, error) in [(8, 3, mapping), (7, 2, fenced), (7, 4, fenced)] {
        let other = Producer { id, epoch };
        let added = partitions(&[("counts", &[0])]);
        for found in [
            errors(|it| it.add(other, &added, NOW)),
            errors(|it| it.end(other, true, NOW)),
            errors(|it| it.end(other, false, NOW)),
            errors(|it| it.check_write(other, "counts", 0)),
        ] {
            assert_eq!(Some(found[0]), error);
            assert!(found.iter().all(|it| *it == found[0]));
        }
    }
}

#[test]
fn open_transactions_time_out_and_idle_ids_expire() {
    let settings = Settings::default();
    let open = in_state(State::Ongoing);
    assert!(!open.has_timed_out(4_000 + 60_000));
    assert!(open.has_timed_out(4_000 + 60_001));
    assert_eq!(open.due(&settings), Some(64_001));
    for state in ALL {
        let transaction = in_state(state);
        let is_idle = [State::Empty, State::CompleteCommit, State::CompleteAbort].contains(&state);
        let expiry = 5_000 + settings.id_expiration_ms;
        assert!(!transaction.has_expired(&settings, expiry - 1));
        assert_eq!(transaction.has_expired(&settings, expiry), is_idle);
        assert_eq!(transaction.has_timed_out(i64::MAX), state == State::Ongoing);
    }
}

#[test]
fn kafka_writes_the_same_records() {
    // An aborted transaction in the log of Apache Kafka 4.3, with the times of its four records.
    let written = [
        "0001000000000000081900000000ea600000000001a1fdf3e24bffffffffffffffff\
         0100080000000000000819",
        "0001000000000000081900000000ea6001021270726f62652d6c6f672d703734306363390200000000\
         00000001a1fdf3e250000001a1fdf3e2500100080000000000000819",
        "0001000000000000081900000000ea6003021270726f62652d6c6f672d703734306363390200000000\
         00000001a1fdf3e262000001a1fdf3e2500100080000000000000819",
        "0001000000000000081900000000ea600501000001a1fdf3e263000001a1fdf3e250\
         0100080000000000000819",
    ];
    let [at_init, at_add, at_end, at_complete] =
        [0x1a1_fdf3_e24b, 0x1a1_fdf3_e250, 0x1a1_fdf3_e262, 0x1a1_fdf3_e263];
    let new = Transaction::new(0x819, 60_000, at_init);
    let request = Initialize { timeout_ms: 60_000, expected: None };
    let empty = new.initialize(request, at_init, || Ok(0)).unwrap();
    let added = partitions(&[("probe-log-p740cc9", &[0])]);
    let ongoing = written_down(empty.add(empty.producer, &added, at_add));
    let prepared = written_down(ongoing.end(empty.producer, false, at_end));
    let complete = prepared.complete(at_complete);
    let records = [empty, ongoing, prepared, complete].map(|it| {
        let bytes = it.to_record().encode();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    assert_eq!(records, written);
}
