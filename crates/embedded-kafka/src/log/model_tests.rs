//! A log against a plain list of batches: whatever happens to both, they hold the same.

use proptest::prelude::*;

use super::recover::Recovery;
use super::test_batches::{TestRecord, batch_with, headers};
use super::*;

/// What happens to the log.
#[derive(Clone, Debug)]
enum Step {
    Append {
        records: usize,
        compressed: bool,
        epoch_up: bool,
    },
    DeleteRecords(prop::sample::Index),
    Truncate(prop::sample::Index),
    Restart,
    Kill,
    /// The process is killed while it writes: so many bytes of the next batch arrived.
    TornWrite(prop::sample::Index),
    CloseIdle,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        12 => (1..4_usize, any::<bool>(), prop::bool::weighted(0.1)).prop_map(
            |(records, compressed, epoch_up)| Step::Append { records, compressed, epoch_up }
        ),
        1 => index().prop_map(Step::DeleteRecords),
        1 => index().prop_map(Step::Truncate),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
        1 => index().prop_map(Step::TornWrite),
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
    sequence: i32,
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

    fn next_sequence(&self) -> i32 {
        self.batches
            .last()
            .map_or(0, |last| last.sequence + (last.last_offset - last.base_offset) as i32 + 1)
    }

    /// Timestamps grow by 10 per record ever appended, so that every one is unique.
    fn batch(&self, records: usize, compressed: bool) -> ValidBatch {
        let all: Vec<TestRecord> = (0..records as i64)
            .map(|index| ((self.appended + index) * 10, Some("key"), "some value of a record"))
            .collect();
        let codec = if compressed { Compression::Snappy } else { Compression::None };
        batch_with(&all, codec, |header| {
            header.producer_id = 4;
            header.producer_epoch = 0;
            header.base_sequence = self.next_sequence();
        })
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Append { records, compressed, epoch_up } => {
                self.epoch += i32::from(*epoch_up);
                self.append(*records, *compressed);
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
            Step::CloseIdle => self.pool.close_idle(),
        }
    }

    fn append(&mut self, records: usize, compressed: bool) {
        let batch = self.batch(records, compressed);
        let sequence = self.next_sequence();
        let appended = self.log.append(&batch, self.epoch, 0).unwrap();
        assert_eq!(appended.base_offset, self.end_offset);
        assert!(!appended.is_duplicate);
        self.batches.push(Remembered {
            base_offset: appended.base_offset,
            last_offset: appended.last_offset,
            epoch: self.epoch,
            first_timestamp: self.appended * 10,
            size: batch.header().size(),
            sequence,
        });
        self.end_offset = appended.last_offset + 1;
        self.appended += records as i64;
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

    /// Writes a part of a batch behind the end, as a process that is killed within a write does.
    fn tear(&mut self, index: prop::sample::Index) {
        let Some(active) = self.log.segments.last() else {
            return;
        };
        let mut header = *self.batch(2, false).header();
        header.base_offset = self.end_offset;
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(self.batch(2, false).payload());
        let torn = index.index(bytes.len());
        let path = active.files().log.path();
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        io::Write::write_all(&mut file, &bytes[..torn]).unwrap();
        // An honest process that wrote has taken the mark of the clean shutdown away before.
        self.log.begin_change().unwrap();
        let recovery = self.reopen();
        assert_eq!(recovery.cut_bytes, torn as u64);
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
        let readable = |batch: &&Remembered| batch.base_offset >= self.start_offset;
        let Some(last) = self.batches.last().filter(readable).cloned() else {
            return;
        };
        let records = [(0, None, "again"); 4];
        let count = (last.last_offset - last.base_offset + 1) as usize;
        let again = batch_with(&records[..count], Compression::None, |header| {
            header.producer_id = 4;
            header.producer_epoch = 0;
            header.base_sequence = last.sequence;
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
