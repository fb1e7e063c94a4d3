//! Random changes of a log, compared with a simple model: the list of all records, and the last one
//! of each key.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::batches::{TOMBSTONES_STAY, append, clean, open, records, roll};

#[derive(Clone, Debug)]
enum Move {
    /// Batches of a key's number and whether it has a value.
    Append(Vec<(usize, bool)>),
    Roll,
    Clean,
    Wait(i64),
    /// Closed in order, or killed.
    Restart(bool),
    /// Records below a share of the log are deleted.
    Delete(u8),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let batch = proptest::collection::vec((0..5_usize, proptest::bool::weighted(0.8)), 1..6);
    let one = prop_oneof![
        6 => batch.prop_map(Move::Append),
        2 => Just(Move::Roll),
        2 => Just(Move::Clean),
        1 => (1..TOMBSTONES_STAY).prop_map(Move::Wait),
        1 => any::<bool>().prop_map(Move::Restart),
        1 => (0..40_u8).prop_map(Move::Delete),
    ];
    proptest::collection::vec(one, 1..60)
}

const KEYS: [&str; 5] = ["ATL", "JFK", "LGA", "ORD", "SFO"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_a_reader_finds_are_the_last_values_in_their_order(moves in moves()) {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(directory.path());
        let mut written = Vec::new();
        let mut now = 0;
        for step in moves {
            match step {
                Move::Append(batch) => {
                    let values: Vec<String> =
                        (0..batch.len()).map(|index| (written.len() + index).to_string()).collect();
                    let sent: Vec<(&str, Option<&str>)> = batch
                        .iter()
                        .zip(&values)
                        .map(|((key, has_value), value)| (KEYS[*key], has_value.then_some(&**value)))
                        .collect();
                    append(&mut log, now, &sent);
                    for (key, value) in sent {
                        written.push((
                            written.len() as i64,
                            now,
                            key.to_owned(),
                            value.map(str::to_owned),
                        ));
                    }
                }
                Move::Roll => roll(&mut log),
                Move::Clean => _ = clean(&mut log, now),
                Move::Wait(time) => now += time,
                Move::Restart(in_order) => {
                    if in_order {
                        log.close().unwrap();
                    }
                    drop(log);
                    log = open(directory.path());
                }
                Move::Delete(percent) => {
                    let offset = log.end_offset() * i64::from(percent) / 100;
                    log.delete_records_before(offset).unwrap();
                }
            }
            let start = log.start_offset();
            prop_assert_eq!(log.end_offset(), written.len() as i64);
            let found = records(&log, start);
            // Each record is as it was written there, in order and once.
            prop_assert!(found.is_sorted_by(|one, next| one.0 < next.0));
            for record in &found {
                prop_assert_eq!(record, &written[record.0 as usize]);
            }
            // The last value of each key is there; a tombstone may be removed.
            let last: BTreeMap<_, _> =
                written.iter().map(|record| (&record.2, record)).collect();
            for record in last.into_values().filter(|it| it.0 >= start && it.3.is_some()) {
                prop_assert!(found.contains(record), "{:?} is not in {:?}", record, found);
            }
        }
        // In the end, of each key there is only the last record.
        roll(&mut log);
        clean(&mut log, now);
        let found = records(&log, log.start_offset());
        let mut keys: Vec<_> = found.iter().map(|record| record.2.clone()).collect();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), found.len());
    }
}
