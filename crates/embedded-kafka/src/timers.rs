//! The timers of a cluster: the tasks that pass the time to the state machines.

use std::sync::Arc;
use std::time::Duration;

use crate::state::{State, on_a_thread};

/// The tick of coordinators: the precision of the timeouts of sessions, rebalances and
/// transactions.
const COORDINATOR_TICK: Duration = Duration::from_millis(10);

/// The tick of replicas: the precision of `replica.lag.time.max.ms`.
const REPLICA_TICK: Duration = Duration::from_millis(50);

/// The tick of logs.
const LOG_TICK: Duration = Duration::from_secs(1);

/// The interval at which a change of the cleaner's pace is noticed.
const SETTINGS_TICK: Duration = Duration::from_secs(1);

/// The interval at which idle producers expire (`producer.id.expiration.check.interval.ms`). The
/// timestamps of their records, which may be old, tell how long they are idle: if they expired
/// sooner, the retry of a batch that a client copies from an old topic would be stored twice.
const PRODUCERS_TICK: Duration = Duration::from_secs(600);

pub(crate) async fn run_timers(state: Arc<State>) {
    let mut coordinators = tokio::time::interval(COORDINATOR_TICK);
    let mut replicas = tokio::time::interval(REPLICA_TICK);
    let mut logs = tokio::time::interval(LOG_TICK);
    let first = tokio::time::Instant::now() + PRODUCERS_TICK;
    let mut producers = tokio::time::interval_at(first, PRODUCERS_TICK);
    for interval in [&mut coordinators, &mut replicas, &mut logs, &mut producers] {
        // After the machine slept, one tick makes up for all that it missed.
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            _ = coordinators.tick() => {
                let now = state.clock.now();
                if state.misses_a_node(now) {
                    on_a_thread(&state, move |state| state.tick_nodes(now)).await;
                }
                state.tick_coordinators(now);
            }
            _ = replicas.tick() => {
                if state.metadata.is_disturbed() {
                    let now = state.clock.now();
                    on_a_thread(&state, move |state| state.tick_replicas(now)).await;
                }
            }
            _ = logs.tick() => {
                on_a_thread(&state, State::retry_elections).await;
                state.metadata.close_idle_files();
            }
            _ = producers.tick() => state.metadata.expire_idle_producers(state.clock.now()),
        }
    }
}

/// Deletes old segments and compacts logs. It is a task of its own, since it may take long and must
/// not hold up the other timers.
pub(crate) async fn maintain_logs(state: Arc<State>) {
    let every = |ms: i64| {
        let period = Duration::from_millis(u64::try_from(ms).unwrap_or(0).max(1));
        let mut interval = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        interval
    };
    let mut retention = every(state.settings.retention_check_interval_ms);
    let mut backoff_ms = state.cleaner_backoff_ms();
    let mut cleaner = every(backoff_ms);
    let mut changed = tokio::time::interval(SETTINGS_TICK);
    loop {
        tokio::select! {
            _ = retention.tick() => {
                on_a_thread(&state, |state| {
                    state.metadata.check_retention(state.clock.now());
                })
                .await;
            }
            _ = cleaner.tick() => {
                on_a_thread(&state, |state| state.metadata.clean(state.clock.now())).await;
            }
            _ = changed.tick() => {
                let now_ms = state.cleaner_backoff_ms();
                if now_ms != backoff_ms {
                    backoff_ms = now_ms;
                    cleaner = every(backoff_ms);
                }
            }
        }
    }
}
