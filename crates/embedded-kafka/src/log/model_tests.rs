//! A log compared with a plain list of batches: after every step both hold the same batches, and
//! agree on which transactions are open and which were aborted.

use std::io;
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use crate::time::Timestamp;

use super::aborted::AbortedTransaction;
use super::recover::Recovery;
use super::segment::Segment;
use super::test_batches::{TestRecord, batch_with, headers};
use super::*;

/// A step of the test.
#[derive(Clone, Debug)]
enum Step {
    Append {
        records: usize,
        compressed: bool,
        epoch_up: bool,
    },
    AppendTransactional {
        producer_id: i64,
        records: usize,
    },
    EndTransaction {
        producer_id: i64,
        commit: bool,
        /// The coordinator fences the producer with a new epoch.
        epoch_up: bool,
    },
    DeleteRecords(prop::sample::Index),
    Truncate(prop::sample::Index),
    Restart,
    Kill,
    /// The process is killed in the middle of a write: so many bytes of the next batch arrived.
    TornWrite(prop::sample::Index),
    /// The process is killed, and one index of aborted transactions lost its end.
    TornTransactionIndex(prop::sample::Index),
    CloseIdle,
}

/// The producer whose batches belong to no transaction; those from 5 on are transactional.
const PLAIN: i64 = 4;

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        12 => (1..4_usize, any::<bool>(), prop::bool::weighted(0.1)).prop_map(
            |(records, compressed, epoch_up)| Step::Append { records, compressed, epoch_up }
        ),
        8 => (5..8_i64, 1..4_usize).prop_map(
            |(producer_id, records)| Step::AppendTransactional { producer_id, records }
        ),
        5 => (5..8_i64, any::<bool>(), any::<bool>()).prop_map(
            |(producer_id, commit, epoch_up)| Step::EndTransaction { producer_id, commit, epoch_up }
        ),
        1 => index().prop_map(Step::DeleteRecords),
        1 => index().prop_map(Step::Truncate),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
        1 => index().prop_map(Step::TornWrite),
        1 => index().prop_map(Step::TornTransactionIndex),
        1 => Just(Step::CloseIdle),
    ]
}

/// One batch as the model remembers it.
#[derive(Clone, Debug)]
struct Remembered {
    base_offset: i64,
    last_offset: i64,
    epoch: i32,
    first_timestamp: Timestamp,
    size: usize,
    producer_id: i64,
    producer_epoch: i16,
    /// The sequence number of the first record; none for a marker.
    sequence: Option<i32>,
    /// The outcome of the transaction, if the batch is a marker.
    commits: Option<bool>,
}

impl Remembered {
    fn next_sequence(&self) -> Option<i32> {
        Some(self.sequence? + (self.last_offset - self.base_offset) as i32 + 1)
    }
}

/// The transactions that follow from the batches.
#[derive(Default)]
struct Expected {
    /// First offsets by producer.
    open: std::collections::HashMap<i64, i64>,
    aborted: Vec<AbortedTransaction>,
}

struct Model {
    directory: tempfile::TempDir,
    pool: Arc<OpenFiles>,
    log: Log,
    batches: Vec<Remembered>,
    start_offset: i64,
    end_offset: i64,
    epoch: i32,
    appended: i64,
}

const SETTINGS: fn() -> LogSettings =
    || LogSettings { segment_bytes: 700, index_interval_bytes: 150, ..LogSettings::default() };

impl Model {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pool = OpenFiles::new(6);
        let log = Self::open(&directory, &pool).0;
        Self {
            directory,
            pool,
            log,
            batches: Vec::new(),
            start_offset: 0,
            end_offset: 0,
            epoch: 0,
            appended: 0,
        }
    }

    fn open(directory: &tempfile::TempDir, pool: &Arc<OpenFiles>) -> (Log, Recovery) {
        let path = directory.path().join("t-0");
        Log::open(path, SETTINGS(), Uuid::from_u128(1), pool, 0).unwrap()
    }

    fn reopen(&mut self) -> Recovery {
        let (log, recovery) = Self::open(&self.directory, &self.pool);
        self.log = log;
        recovery
    }

    /// Returns the epoch and the next sequence number of a producer.
    fn producer(&self, producer_id: i64) -> (i16, i32) {
        let mut sent = self.batches.iter().rev().filter(|one| one.producer_id == producer_id);
        let Some(last) = sent.clone().next() else {
            return (0, 0);
        };
        let sequence = sent.find_map(|one| {
            one.next_sequence().filter(|_| one.producer_epoch == last.producer_epoch)
        });
        (last.producer_epoch, sequence.unwrap_or(0))
    }

    /// Timestamps grow by 10 per record ever appended, so that every one is unique.
    fn batch(&self, producer_id: i64, records: usize, compressed: bool) -> ValidBatch {
        let all: Vec<TestRecord> = (0..records as i64)
            .map(|index| ((self.appended + index) * 10, Some("key"), "some value of a record"))
            .collect();
        let codec = if compressed { Compression::Snappy } else { Compression::None };
        let (epoch, sequence) = self.producer(producer_id);
        batch_with(&all, codec, |header| {
            header.producer_id = producer_id;
            header.producer_epoch = epoch;
            header.base_sequence = sequence;
            if producer_id != PLAIN {
                header.set_transactional(producer_id, epoch);
            }
        })
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Append { records, compressed, epoch_up } => {
                self.epoch += i32::from(*epoch_up);
                let batch = self.batch(PLAIN, *records, *compressed);
                self.append(&batch);
            }
            Step::AppendTransactional { producer_id, records } => {
                let batch = self.batch(*producer_id, *records, false);
                self.append(&batch);
            }
            Step::EndTransaction { producer_id, commit, epoch_up } => {
                let epoch = self.producer(*producer_id).0 + i16::from(*epoch_up);
                self.end_transaction(*producer_id, epoch, *commit);
            }
            Step::DeleteRecords(index) => {
                let offset = index.index(self.end_offset as usize + 1) as i64;
                self.start_offset = self.start_offset.max(offset);
                assert_eq!(self.log.delete_records_before(offset).unwrap(), self.start_offset);
            }
            Step::Truncate(index) => {
                let offset = index.index(self.end_offset as usize + 1) as i64;
                self.truncate(offset.max(self.start_offset));
            }
            Step::Restart => {
                self.log.close().unwrap();
                let recovery = self.reopen();
                assert!(recovery.was_clean);
            }
            Step::Kill => {
                let recovery = self.reopen();
                assert_eq!(recovery.cut_bytes, 0);
            }
            Step::TornWrite(index) => self.tear(*index),
            Step::TornTransactionIndex(index) => self.tear_transaction_index(*index),
            Step::CloseIdle => self.pool.close_idle(),
        }
    }

    fn append(&mut self, batch: &ValidBatch) {
        let appended = self.log.append(batch, self.epoch, 0).unwrap();
        assert!(!appended.is_duplicate);
        self.remember(*batch.header(), appended, None);
    }

    fn end_transaction(&mut self, producer_id: i64, epoch: i16, commit: bool) {
        let marker = EndTransactionMarker { commit, coordinator_epoch: 0 };
        let now = self.appended * 10;
        let header = *marker.to_batch(producer_id, epoch, TimestampType::CreateTime, now).header();
        let appended = self.log.append_marker(producer_id, epoch, marker, self.epoch, now).unwrap();
        self.remember(header, appended, Some(commit));
    }

    fn remember(&mut self, header: BatchHeader, appended: Appended, commits: Option<bool>) {
        assert_eq!(appended.base_offset, self.end_offset);
        self.batches.push(Remembered {
            base_offset: appended.base_offset,
            last_offset: appended.last_offset,
            epoch: self.epoch,
            first_timestamp: self.appended * 10,
            size: header.size(),
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            sequence: commits.is_none().then_some(header.base_sequence),
            commits,
        });
        self.end_offset = appended.last_offset + 1;
        self.appended += i64::from(header.record_count);
    }

    fn truncate(&mut self, offset: i64) {
        self.log.truncate_to(offset).unwrap();
        if offset < self.end_offset {
            self.batches.retain(|batch| batch.last_offset < offset);
            let first_kept = self.log.segments.first().map_or(0, Segment::base_offset);
            self.end_offset = self
                .batches
                .last()
                .map_or(first_kept, |batch| batch.last_offset + 1)
                .max(first_kept);
            self.start_offset = self.start_offset.min(self.end_offset);
        }
    }

    /// Writes a part of a batch after the end, as a process that is killed during a write does.
    fn tear(&mut self, index: prop::sample::Index) {
        let Some(active) = self.log.segments.last() else {
            return;
        };
        let batch = self.batch(5, 2, false);
        let mut header = *batch.header();
        header.base_offset = self.end_offset;
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(batch.payload());
        let torn = index.index(bytes.len());
        let path = active.files().log.path();
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        io::Write::write_all(&mut file, &bytes[..torn]).unwrap();
        // A real process that wrote has removed the mark of the clean shutdown before.
        self.log.begin_change().unwrap();
        let recovery = self.reopen();
        assert_eq!(recovery.cut_bytes, torn as u64);
    }

    /// Cuts some bytes off the index of a segment that has one, and starts again as after a kill.
    fn tear_transaction_index(&mut self, index: prop::sample::Index) {
        let paths: Vec<_> = self
            .log
            .segments
            .iter()
            .map(|segment| segment.files().transaction_index.clone())
            .filter(|path| path.exists())
            .collect();
        if paths.is_empty() {
            return;
        }
        let path = index.get(&paths);
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() - 5]).unwrap();
        self.log.begin_change().unwrap();
        self.reopen();
    }

    fn expected_transactions(&self) -> Expected {
        let mut expected = Expected::default();
        for batch in self.batches.iter().filter(|batch| batch.producer_id != PLAIN) {
            let Some(commits) = batch.commits else {
                expected.open.entry(batch.producer_id).or_insert(batch.base_offset);
                continue;
            };
            if let Some(first_offset) = expected.open.remove(&batch.producer_id)
                && !commits
            {
                let first_open = expected.open.values().min().copied();
                expected.aborted.push(AbortedTransaction {
                    producer_id: batch.producer_id,
                    first_offset,
                    last_offset: batch.last_offset,
                    last_stable_offset: first_open.unwrap_or(batch.last_offset + 1),
                });
            }
        }
        expected
    }

    fn check_transactions(&self) {
        let Expected { open, aborted } = self.expected_transactions();
        let stable = open.values().min().map_or(self.end_offset, |first| *first);
        assert_eq!(self.log.last_stable_offset(), stable.max(self.start_offset));
        let all = self.log.aborted_transactions();
        for from in self.start_offset..=self.end_offset {
            for to in [from + 1, from + 7, self.end_offset] {
                let mut overlapping = aborted.clone();
                overlapping.retain(|one| one.last_offset >= from && one.first_offset < to);
                assert_eq!(all.overlapping(from, to), overlapping, "from {from} to {to}");
            }
        }
        self.check_transaction_indexes(&aborted);
    }

    fn check_transaction_indexes(&self, aborted: &[AbortedTransaction]) {
        for (index, segment) in self.log.segments.iter().enumerate() {
            let end =
                self.log.segments.get(index + 1).map_or(self.end_offset, Segment::base_offset);
            let range = segment.base_offset()..end;
            let mut in_file = AbortedTransactions::default();
            assert!(in_file.load(&self.log.directory, range.start, range.end).unwrap());
            let mut expected = AbortedTransactions::default();
            for one in aborted.iter().filter(|one| range.contains(&one.last_offset)) {
                expected.push(*one);
            }
            assert_eq!(in_file, expected);
        }
    }

    fn check(&mut self) {
        assert_eq!(self.log.start_offset(), self.start_offset);
        assert_eq!(self.log.end_offset(), self.end_offset);
        for max_bytes in [1, 400, 1 << 20] {
            self.check_reading(max_bytes);
        }
        self.check_times();
        self.check_epochs();
        self.check_duplicates();
        self.check_transactions();
    }

    fn check_reading(&self, max_bytes: usize) {
        let mut offset = self.start_offset;
        while let Some(slice) = self.log.locate(offset, self.end_offset, max_bytes).unwrap() {
            let available = self.log.available_bytes(offset, self.end_offset);
            let expected: Vec<&Remembered> =
                self.batches.iter().filter(|batch| batch.last_offset >= offset).collect();
            assert!(available >= expected.iter().map(|batch| batch.size as u64).sum());
            let found = headers(&slice.read(true).unwrap());
            assert!(!found.is_empty());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.base_offset, expected.base_offset);
                assert_eq!(found.last_offset(), expected.last_offset);
                assert_eq!(found.leader_epoch, expected.epoch);
                assert_eq!(found.base_timestamp, expected.first_timestamp);
            }
            offset = found.last().unwrap().last_offset() + 1;
        }
        assert_eq!(offset, self.end_offset);
    }

    fn check_times(&self) {
        for batch in self.batches.iter().filter(|one| one.base_offset >= self.start_offset) {
            let found = self.log.offset_for_timestamp(batch.first_timestamp).resolve().unwrap();
            assert_eq!(found.map(|found| found.offset), Some(batch.base_offset));
        }
        let last = self.batches.last().filter(|last| last.last_offset >= self.start_offset);
        if let Some(last) = last {
            let latest = self.log.offset_of_max_timestamp().resolve().unwrap();
            assert_eq!(latest.map(|latest| latest.offset), Some(last.last_offset));
        }
        let late = self.log.offset_for_timestamp(self.appended * 10).resolve().unwrap();
        assert_eq!(late, None);
    }

    fn check_epochs(&self) {
        let readable = |batch: &&Remembered| batch.last_offset >= self.start_offset;
        for batch in self.batches.iter().filter(readable) {
            let next = self.batches.iter().find(|other| other.epoch > batch.epoch);
            let end = next.map_or(self.end_offset, |next| next.base_offset);
            assert_eq!(self.log.end_offset_for_epoch(batch.epoch), Some((batch.epoch, end)));
        }
    }

    fn check_duplicates(&mut self) {
        let mut sent = self.batches.iter().rev().filter(|batch| batch.sequence.is_some());
        let readable = |batch: &&Remembered| batch.base_offset >= self.start_offset;
        let Some(last) = sent.next().filter(readable).cloned() else {
            return;
        };
        let (epoch, _) = self.producer(last.producer_id);
        if epoch != last.producer_epoch {
            return;
        }
        let records = [(0, None, "again"); 4];
        let count = (last.last_offset - last.base_offset + 1) as usize;
        let again = batch_with(&records[..count], Compression::None, |header| {
            header.producer_id = last.producer_id;
            header.producer_epoch = last.producer_epoch;
            header.base_sequence = last.sequence.unwrap();
        });
        let appended = self.log.append(&again, self.epoch, 0).unwrap();
        assert!(appended.is_duplicate);
        assert_eq!(appended.base_offset, last.base_offset);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_log_holds_what_the_model_holds(steps in proptest::collection::vec(step(), 1..60)) {
        let mut model = Model::new();
        for step in &steps {
            model.apply(step);
            model.check();
        }
    }
}
