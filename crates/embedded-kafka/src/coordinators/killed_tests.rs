//! Transactions on real logs, and a kill around any write: the data directory is copied before and
//! after every write of the coordinator, as a kill would leave it, and a cluster is started on each
//! copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use parking_lot::Mutex;
use tempfile::TempDir;

use super::{ClusterMarkers, TransactionTopic};
use crate::Cluster;
use crate::group::{Commit, CommittedOffset, OffsetToCommit};
use crate::log::{BatchBuilder, Position, Producer};
use crate::metadata::NewTopic;
use crate::metadata::names::CONSUMER_OFFSETS;
use crate::state::State;
use crate::time::Timestamp;
use crate::txn::{
    Marker, Markers, Outcome, Partitions, Settings, TransactionCoordinator, TransactionLog,
};

const ID: &str = "counter-1";
const GROUP: &str = "east-coast-dpt";
const TOPIC: &str = "counts";

/// Copies the data directory around each write.
struct Camera {
    log: TransactionTopic,
    markers: ClusterMarkers,
    data: PathBuf,
    copies: Mutex<Vec<TempDir>>,
}

impl Camera {
    fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        self.take();
        let result = write();
        self.take();
        result
    }

    fn take(&self) {
        let copy = tempfile::tempdir().unwrap();
        copy_directory(&self.data, copy.path());
        self.copies.lock().push(copy);
    }
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl TransactionLog for Camera {
    fn append(&self, id: &str, key: &Bytes, value: Option<&Bytes>) -> Result<(), ResponseError> {
        self.around(|| self.log.append(id, key, value))
    }

    fn coordinator_epoch(&self, id: &str) -> i32 {
        self.log.coordinator_epoch(id)
    }

    fn partition_for(&self, id: &str) -> i32 {
        self.log.partition_for(id)
    }

    fn is_replicated(&self, id: &str) -> bool {
        self.log.is_replicated(id)
    }
}

impl Markers for Camera {
    fn write(
        &self,
        topic: &str,
        partition: i32,
        marker: &Marker,
        now: Timestamp,
    ) -> Result<Position, ResponseError> {
        self.around(|| self.markers.write(topic, partition, marker, now))
    }

    fn outcome(
        &self,
        topic: &str,
        partition: i32,
        position: &Position,
    ) -> Option<Result<(), ResponseError>> {
        self.markers.outcome(topic, partition, position)
    }
}

async fn start(data: &Path) -> Cluster {
    Cluster::builder().nodes(3).data_dir(data).start().await.unwrap()
}

fn prepare(state: &State) {
    let topic = NewTopic {
        name: TOPIC.into(),
        partitions: Some(2),
        replication_factor: Some(3),
        assignments: Vec::new(),
        config: Vec::new(),
    };
    state.metadata.create_topic(topic, false).unwrap();
    state.find_transaction_coordinator(ID).unwrap();
    state.find_group_coordinator(GROUP).unwrap();
}

/// Appends one record to each partition, and commits an offset of the group.
fn write(state: &State, producer: Producer, now: Timestamp) {
    for index in 0..2 {
        let partition = state.metadata.partition(TOPIC, index).unwrap();
        let mut batch = BatchBuilder::transactional(now, producer.id, producer.epoch);
        batch.push(Some(b"JFK"), Some(b"42"));
        let leader = partition.leadership().leader;
        partition.append(leader, -1, &batch.build().unwrap(), now).unwrap();
    }
    let committed = CommittedOffset {
        offset: 7,
        leader_epoch: -1,
        metadata: String::new(),
        commit_timestamp: now,
        expire_timestamp: -1,
    };
    let offset = OffsetToCommit { topic: TOPIC.into(), partition: 0, committed };
    let commit = Commit {
        generation: -1,
        member_id: String::new(),
        instance_id: None,
        understands_unknown_group: false,
    };
    let answers = state.groups.commit_pending(GROUP, producer, &commit, vec![offset], now);
    assert_eq!(answers, Ok(vec![Ok(())]));
}

/// Runs a transaction and returns a copy of the data before and after each write.
async fn copies_of(outcome: Outcome) -> Vec<TempDir> {
    let data = tempfile::tempdir().unwrap();
    let cluster = start(data.path()).await;
    let state = cluster.state();
    prepare(state);
    let camera = Arc::new(Camera {
        log: TransactionTopic::new(Arc::clone(&state.metadata)),
        markers: ClusterMarkers::new(Arc::clone(&state.metadata), Arc::clone(&state.groups)),
        data: data.path().to_owned(),
        copies: Mutex::default(),
    });
    let ids = Arc::clone(&state.metadata);
    let transactions = TransactionCoordinator::new(
        Arc::clone(&camera) as _,
        Arc::clone(&camera) as _,
        Box::new(move || ids.allocate_producer_id()),
        Box::new(|_, _| {}),
        Settings::default(),
    );
    let now = state.clock.now();
    let producer = transactions.initialize(ID, 60_000, None, now).unwrap();
    let offsets = state.metadata.offsets_partition(GROUP);
    let added: Partitions =
        [(TOPIC.to_owned(), [0, 1].into()), (CONSUMER_OFFSETS.to_owned(), [offsets].into())].into();
    transactions.add_partitions(ID, producer, &added, now).unwrap();
    write(state, producer, now);
    transactions.end(ID, producer, outcome, now).unwrap();
    camera.take();
    cluster.shutdown().await;
    std::mem::take(&mut *camera.copies.lock())
}

/// Starts a cluster on a copy, lets open transactions time out, and returns whether the transaction
/// took effect: in all its partitions, or in none.
async fn outcome_on(data: &Path) -> Option<bool> {
    let cluster = start(data).await;
    let state = cluster.state();
    state.transactions.tick(state.clock.now() + 60_001);
    let marked = [0, 1].map(|index| {
        let partition = state.metadata.partition(TOPIC, index).unwrap();
        partition.with(|state| {
            let end = state.log.end_offset();
            assert_eq!(state.log.last_stable_offset(), end, "a transaction is open");
            // A marker takes an offset, too, with or without a record before it.
            (end > 1).then(|| state.log.aborted_transactions().overlapping(0, end).is_empty())
        })
    });
    assert_eq!(marked[0], marked[1]);
    let asked = [(TOPIC.to_owned(), vec![0])];
    let fetched = state.groups.fetch_offsets(GROUP, Some(&asked), true);
    let offset = fetched[0].1[0].1.as_ref().expect("nothing is pending").as_ref();
    assert_eq!(offset.map(|it| it.offset), (marked[0] == Some(true)).then_some(7));
    cluster.shutdown().await;
    marked[0]
}

#[tokio::test]
async fn a_kill_around_any_write_leaves_the_whole_transaction_or_none_of_it() {
    for (outcome, commits) in [(Outcome::Commit, true), (Outcome::Abort, false)] {
        let mut outcomes = Vec::new();
        for copy in copies_of(outcome).await {
            outcomes.push(outcome_on(copy.path()).await);
        }
        // Empty and Ongoing are written before the records; then come the decision, three markers
        // and the completion.
        let nothing = [None; 4];
        let undecided = [Some(false)];
        let decided = [Some(commits); 10];
        assert_eq!(outcomes, [&nothing[..], &undecided, &decided].concat());
    }
}
