//! Random commits, transactions and restarts, compared with the log itself.
//!
//! The model is the history as a list. For a partition counts the last commit since the offset was
//! last deleted, of all plain commits and of transactions whose next marker is a commit.

use std::sync::Arc;

use proptest::prelude::*;

use super::memory_log::*;
use super::*;
use crate::group::group_coordinator::GroupCoordinator;
use crate::log::Producer;
use crate::metadata::names::partition_of;

/// The second and the third group share a partition of the log.
const GROUPS: [&str; 3] = ["east-coast-dpt", "", "polygenelubricants"];
const TOPICS: [&str; 2] = ["airports", "flights"];
const PARTITIONS: i32 = 2;

/// A group, and a topic and a partition that it has committed.
type Key = (usize, usize, i32);

#[derive(Debug, Clone)]
enum Act {
    Commit {
        group: usize,
        keys: Vec<(usize, i32)>,
        offset: i64,
    },
    CommitPending {
        group: usize,
        producer: i64,
        keys: Vec<(usize, i32)>,
        offset: i64,
    },
    /// `informed` is false if the process ends between the marker and its effect on the groups.
    End {
        group: usize,
        producer: i64,
        commit: bool,
        informed: bool,
    },
    DeleteOffset {
        key: Key,
    },
    DeleteGroup {
        group: usize,
    },
    DeleteTopic {
        topic: usize,
    },
    Tick,
    Disk {
        works: bool,
    },
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let group = 0..GROUPS.len();
    // Transactions do not accept the empty id.
    let transactional_group = prop_oneof![Just(0usize), Just(2)];
    let topic = 0..TOPICS.len();
    let key = (topic.clone(), 0..PARTITIONS);
    let keys = proptest::collection::vec(key, 1..4);
    let producer = 0i64..3;
    let offset = 0i64..1_000_000;
    prop_oneof![
        4 => (group.clone(), keys.clone(), offset.clone())
            .prop_map(|(group, keys, offset)| Act::Commit { group, keys, offset }),
        8 => (transactional_group, producer.clone(), keys, offset).prop_map(
            |(group, producer, keys, offset)| Act::CommitPending { group, producer, keys, offset }
        ),
        5 => (group.clone(), producer, any::<bool>(), prop::bool::weighted(0.8)).prop_map(
            |(group, producer, commit, informed)| Act::End { group, producer, commit, informed }
        ),
        1 => (group.clone(), topic.clone(), 0..PARTITIONS)
            .prop_map(|key| Act::DeleteOffset { key }),
        1 => group.prop_map(|group| Act::DeleteGroup { group }),
        1 => topic.prop_map(|topic| Act::DeleteTopic { topic }),
        1 => Just(Act::Tick),
        1 => prop::bool::weighted(0.7).prop_map(|works| Act::Disk { works }),
        2 => Just(Act::Restart),
    ]
}

/// An event, and the length of the log at that time.
#[derive(Debug, Clone)]
enum Written {
    Offset { key: Key, producer: Option<i64>, offset: i64 },
    Deleted { key: Key },
    Marker { partition: i32, producer: i64, commit: bool },
}

/// The history: each event with the length of the log right after it.
#[derive(Debug, Default)]
struct Model {
    history: Vec<(usize, Written)>,
}

impl Model {
    /// Returns the offset that counts for a partition in the first `length` entries of the log, and
    /// whether a transaction is about to change that.
    fn read(&self, key: Key, length: usize) -> (Option<i64>, bool) {
        let written =
            || self.history.iter().filter(|(end, _)| *end <= length).map(|(_, what)| what);
        let is_deletion =
            |what: &&Written| matches!(what, Written::Deleted { key: gone } if *gone == key);
        let mut rest = written().collect::<Vec<_>>();
        if let Some(last) = rest.iter().rposition(is_deletion) {
            rest.drain(..=last);
        }
        let partition = partition_of(GROUPS[key.0], 50);
        let (mut counts, mut is_pending) = (None, false);
        for (index, what) in rest.iter().enumerate() {
            let Written::Offset { key: of, producer, offset } = what else { continue };
            if *of != key {
                continue;
            }
            let end = rest[index..].iter().find_map(|later| match later {
                Written::Marker { partition: at, producer: by, commit }
                    if *at == partition && Some(*by) == *producer =>
                {
                    Some(*commit)
                }
                _ => None,
            });
            match (producer, end) {
                (None, _) | (Some(_), Some(true)) => counts = Some(*offset),
                (Some(_), Some(false)) => {}
                (Some(_), None) => is_pending = true,
            }
        }
        (counts, is_pending)
    }
}

struct World {
    log: Arc<MemoryLog>,
    groups: GroupCoordinator,
    model: Model,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let log = Arc::default();
        Self { groups: groups(&log), log, model: Model::default(), now: 0 }
    }

    fn act(&mut self, act: &Act) {
        self.now += 1;
        let groups = &self.groups;
        match act {
            Act::Commit { group, keys, offset: at } => {
                let offsets = keys.iter().map(|key| offset(TOPICS[key.0], key.1, *at)).collect();
                if groups.commit(GROUPS[*group], &on_its_own(), offsets, self.now).is_ok() {
                    self.wrote_offsets(*group, None, keys, *at);
                }
            }
            Act::CommitPending { group, producer: id, keys, offset: at } => {
                let offsets = keys.iter().map(|key| offset(TOPICS[key.0], key.1, *at)).collect();
                let producer = Producer { id: *id, epoch: 0 };
                let commit = on_its_own();
                let written =
                    groups.commit_pending(GROUPS[*group], producer, &commit, offsets, self.now);
                if written.is_ok() {
                    self.wrote_offsets(*group, Some(*id), keys, *at);
                }
            }
            Act::End { group, producer, commit, informed } => {
                self.log.append_marker(GROUPS[*group], *producer, *commit);
                let partition = partition_of(GROUPS[*group], 50);
                if *informed {
                    groups.complete_pending(*producer, partition, *commit, self.now);
                } else {
                    self.groups = restarted(&self.log, self.now);
                }
                self.wrote(Written::Marker { partition, producer: *producer, commit: *commit });
            }
            Act::DeleteOffset { key } => {
                let partitions = [(TOPICS[key.1].to_owned(), key.2)];
                if groups.delete_offsets(GROUPS[key.0], &partitions, self.now).is_ok() {
                    self.wrote(Written::Deleted { key: *key });
                }
            }
            Act::DeleteGroup { group } => {
                if groups.delete(GROUPS[*group], self.now).is_ok() {
                    self.deleted(|key| key.0 == *group);
                }
            }
            Act::DeleteTopic { topic } => {
                groups.delete_offsets_of_topics(&[TOPICS[*topic]], self.now);
                if self.log.failure.lock().is_none() {
                    self.deleted(|key| key.1 == *topic);
                }
            }
            Act::Tick => {
                self.now += i64::from(Settings::default().empty_group_retention_ms);
                groups.tick(self.now);
            }
            Act::Disk { works } => {
                *self.log.failure.lock() = (!works).then_some(ResponseError::NotCoordinator);
            }
            Act::Restart => self.groups = restarted(&self.log, self.now),
        }
    }

    fn wrote(&mut self, what: Written) {
        self.model.history.push((self.log.len(), what));
    }

    fn wrote_offsets(
        &mut self,
        group: usize,
        producer: Option<i64>,
        keys: &[(usize, i32)],
        offset: i64,
    ) {
        for (topic, partition) in keys {
            self.wrote(Written::Offset { key: (group, *topic, *partition), producer, offset });
        }
    }

    fn deleted(&mut self, which: impl Fn(&Key) -> bool) {
        for key in keys().filter(which) {
            self.wrote(Written::Deleted { key });
        }
    }

    /// Checks that groups respond as the model says for the first `length` entries of the log.
    fn check(&self, groups: &GroupCoordinator, length: usize) -> Result<(), TestCaseError> {
        for key in keys() {
            let (committed, is_pending) = self.model.read(key, length);
            let read = |require_stable| read(groups, key, require_stable);
            prop_assert_eq!(read(false), Ok(committed), "{:?} of {}", key, length);
            let stable = match is_pending {
                true => Err(ResponseError::UnstableOffsetCommit),
                false => Ok(committed),
            };
            prop_assert_eq!(read(true), stable, "{:?} of {}, stable", key, length);
        }
        Ok(())
    }
}

fn keys() -> impl Iterator<Item = Key> {
    let topics = || (0..TOPICS.len()).flat_map(|topic| (0..PARTITIONS).map(move |at| (topic, at)));
    (0..GROUPS.len()).flat_map(move |group| topics().map(move |(topic, at)| (group, topic, at)))
}

fn read(
    groups: &GroupCoordinator,
    key: Key,
    require_stable: bool,
) -> Result<Option<i64>, ResponseError> {
    let asked = [(TOPICS[key.1].to_owned(), vec![key.2])];
    let (_, mut partitions) =
        groups.fetch_offsets(GROUPS[key.0], Some(&asked), require_stable).remove(0);
    partitions.remove(0).1.map(|committed| committed.map(|committed| committed.offset))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn offsets_are_what_the_log_says(acts in proptest::collection::vec(act(), 1..80)) {
        let mut world = World::new();
        // The length of the log between two steps: a batch is written as a whole or not at all.
        let mut lengths = vec![0];
        for act in acts {
            world.act(&act);
            lengths.push(world.log.len());
            world.check(&world.groups, world.log.len())?;
        }
        // Whenever the process had been killed, a restart would have found as much.
        for length in lengths {
            world.check(&restarted_after(&world.log, length, 0), length)?;
        }
    }
}
