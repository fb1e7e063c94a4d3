//! A kill in the middle of a swap leaves the state before it or the state after it.

use super::super::super::{Log, LogSettings};
use super::batches::{append, batches, clean, open, records, roll, settings};

fn filled(directory: &std::path::Path) -> Log {
    let mut log = open(directory);
    for time in 0..30 {
        let key = ["JFK", "LGA", "ORD"][time as usize % 3];
        append(&mut log, time, &[(key, Some("a departure"))]);
    }
    append(&mut log, 30, &[("JFK", None)]);
    roll(&mut log);
    append(&mut log, 31, &[("SFO", Some("the last one"))]);
    // All old segments become one.
    log.set_settings(LogSettings { segment_bytes: 100_000, ..settings() });
    log
}

#[test]
fn a_kill_after_any_step_loses_no_last_record_and_nothing_is_there_twice() {
    let expected = {
        let directory = tempfile::tempdir().unwrap();
        let mut log = filled(directory.path());
        clean(&mut log, 100);
        records(&log, 0)
    };
    let mut steps = 0;
    loop {
        let directory = tempfile::tempdir().unwrap();
        let mut log = filled(directory.path());
        let before = records(&log, 0);
        let pass = log.cleaning(log.end_offset(), 100).unwrap();
        let mut cleaning = pass.prepare(&|| false).unwrap().unwrap();
        log.begin_cleaning(cleaning.end_offset()).unwrap();
        let cleaned = cleaning.next_segment(&|| false).unwrap().unwrap();
        let has_more = log.begin_swap(&cleaned, steps);
        drop((log, cleaned));

        let mut log = open(directory.path());
        assert_eq!((log.start_offset(), log.end_offset()), (0, 32), "{steps} steps");
        let after = records(&log, 0);
        assert!(after.iter().all(|record| before.contains(record)), "{steps} steps");
        assert!(expected.iter().all(|record| after.contains(record)), "{steps} steps");
        assert!(after.is_sorted_by(|one, next| one.0 < next.0), "{steps} steps");
        assert_eq!(steps == 0, after == before, "{steps} steps");
        for offset in 0..32 {
            let first = batches(&log, offset).first().map(|(header, _)| header.last_offset());
            assert!(first.is_some_and(|first| first >= offset), "{steps} steps, {offset}");
        }
        let names = std::fs::read_dir(directory.path().join("flights-0")).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(!names.any(|name| name.contains("swap") || name == "cleaning"));
        clean(&mut log, 100);
        assert_eq!(records(&log, 0), expected, "{steps} steps");
        if !has_more {
            break;
        }
        steps += 1;
    }
    assert!(steps > 10, "{steps}");
}
