//! The segments that retention deletes, and those that it keeps.

use std::path::Path;

use uuid::Uuid;

use super::super::test_batches::{TestRecord, batch, headers};
use super::super::{Compression, Log, LogSettings, OpenFiles, ReadError};
use super::*;

/// Two batches fit into a segment.
const SEGMENT_BYTES: u64 = 200;

fn settings(retention_ms: Option<i64>, retention_bytes: Option<u64>) -> LogSettings {
    LogSettings {
        segment_bytes: SEGMENT_BYTES,
        retention_ms,
        retention_bytes,
        ..LogSettings::default()
    }
}

fn open(directory: &Path, settings: LogSettings) -> Log {
    let pool = OpenFiles::new(16);
    let path = directory.join("flights-0");
    Log::open(path, settings, Uuid::from_u128(7), &pool, 0).unwrap().0
}

/// Appends a record for each timestamp.
fn append(log: &mut Log, timestamps: impl IntoIterator<Item = i64>) {
    for timestamp in timestamps {
        let records: [TestRecord; 1] = [(timestamp, Some("JFK"), "New York")];
        log.append(&batch(&records, Compression::None), 0, 0).unwrap();
    }
}

fn bases(log: &Log) -> Vec<i64> {
    log.segments.iter().map(super::super::segment::Segment::base_offset).collect()
}

/// Returns what is due with all records replicated, and deletes it.
fn delete_due(log: &mut Log, now: i64) -> Option<i64> {
    let end_offset = log.end_offset();
    let due = log.aged(end_offset)?.due(now).unwrap()?;
    Some(log.delete_segments_before(due, now).unwrap())
}

#[test]
fn segments_are_deleted_once_their_newest_record_is_too_old() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path(), settings(Some(1_000), None));
    // Of the second segment only one record is old.
    append(&mut log, [100, 200, 300, 5_000, 400, 500]);
    assert_eq!(bases(&log), [0, 2, 4]);
    assert_eq!(delete_due(&mut log, 1_200), None, "exactly retention.ms is not too old");
    assert_eq!(delete_due(&mut log, 1_201), Some(2));
    assert_eq!((bases(&log), log.start_offset()), (vec![2, 4], 2));
    assert_eq!(delete_due(&mut log, 5_900), None, "a young segment keeps those after it");
    assert!(log.locate(1, 6, 100).is_err());
}

#[test]
fn the_last_segment_is_deleted_too_when_all_of_it_is_due() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path(), settings(Some(1_000), None));
    append(&mut log, [100, 200, 300]);
    assert_eq!(delete_due(&mut log, 10_000), Some(3));
    assert_eq!((log.start_offset(), log.end_offset(), bases(&log)), (3, 3, vec![3]));
    assert_eq!(delete_due(&mut log, 20_000), None, "an empty segment is rolled no further");
    append(&mut log, [9_500]);
    assert_eq!(delete_due(&mut log, 10_000), None);
    drop(log);
    let log = open(directory.path(), settings(Some(1_000), None));
    assert_eq!((log.start_offset(), log.end_offset()), (3, 4));
}

#[test]
fn the_log_keeps_at_least_the_bytes_that_it_may() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path(), settings(None, Some(2 * SEGMENT_BYTES)));
    append(&mut log, 0..12);
    let size_of =
        |log: &Log| log.segments.iter().map(super::super::segment::Segment::size).sum::<u64>();
    assert!(size_of(&log) > 3 * SEGMENT_BYTES);
    let start = delete_due(&mut log, 0).unwrap();
    assert_eq!(start, bases(&log)[0]);
    let first = log.segments[0].size();
    assert!(size_of(&log) >= 2 * SEGMENT_BYTES && size_of(&log) - first < 2 * SEGMENT_BYTES);
    assert_eq!(delete_due(&mut log, 0), None);
}

#[test]
fn what_is_not_replicated_stays() {
    let directory = tempfile::tempdir().unwrap();
    for settings in [settings(Some(0), None), settings(None, Some(0))] {
        let mut log =
            open(&directory.path().join(format!("{:?}", settings.retention_ms)), settings);
        append(&mut log, 0..6);
        for (high_watermark, due) in [(0, None), (1, None), (2, Some(2)), (5, Some(4))] {
            let found = log.aged(high_watermark).unwrap().due(10_000).unwrap();
            assert_eq!(found, due, "high watermark {high_watermark}");
        }
        assert_eq!(log.aged(6).unwrap().due(10_000).unwrap(), Some(6));
    }
}

#[test]
fn nothing_is_deleted_where_the_policy_is_to_keep() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path(), settings(Some(0), Some(0)));
    append(&mut log, 0..6);
    log.set_settings(LogSettings { deleted: false, ..settings(Some(0), Some(0)) });
    assert_eq!(delete_due(&mut log, i64::MAX), None);
    log.set_settings(settings(None, None));
    assert_eq!(delete_due(&mut log, i64::MAX), None);
}

#[test]
fn records_without_a_time_are_as_old_as_their_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path(), settings(Some(60_000), None));
    append(&mut log, [-1; 4]);
    let written = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let written = written.as_millis() as i64;
    assert_eq!(delete_due(&mut log, written), None);
    assert_eq!(delete_due(&mut log, written + 120_000), Some(4));
}

#[test]
fn what_was_written_meanwhile_stays() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path(), settings(Some(1_000), None));
    append(&mut log, [100, 200, 300]);
    let due = log.aged(3).unwrap().due(10_000).unwrap().unwrap();
    assert_eq!(due, 3);
    append(&mut log, [9_999]);
    assert_eq!(log.delete_segments_before(due, 10_000).unwrap(), 2);
    assert_eq!((log.start_offset(), log.end_offset()), (2, 4));
}

#[test]
fn a_reader_of_a_deleted_segment_reads_it_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path(), settings(Some(1_000), None));
    append(&mut log, [100, 200, 9_000]);
    let slice = log.locate(0, 3, 1_000).unwrap().unwrap();
    assert_eq!(headers(&slice.read(true).unwrap()).len(), 2);
    delete_due(&mut log, 9_000).unwrap();
    assert!(matches!(slice.read(true), Err(ReadError::Outdated)));
}

#[test]
fn ages_are_known_after_a_restart() {
    for is_clean in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(directory.path(), settings(Some(1_000), None));
        append(&mut log, [100, 200, 300, 5_000, 400]);
        if is_clean {
            log.close().unwrap();
        }
        drop(log);
        let mut log = open(directory.path(), settings(Some(1_000), None));
        assert_eq!(delete_due(&mut log, 5_900), Some(2), "closed in order: {is_clean}");
    }
}
