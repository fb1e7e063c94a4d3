//! The responses to readers while the log that they read is compacted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::partition::{EVERYTHING, Fixture, offsets};
use crate::log::BatchBuilder;
use crate::metadata::Partition;

const KEYS: i64 = 7;
const RECORDS: i64 = 1_500;
/// Between two records, in ms: more than a segment may span.
const STEP: i64 = 10;
/// About three batches.
const MAX_BYTES: i32 = 250;

/// Appends one record at a time, in segments of one record each, and compacts after every few.
fn write_and_compact(partition: &Partition, written: &AtomicI64) {
    for number in 0..RECORDS {
        let timestamp = number * STEP;
        let mut batch = BatchBuilder::new(timestamp);
        batch.push(Some(&[(number % KEYS) as u8]), Some(b"seat 12A"));
        partition.append(1, -1, &batch.build().unwrap(), timestamp).unwrap();
        written.store(number + 1, Ordering::SeqCst);
        if number % 5 == 0 {
            partition.compact(timestamp, &|| false).unwrap();
        }
    }
}

/// Reads from the first record to the end, a few at a time.
async fn read_all(fixture: &Fixture) -> BTreeSet<i64> {
    let mut found = BTreeSet::new();
    let mut offset = 0;
    loop {
        let data = fixture.fetch(EVERYTHING, offset, MAX_BYTES).await;
        assert_eq!(data.error_code, 0);
        let Some(last) = offsets(&data).last().copied() else {
            assert_eq!(offset, data.high_watermark, "no record came although there are more");
            return found;
        };
        found.extend(offsets(&data));
        offset = last + 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_miss_no_key_and_no_time_while_segments_are_swapped() {
    let fixture = Fixture::new(&[
        ("cleanup.policy", "compact"),
        ("segment.ms", "1"),
        ("min.cleanable.dirty.ratio", "0"),
    ])
    .await;
    let written = Arc::new(AtomicI64::new(0));
    let (partition, count) = (Arc::clone(&fixture.partition), Arc::clone(&written));
    let writing = tokio::task::spawn_blocking(move || write_and_compact(&partition, &count));
    while !writing.is_finished() {
        let before = written.load(Ordering::SeqCst);
        let found = read_all(&fixture).await;
        for number in (before - KEYS).max(0)..before {
            let newer = found.range(number..).find(|it| *it % KEYS == number % KEYS);
            assert!(newer.is_some(), "the key of {number} is lost");
        }
        if before > 0 {
            let (offset, timestamp) = fixture.list_offsets(EVERYTHING, (before - 1) * STEP).await;
            assert!(offset >= before - 1 && timestamp == offset * STEP, "{offset} at {timestamp}");
        }
    }
    writing.await.unwrap();
    let found = read_all(&fixture).await;
    assert!(found.len() < RECORDS as usize / 2, "{} records are left", found.len());
}
