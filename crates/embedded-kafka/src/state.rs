//! What the nodes of a cluster share.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::Settings;
use crate::coordinators::ClusterMarkers;
use crate::event::Events;
use crate::faults::Faults;
use crate::fetched::Fetched;
use crate::group::config::applied;
use crate::group::{self, GroupCoordinator};
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
    /// Held while leaders and coordinators move.
    pub(crate) moving: Mutex<()>,
}

impl State {
    /// Lets time pass for the groups, whose members may fall silent at any moment, and for the
    /// transactions, whose producers may.
    pub(crate) fn tick_coordinators(&self, now: Timestamp) {
        self.groups.tick(now);
        self.transactions.tick(now);
    }

    /// Writes markers where it is told to.
    pub(crate) fn markers(&self) -> ClusterMarkers {
        ClusterMarkers::new(Arc::clone(&self.metadata), Arc::clone(&self.groups))
    }

    /// Tells the coordinator what a group sets itself.
    pub(crate) fn configure_group(&self, group: &str, own: &BTreeMap<String, String>) {
        let make = |all: &group::Settings| applied(own, all);
        self.groups.configure(group, (!own.is_empty()).then_some(make));
    }

    /// Makes hold what was set for nodes while they ran, where it is not topics' to inherit.
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

    /// How long the cleaner waits before it looks again for what can be compacted.
    pub(crate) fn cleaner_backoff_ms(&self) -> i64 {
        let layers = self.metadata.layers(self.metadata.controller());
        layers.number("log.cleaner.backoff.ms").unwrap_or(self.settings.cleaner_backoff_ms)
    }
}

/// Does what reads and writes files where waiting for the disk holds up nobody.
pub(crate) async fn on_a_thread(state: &Arc<State>, act: impl FnOnce(&State) + Send + 'static) {
    let state = Arc::clone(state);
    let done = tokio::task::spawn_blocking(move || act(&state)).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
}
