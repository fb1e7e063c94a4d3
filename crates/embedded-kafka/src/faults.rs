//! Injected faults of running nodes: late responses, errors, and lost responses.
//!
//! With no fault in force a request costs one atomic load.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    is_any: AtomicBool,
    plan: Mutex<Plan>,
    /// Woken when a paused node is resumed.
    resumed: Notify,
}

#[derive(Debug, Default)]
struct Plan {
    /// By node.
    delays: HashMap<i32, Duration>,
    /// The paused nodes.
    paused: HashSet<i32>,
    /// The errors of the next requests of an API, by the API's key.
    failures: HashMap<i16, VecDeque<ResponseError>>,
    /// The number of responses of an API that will be lost, by the API's key.
    dropped: HashMap<i16, usize>,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.delays.is_empty()
            && self.paused.is_empty()
            && self.failures.is_empty()
            && self.dropped.is_empty()
    }
}

impl Faults {
    /// Delays each request at `node` by so much from now on; zero ends that.
    pub(crate) fn delay(&self, node: i32, delay: Duration) {
        self.change(|plan| match delay {
            Duration::ZERO => plan.delays.remove(&node),
            delay => plan.delays.insert(node, delay),
        });
    }

    /// Pauses `node`, which then responds to no request, or resumes it: it continues with the
    /// requests that it received while it was paused.
    pub(crate) fn set_paused(&self, node: i32, is_paused: bool) {
        self.change(|plan| match is_paused {
            true => plan.paused.insert(node),
            false => plan.paused.remove(&node),
        });
        self.resumed.notify_waiters();
    }

    pub(crate) fn is_paused(&self, node: i32) -> bool {
        self.look(|plan| plan.paused.contains(&node).then_some(())).is_some()
    }

    /// Resolves when `node` is not paused.
    pub(crate) async fn until_not_paused(&self, node: i32) {
        while self.is_paused(node) {
            let resumed = self.resumed.notified();
            if self.is_paused(node) {
                resumed.await;
            }
        }
    }

    /// Rejects the next `times` requests of an API with an error, at whichever node.
    pub(crate) fn fail_next(&self, api: ApiKey, error: ResponseError, times: usize) {
        self.change(|plan| {
            let errors = plan.failures.entry(api as i16).or_default();
            errors.extend(std::iter::repeat_n(error, times));
            plan.failures.retain(|_, errors| !errors.is_empty());
        });
    }

    /// Handles the next request of an API, and drops the response with the connection.
    pub(crate) fn drop_response(&self, api: ApiKey) {
        self.change(|plan| *plan.dropped.entry(api as i16).or_default() += 1);
    }

    /// Ends delays, and cancels the errors and lost responses that are still to come. Paused nodes
    /// stay paused.
    pub(crate) fn clear(&self) {
        self.change(|plan| {
            plan.delays.clear();
            plan.failures.clear();
            plan.dropped.clear();
        });
    }

    /// Returns how long a request at `node` waits before it is handled.
    pub(crate) fn delay_at(&self, node: i32) -> Option<Duration> {
        self.look(|plan| plan.delays.get(&node).copied())
    }

    /// Returns the error that a request gets instead of being handled.
    pub(crate) fn take_failure(&self, api: ApiKey) -> Option<ResponseError> {
        self.look(|plan| {
            let errors = plan.failures.get_mut(&(api as i16))?;
            let error = errors.pop_front();
            if errors.is_empty() {
                plan.failures.remove(&(api as i16));
            }
            error
        })
    }

    /// Returns whether the response to a handled request must be lost.
    pub(crate) fn take_drop(&self, api: ApiKey) -> bool {
        let taken = self.look(|plan| {
            let left = plan.dropped.get_mut(&(api as i16))?;
            *left -= 1;
            if *left == 0 {
                plan.dropped.remove(&(api as i16));
            }
            Some(())
        });
        taken.is_some()
    }

    fn look<T>(&self, look: impl FnOnce(&mut Plan) -> Option<T>) -> Option<T> {
        if !self.is_any.load(Ordering::Relaxed) {
            return None;
        }
        let mut plan = self.plan.lock();
        let found = look(&mut plan);
        self.is_any.store(!plan.is_empty(), Ordering::Relaxed);
        found
    }

    fn change<T>(&self, change: impl FnOnce(&mut Plan) -> T) {
        let mut plan = self.plan.lock();
        change(&mut plan);
        self.is_any.store(!plan.is_empty(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_was_spent_is_over() {
        let faults = Faults::default();
        faults.fail_next(ApiKey::Produce, ResponseError::NotEnoughReplicas, 2);
        faults.drop_response(ApiKey::Fetch);
        assert_eq!(faults.take_failure(ApiKey::Fetch), None);
        for _ in 0..2 {
            let error = faults.take_failure(ApiKey::Produce);
            assert_eq!(error, Some(ResponseError::NotEnoughReplicas));
        }
        assert_eq!(faults.take_failure(ApiKey::Produce), None);
        assert!(!faults.take_drop(ApiKey::Produce));
        assert!(faults.take_drop(ApiKey::Fetch));
        assert!(!faults.take_drop(ApiKey::Fetch));
        assert!(!faults.is_any.load(Ordering::Relaxed));
    }

    #[test]
    fn a_delay_affects_one_node_and_ends_on_request() {
        let faults = Faults::default();
        faults.delay(2, Duration::from_millis(30));
        assert_eq!(faults.delay_at(1), None);
        assert_eq!(faults.delay_at(2), Some(Duration::from_millis(30)));
        faults.delay(2, Duration::ZERO);
        assert_eq!(faults.delay_at(2), None);
    }

    #[test]
    fn cleared_faults_end_and_a_paused_node_stays_paused() {
        let faults = Faults::default();
        faults.delay(1, Duration::from_millis(30));
        faults.fail_next(ApiKey::Produce, ResponseError::NotEnoughReplicas, 2);
        faults.drop_response(ApiKey::Fetch);
        faults.set_paused(3, true);
        faults.clear();
        assert_eq!(faults.delay_at(1), None);
        assert_eq!(faults.take_failure(ApiKey::Produce), None);
        assert!(!faults.take_drop(ApiKey::Fetch));
        assert!(faults.is_paused(3));
    }

    #[test]
    fn no_failures_are_no_fault() {
        let faults = Faults::default();
        faults.fail_next(ApiKey::Produce, ResponseError::NotEnoughReplicas, 0);
        assert!(!faults.is_any.load(Ordering::Relaxed));
    }
}
