//! All groups of the cluster: a lock for each, their records in `__consumer_offsets`, and their
//! waiting requests.
//!
//! Other modules decide which node coordinates which group. Records are written while the group is
//! locked, so that the log has them in the order in which they took effect. A group never takes
//! another lock than the log's and that of the list of expected markers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use parking_lot::{Mutex, RwLock};

use super::delayed::Delayed;
use super::group_description::{Described, Listed};
use super::messages::{JoinRejection, JoinReply, JoinRequest, Leaving, SyncReply, SyncRequest};
use super::state_machine::{Group, State};
use super::{GroupEvent, Settings, Step, Topics};
use crate::log::Producer;
use crate::records::{GroupMetadataKey, GroupMetadataValue};
use crate::time::Timestamp;
use crate::wait::{Watch, wait_for};

/// The log of `__consumer_offsets`. It is called with a group locked, and must not call back.
pub(crate) trait OffsetsLog: Send + Sync {
    /// Appends keys with their values (`None` deletes the key) as one batch: all or nothing, and
    /// kept once this returns. There is at least one. With a producer, they are part of its
    /// transaction. Returns the offset of the first.
    ///
    /// # Errors
    /// The settings that a coordinator's client knows.
    fn append(
        &self,
        partition: i32,
        producer: Option<Producer>,
        records: Vec<(Bytes, Option<Bytes>)>,
    ) -> Result<i64, ResponseError>;

    /// Returns the partition that holds the group's records.
    fn partition_for(&self, group: &str) -> i32;
}

/// Called with the events of groups, with no lock held.
pub(crate) type OnEvent = Box<dyn Fn(GroupEvent) + Send + Sync>;

/// For a partition of `__consumer_offsets` and a producer id: the groups that may have pending
/// offsets there.
type AwaitingMarkers = HashMap<(i32, i64), BTreeSet<String>>;

/// All groups.
pub(crate) struct GroupCoordinator {
    pub(super) groups: RwLock<Directory>,
    pub(super) log: Arc<dyn OffsetsLog>,
    pub(super) awaiting_markers: Mutex<AwaitingMarkers>,
    settings: RwLock<Arc<Settings>>,
    /// The settings of the groups that have their own.
    own_settings: RwLock<HashMap<String, Settings>>,
    on_event: OnEvent,
}

/// The existing groups.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) by_id: HashMap<String, Arc<GroupCell>>,
    /// The partitions of `__consumer_offsets` whose groups are not loaded: they are being read
    /// again, or no node coordinates them. Each with the topics that were deleted in the meantime.
    pub(super) unloaded: BTreeMap<i32, BTreeSet<String>>,
    /// The number of times that partitions were unloaded or loaded again.
    pub(super) moves: u64,
}

/// A group, its lock, and its waiting requests.
pub(super) struct GroupCell {
    pub(super) group: Mutex<Group>,
    pub(super) changed: Watch,
    /// The time of the group's next timer, so that a tick locks only the groups that need it.
    due: AtomicI64,
}

/// A response that may come later.
pub(crate) struct DelayedResponse<T> {
    cell: Option<Arc<GroupCell>>,
    delayed: Delayed<T>,
}

impl<T> DelayedResponse<T> {
    fn answered(answer: T) -> Self {
        Self { cell: None, delayed: Delayed::answered(answer) }
    }

    /// Waits for the response of the group.
    pub(crate) async fn answer(self) -> T {
        let watches = self.cell.iter().map(|cell| &cell.changed).collect::<Vec<_>>();
        let answer = wait_for(&watches, None, || self.delayed.take()).await;
        answer.expect("a wait without a deadline ends with an answer")
    }
}

impl GroupCoordinator {
    pub(crate) fn new(log: Arc<dyn OffsetsLog>, settings: Settings, on_event: OnEvent) -> Self {
        let awaiting_markers = Mutex::default();
        let (groups, own_settings) = (RwLock::default(), RwLock::default());
        let settings = RwLock::new(Arc::new(settings));
        Self { groups, log, awaiting_markers, settings, own_settings, on_event }
    }

    /// Returns the settings of groups without settings of their own.
    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read())
    }

    /// Replaces these settings, from the next request on. The caller must configure groups with
    /// settings of their own again.
    pub(crate) fn configure_all(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.write();
        change(Arc::make_mut(&mut settings));
    }

    /// Gives a group settings of its own, based on those of all groups, or removes them. They apply
    /// from the next request on.
    pub(crate) fn configure(
        &self,
        group_id: &str,
        own: Option<impl FnOnce(&Settings) -> Settings>,
    ) {
        let mut all = self.own_settings.write();
        match own {
            Some(make) => drop(all.insert(group_id.to_owned(), make(&self.settings()))),
            None => drop(all.remove(group_id)),
        }
    }

    /// Handles JoinGroup.
    pub(crate) fn join(
        &self,
        group_id: &str,
        topics: &dyn Topics,
        request: JoinRequest,
        now: Timestamp,
    ) -> DelayedResponse<JoinReply> {
        let reject = |error| {
            let member_id = request.member_id.clone();
            DelayedResponse::answered(Err(JoinRejection { error, member_id }))
        };
        if !is_valid_group_id(group_id) {
            return reject(ResponseError::InvalidGroupId);
        }
        let settings = self.settings();
        let sessions = settings.min_session_timeout_ms..=settings.max_session_timeout_ms;
        if !sessions.contains(&request.session_timeout_ms) {
            return reject(ResponseError::InvalidSessionTimeout);
        }
        let cell = match self.find(group_id) {
            Some(cell) => cell,
            None if request.member_id.is_empty() => match self.find_or_open(group_id, now) {
                Ok(cell) => cell,
                Err(error) => return reject(error),
            },
            None => return reject(ResponseError::UnknownMemberId),
        };
        let member_id = request.member_id.clone();
        let delayed = self.step(&cell, now, |group, step| {
            if Self::is_consumer_group(group) {
                return Delayed::answered(self.join_consumer_group(group, &request, topics, step));
            }
            if let Err(error) = self.downgrade_group(group, step) {
                return Delayed::answered(Err(JoinRejection { error, member_id }));
            }
            let delayed = group.join(request, step);
            if group.state == State::Dead {
                return delayed;
            }
            match group.store_as_new(step) {
                Ok(()) => delayed,
                Err(error) => Delayed::answered(Err(JoinRejection { error, member_id })),
            }
        });
        DelayedResponse { cell: Some(cell), delayed }
    }

    /// Handles SyncGroup.
    pub(crate) fn sync(
        &self,
        group_id: &str,
        topics: &dyn Topics,
        request: &SyncRequest,
        now: Timestamp,
    ) -> DelayedResponse<SyncReply> {
        if !is_valid_group_id(group_id) {
            return DelayedResponse::answered(Err(ResponseError::InvalidGroupId));
        }
        let Some(cell) = self.find(group_id) else {
            return DelayedResponse::answered(Err(ResponseError::UnknownMemberId));
        };
        let delayed = self.step(&cell, now, |group, step| match &mut group.consumer {
            Some(consumer) => Delayed::answered(consumer.sync_classic(request, topics, step)),
            None => group.sync(request, step),
        });
        DelayedResponse { cell: Some(cell), delayed }
    }

    /// Handles Heartbeat.
    pub(crate) fn heartbeat(
        &self,
        group_id: &str,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        now: Timestamp,
    ) -> Result<(), ResponseError> {
        if !is_valid_group_id(group_id) {
            return Err(ResponseError::InvalidGroupId);
        }
        let cell = self.find(group_id).ok_or(ResponseError::UnknownMemberId)?;
        self.step(&cell, now, |group, step| match &mut group.consumer {
            Some(consumer) => consumer.heartbeat_classic(member_id, instance_id, generation, step),
            None => group.heartbeat(member_id, instance_id, generation, step),
        })
    }

    /// Handles LeaveGroup: one result for each member, or one error for all.
    pub(crate) fn leave(
        &self,
        group_id: &str,
        leaving: &[Leaving],
        now: Timestamp,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        if !is_valid_group_id(group_id) {
            return Err(ResponseError::InvalidGroupId);
        }
        let Some(cell) = self.find(group_id) else {
            return Ok(vec![Err(ResponseError::UnknownMemberId); leaving.len()]);
        };
        self.step(&cell, now, |group, step| match group.consumer {
            Some(_) => self.leave_consumer_group(group, leaving, step),
            None => group.leave(leaving, step),
        })
    }

    /// Handles DescribeGroups.
    pub(crate) fn describe(&self, group_id: &str) -> Described {
        let unknown = || Described::unknown(format!("Group {group_id} not found."));
        self.find(group_id).map_or_else(unknown, |cell| cell.group.lock().describe())
    }

    /// Handles ListGroups. The groups are in the order of their names.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let cells = self.groups.read().by_id.values().cloned().collect::<Vec<_>>();
        let mut groups = cells.iter().map(|cell| cell.group.lock().list()).collect::<Vec<_>>();
        groups.retain(|group| group.state != State::Dead.name());
        groups.sort_by(|one, other| one.group.cmp(&other.group));
        groups
    }

    /// Runs the due timers of all groups; call it every few milliseconds. It locks only the groups
    /// with a due timer.
    pub(crate) fn tick(&self, now: Timestamp) {
        let groups = self.groups.read();
        let is_due = |cell: &GroupCell| cell.due.load(Ordering::Relaxed) <= now;
        let due = groups.by_id.iter().filter(|(group_id, cell)| {
            is_due(cell) && groups.is_loaded(|| self.log.partition_for(group_id))
        });
        let due = due.map(|(_, cell)| Arc::clone(cell)).collect::<Vec<_>>();
        drop(groups);
        for cell in due {
            let deleted = self.step(&cell, now, |group, step| {
                group.expire(step);
                self.expire_consumers(group, step);
                let retention = i64::from(self.settings().empty_group_retention_ms);
                let is_over = group.may_be_deleted() && group.state_since + retention <= now;
                (is_over && self.delete_group(group, now).is_ok()).then(|| group.id.clone())
            });
            if let Some(group_id) = deleted {
                self.remove(&group_id, &cell);
            }
        }
    }

    /// Runs one step of a group under its lock. Requests are woken and events are sent after the
    /// lock is released.
    pub(super) fn step<T>(
        &self,
        cell: &GroupCell,
        now: Timestamp,
        act: impl FnOnce(&mut Group, &mut Step<'_>) -> T,
    ) -> T {
        let mut group = cell.group.lock();
        let group_id = group.id.clone();
        let mut store = |value: &GroupMetadataValue| {
            let key = GroupMetadataKey { group: group_id.clone() }.encode();
            self.append(&group_id, None, vec![(key, Some(value.encode()))]).map(|_| ())
        };
        let own = self.own_settings.read().get(&group_id).cloned();
        let all = self.settings();
        let settings = own.as_ref().unwrap_or(&all);
        let mut step = Step { now, settings, store: &mut store, events: Vec::new() };
        let result = act(&mut group, &mut step);
        let events = step.events;
        let due = group.due(all.empty_group_retention_ms);
        cell.due.store(due.unwrap_or(i64::MAX), Ordering::Relaxed);
        drop(group);
        cell.changed.wake();
        for event in events {
            (self.on_event)(event);
        }
        result
    }

    /// Writes at least one record. Returns the offset of the first.
    pub(super) fn append(
        &self,
        group_id: &str,
        producer: Option<Producer>,
        records: Vec<(Bytes, Option<Bytes>)>,
    ) -> Result<i64, ResponseError> {
        let partition = self.log.partition_for(group_id);
        self.log.append(partition, producer, records)
    }

    pub(super) fn append_if_any(
        &self,
        group_id: &str,
        records: Vec<(Bytes, Option<Bytes>)>,
    ) -> Result<(), ResponseError> {
        if records.is_empty() {
            return Ok(());
        }
        self.append(group_id, None, records).map(|_| ())
    }

    pub(super) fn find(&self, group_id: &str) -> Option<Arc<GroupCell>> {
        let groups = self.groups.read();
        let found = groups.by_id.get(group_id).cloned();
        found.filter(|_| groups.is_loaded(|| self.log.partition_for(group_id)))
    }

    /// Returns the group, and creates it if there is none, unless it may exist and was not read
    /// yet.
    pub(super) fn find_or_open(
        &self,
        group_id: &str,
        now: Timestamp,
    ) -> Result<Arc<GroupCell>, ResponseError> {
        let partition = self.log.partition_for(group_id);
        let mut groups = self.groups.write();
        if groups.unloaded.contains_key(&partition) {
            return Err(ResponseError::CoordinatorLoadInProgress);
        }
        Ok(groups.find_or_create(group_id, now))
    }

    pub(super) fn find_or_create(&self, group_id: &str, now: Timestamp) -> Arc<GroupCell> {
        self.groups.write().find_or_create(group_id, now)
    }

    pub(super) fn remove(&self, group_id: &str, cell: &Arc<GroupCell>) {
        let mut groups = self.groups.write();
        if groups.by_id.get(group_id).is_some_and(|current| Arc::ptr_eq(current, cell)) {
            groups.by_id.remove(group_id);
        }
    }
}

impl Directory {
    /// Returns whether the groups of a partition are loaded. Undisturbed, all are.
    pub(super) fn is_loaded(&self, partition: impl Fn() -> i32) -> bool {
        self.unloaded.is_empty() || !self.unloaded.contains_key(&partition())
    }

    /// Returns the groups with members or offsets, by their ids.
    pub(super) fn cells_where(&self, is_so: impl Fn(&str) -> bool) -> Vec<Arc<GroupCell>> {
        let wanted = self.by_id.iter().filter(|(group_id, _)| is_so(group_id));
        wanted.map(|(_, cell)| Arc::clone(cell)).collect()
    }

    fn find_or_create(&mut self, group_id: &str, now: Timestamp) -> Arc<GroupCell> {
        let cell = self.by_id.entry(group_id.to_owned()).or_insert_with(|| {
            Arc::new(GroupCell {
                group: Mutex::new(Group::new(group_id.to_owned(), now)),
                changed: Watch::default(),
                due: AtomicI64::new(now),
            })
        });
        Arc::clone(cell)
    }
}

/// Returns whether a group id fits into the two bytes that a record's key has for its length.
pub(super) fn is_valid_group_id(group_id: &str) -> bool {
    !group_id.is_empty() && group_id.len() <= i16::MAX as usize
}
