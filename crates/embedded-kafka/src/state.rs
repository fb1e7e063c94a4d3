//! The state that the nodes of a cluster share.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::Settings;
use crate::control::Controls;
use crate::coordinators::ClusterMarkers;
use crate::event::Events;
use crate::faults::Faults;
use crate::fetched::Fetched;
use crate::group::config::applied;
use crate::group::{self, GroupCoordinator};
use crate::inspect::Inspections;
use crate::metadata::Metadata;
use crate::time::{Clock, Timestamp};
use crate::txn::TransactionCoordinator;

/// The state of a cluster. Each part has locks of its own; none covers two requests that touch
/// different partitions, different groups or different transactional ids.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<Clock>,
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) groups: Arc<GroupCoordinator>,
    pub(crate) transactions: TransactionCoordinator,
    pub(crate) events: Events,
    pub(crate) fetched: Fetched,
    pub(crate) faults: Faults,
    pub(crate) controls: Arc<Controls>,
    pub(crate) inspections: Arc<Inspections>,
    /// Locked while leaders and coordinators move.
    pub(crate) moving: Mutex<()>,
}

impl State {
    /// Advances the time for the groups, whose members' sessions may expire, and for the
    /// transactions, which may time out.
    pub(crate) fn tick_coordinators(&self, now: Timestamp) {
        self.groups.tick(now);
        self.transactions.tick(now);
    }

    /// Writes the markers of the transactions' coordinator.
    pub(crate) fn markers(&self) -> ClusterMarkers {
        ClusterMarkers::new(Arc::clone(&self.metadata), Arc::clone(&self.groups))
    }

    /// Passes a group's own settings to the coordinator.
    pub(crate) fn configure_group(&self, group: &str, own: &BTreeMap<String, String>) {
        let make = |all: &group::Settings| applied(own, all);
        self.groups.configure(group, (!own.is_empty()).then_some(make));
    }

    /// Applies the dynamic settings of the nodes, except those that topics inherit.
    pub(crate) fn configure_nodes(&self) {
        let layers = self.metadata.layers(self.metadata.controller());
        if let Some(interval) = layers.number("group.consumer.assignment.interval.ms") {
            self.groups.configure_all(|all| {
                all.consumer_assignment_interval_ms = i32::try_from(interval).unwrap_or(i32::MAX);
            });
        }
        for (group, own) in self.metadata.group_overrides() {
            self.configure_group(&group, &own);
        }
    }

    /// Returns how long the cleaner waits before it looks again for logs to compact.
    pub(crate) fn cleaner_backoff_ms(&self) -> i64 {
        let layers = self.metadata.layers(self.metadata.controller());
        layers.number("log.cleaner.backoff.ms").unwrap_or(self.settings.cleaner_backoff_ms)
    }
}

/// Runs a function that reads and writes files on a thread where waiting for the disk blocks no
/// other task.
pub(crate) async fn on_a_thread(state: &Arc<State>, act: impl FnOnce(&State) + Send + 'static) {
    let state = Arc::clone(state);
    let done = tokio::task::spawn_blocking(move || act(&state)).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
}
