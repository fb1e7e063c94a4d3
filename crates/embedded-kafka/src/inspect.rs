//! Observing calls from inside the process: a closure sees the request and the response of each
//! call as the broker's own types, and what the client got.
//!
//! The state machines know nothing of it. A call is copied for the closures when its request is
//! decoded and when its response is built, and they see it right before the response is sent: a
//! client that has a response can rely on it having been inspected. With nothing installed a
//! request costs one atomic load.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use kafka_protocol::messages::ApiKey;
use parking_lot::RwLock;

use crate::inspected_call::{CallOutcome, InspectedCall};
use crate::metadata::Metadata;

type Look = Box<dyn Fn(&InspectedCall) + Send + Sync>;

/// A closure that inspects calls until this is dropped.
///
/// A call whose response has not been sent by then is not inspected any more.
#[derive(Debug)]
#[must_use = "the closure is removed when this is dropped"]
pub struct Inspection {
    inspector: Arc<Inspector>,
    inspections: Weak<Inspections>,
}

impl Inspection {
    /// Returns whether the closure has panicked. It was removed then, and saw no other call.
    pub fn has_panicked(&self) -> bool {
        self.inspector.has_panicked.load(Ordering::SeqCst)
    }

    /// Returns the number of calls that have begun since the closure was installed, and that it has
    /// not seen yet: a fetch that waits for records is one.
    pub fn calls_in_flight(&self) -> usize {
        self.inspector.in_flight.load(Ordering::SeqCst)
    }
}

impl Drop for Inspection {
    fn drop(&mut self) {
        if let Some(inspections) = self.inspections.upgrade() {
            inspections.remove(&self.inspector);
        }
    }
}

struct Inspector {
    /// The APIs whose calls it sees, `None` for all.
    apis: Option<Vec<ApiKey>>,
    look: Look,
    is_removed: AtomicBool,
    has_panicked: AtomicBool,
    in_flight: AtomicUsize,
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").field("apis", &self.apis).finish_non_exhaustive()
    }
}

/// The closures that are installed.
pub(crate) struct Inspections {
    is_any: AtomicBool,
    installed: RwLock<Vec<Arc<Inspector>>>,
    /// The number of calls that were inspected.
    calls: AtomicU64,
    metadata: Arc<Metadata>,
}

impl Inspections {
    pub(crate) fn new(metadata: Arc<Metadata>) -> Self {
        let (is_any, installed) = (AtomicBool::new(false), RwLock::default());
        Self { is_any, installed, calls: AtomicU64::new(0), metadata }
    }

    pub(crate) fn install(self: &Arc<Self>, apis: Option<Vec<ApiKey>>, look: Look) -> Inspection {
        let inspector = Arc::new(Inspector {
            apis,
            look,
            is_removed: AtomicBool::new(false),
            has_panicked: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
        });
        let mut installed = self.installed.write();
        installed.push(Arc::clone(&inspector));
        self.is_any.store(true, Ordering::SeqCst);
        Inspection { inspector, inspections: Arc::downgrade(self) }
    }

    fn remove(&self, inspector: &Arc<Inspector>) {
        inspector.is_removed.store(true, Ordering::SeqCst);
        let mut installed = self.installed.write();
        installed.retain(|other| !Arc::ptr_eq(other, inspector));
        self.is_any.store(!installed.is_empty(), Ordering::SeqCst);
    }

    /// Begins to observe a call, if a closure is installed for its API.
    pub(crate) fn begin(
        self: &Arc<Self>,
        node: i32,
        client: (&str, SocketAddr),
        (api, version): (ApiKey, i16),
    ) -> Option<Observed> {
        if !self.is_any.load(Ordering::Relaxed) {
            return None;
        }
        let sees = |it: &&Arc<Inspector>| it.apis.as_ref().is_none_or(|apis| apis.contains(&api));
        let inspectors: Vec<_> = self.installed.read().iter().filter(sees).cloned().collect();
        if inspectors.is_empty() {
            return None;
        }
        for inspector in &inspectors {
            inspector.in_flight.fetch_add(1, Ordering::SeqCst);
        }
        let call = InspectedCall {
            number: self.calls.fetch_add(1, Ordering::Relaxed),
            node,
            client_id: client.0.to_owned(),
            client_address: client.1,
            api,
            version,
            received_at: SystemTime::now(),
            started: Instant::now(),
            elapsed: Duration::ZERO,
            request: None,
            response: None,
            outcome: CallOutcome::Abandoned,
            metadata: Arc::clone(&self.metadata),
        };
        Some(Observed {
            call,
            inspectors,
            decided: CallOutcome::Abandoned,
            inspections: self.clone(),
        })
    }
}

/// A call that is being observed. Dropped before it has ended, it counts as abandoned.
pub(crate) struct Observed {
    call: InspectedCall,
    inspectors: Vec<Arc<Inspector>>,
    /// The outcome, unless the client or the node goes away first.
    decided: CallOutcome,
    inspections: Arc<Inspections>,
}

impl Observed {
    pub(crate) fn set_request(&mut self, request: impl Any + Send + Sync) {
        self.call.request = Some(Box::new(request));
    }

    /// Keeps the response; a later one takes its place.
    pub(crate) fn set_response(&mut self, response: impl Any + Send + Sync) {
        self.call.response = Some(Box::new(response));
    }

    pub(crate) fn decide(&mut self, outcome: CallOutcome) {
        self.decided = outcome;
    }

    /// Shows the call to the closures with the outcome that was decided.
    pub(crate) fn end(mut self) {
        self.call.outcome = std::mem::replace(&mut self.decided, CallOutcome::Abandoned);
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.call.elapsed = self.call.started.elapsed();
        for inspector in &self.inspectors {
            let is_removed = inspector.is_removed.load(Ordering::SeqCst);
            let look = AssertUnwindSafe(|| (inspector.look)(&self.call));
            if !is_removed && catch_unwind(look).is_err() {
                tracing::error!(call = %self.call, "an inspection panicked and is removed");
                inspector.has_panicked.store(true, Ordering::SeqCst);
                self.inspections.remove(inspector);
            }
            inspector.in_flight.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
