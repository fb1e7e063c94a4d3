//! Faults that a closure chooses, call by call: it sees each decoded request before the node
//! handles it, and says what the node does with it.
//!
//! So a fault can depend on the topic, the client, or the number of the request, as kfake's
//! `ControlKey` does. With nothing installed a request costs one atomic load.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;
use parking_lot::RwLock;
use uuid::Uuid;

use crate::metadata::Metadata;

type Decide = Box<dyn Fn(&ArrivingCall<'_>) -> Verdict + Send + Sync>;

/// What a node does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It handles the request.
    Handle,
    /// It handles the request after this time.
    Delay(Duration),
    /// It responds with this error, and does not handle the request.
    Fail(ResponseError),
    /// It handles the request, and closes the connection instead of responding.
    DropResponse,
    /// It closes the connection, and does not handle the request.
    Close,
}

/// A request that a node has read and not handled yet.
#[derive(Clone, Copy)]
pub struct ArrivingCall<'a> {
    pub(crate) node: i32,
    pub(crate) client_id: &'a str,
    pub(crate) client_address: SocketAddr,
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) request: &'a dyn Any,
    pub(crate) metadata: &'a Metadata,
}

impl<'a> ArrivingCall<'a> {
    /// Returns the node that got the request.
    pub fn node(&self) -> i32 {
        self.node
    }

    /// Returns the client's name for itself (`client.id`), empty if it has none.
    pub fn client_id(&self) -> &'a str {
        self.client_id
    }

    /// Returns the address of the client's end of the connection.
    pub fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Returns the API.
    pub fn api(&self) -> ApiKey {
        self.api
    }

    /// Returns the version of the API that the client chose.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Returns the request, such as a `ProduceRequest`; `None` if it is of another type.
    pub fn request<Request: 'static>(&self) -> Option<&'a Request> {
        self.request.downcast_ref()
    }

    /// Returns the name of the topic with this id. New versions of Produce, Fetch and Metadata name
    /// topics by their ids alone (KIP-516).
    pub fn topic_name(&self, id: Uuid) -> Option<String> {
        self.metadata.topic_by_id(id).map(|topic| topic.name.to_string())
    }
}

impl fmt::Debug for ArrivingCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, client_id, api, version, .. } = self;
        write!(f, "ArrivingCall(node {node} <- {client_id}: {api:?} v{version})")
    }
}

/// A closure that decides about calls until this is dropped.
#[derive(Debug)]
#[must_use = "the closure is removed when this is dropped"]
pub struct Controller {
    decider: Arc<Decider>,
    controls: Weak<Controls>,
}

impl Controller {
    /// Returns how many requests the closure did not let pass.
    pub fn interventions(&self) -> usize {
        self.decider.interventions.load(Ordering::SeqCst)
    }

    /// Returns whether the closure has panicked. It was removed then, and the node handled the
    /// request.
    pub fn has_panicked(&self) -> bool {
        self.decider.has_panicked.load(Ordering::SeqCst)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if let Some(controls) = self.controls.upgrade() {
            controls.remove(&self.decider);
        }
    }
}

struct Decider {
    apis: Vec<ApiKey>,
    decide: Decide,
    interventions: AtomicUsize,
    has_panicked: AtomicBool,
}

impl fmt::Debug for Decider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decider").field("apis", &self.apis).finish_non_exhaustive()
    }
}

/// The closures that are installed.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    is_any: AtomicBool,
    installed: RwLock<Vec<Arc<Decider>>>,
}

impl Controls {
    pub(crate) fn install(self: &Arc<Self>, apis: &[ApiKey], decide: Decide) -> Controller {
        let (interventions, has_panicked) = (AtomicUsize::new(0), AtomicBool::new(false));
        let apis = apis.to_vec();
        let decider = Arc::new(Decider { apis, decide, interventions, has_panicked });
        let mut installed = self.installed.write();
        installed.push(Arc::clone(&decider));
        self.is_any.store(true, Ordering::SeqCst);
        Controller { decider, controls: Arc::downgrade(self) }
    }

    fn remove(&self, decider: &Arc<Decider>) {
        let mut installed = self.installed.write();
        installed.retain(|other| !Arc::ptr_eq(other, decider));
        self.is_any.store(!installed.is_empty(), Ordering::SeqCst);
    }

    /// Returns whether a closure decides about calls of an API.
    pub(crate) fn are_any(&self, api: ApiKey) -> bool {
        self.is_any.load(Ordering::Relaxed)
            && self.installed.read().iter().any(|decider| decider.apis.contains(&api))
    }

    /// Returns the first verdict that does not let the call pass, in the order in which the
    /// closures were installed.
    pub(crate) fn decide(&self, call: &ArrivingCall<'_>) -> Verdict {
        let installed = self.installed.read().clone();
        for decider in installed.iter().filter(|decider| decider.apis.contains(&call.api)) {
            match catch_unwind(AssertUnwindSafe(|| (decider.decide)(call))) {
                Ok(Verdict::Handle) => {}
                Ok(verdict) => {
                    decider.interventions.fetch_add(1, Ordering::SeqCst);
                    return verdict;
                }
                Err(_) => {
                    tracing::error!(?call, "a control panicked and is removed");
                    decider.has_panicked.store(true, Ordering::SeqCst);
                    self.remove(decider);
                }
            }
        }
        Verdict::Handle
    }
}
