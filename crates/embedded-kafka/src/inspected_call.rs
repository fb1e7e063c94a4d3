//! One call as a closure sees it: its request, its response, and what the client got.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;
use uuid::Uuid;

use crate::metadata::Metadata;

/// A decoded request or response. Its type is known to the API alone.
type Message = Box<dyn Any + Send + Sync>;

/// The way in which a call ended, as its client sees it.
///
/// An error that the broker itself responds with is in the response: the call has
/// [`Responded`](Self::Responded).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// The node handled the request, and sends the response.
    Responded,
    /// The node handled the request, and the client expects no response (Produce with `acks=0`).
    /// [`InspectedCall::response`] returns what the node would have responded.
    NotAwaited,
    /// The node did not handle the request, because of `Cluster::fail_next` or
    /// `Verdict::Fail`: the client gets this error, or loses its connection if it expects no
    /// response.
    FailedOnPurpose(ResponseError),
    /// The node handled the request, and then closed the connection instead of sending the
    /// response, because of `Cluster::drop_response` or `Verdict::DropResponse`.
    ResponseDropped,
    /// The node closed the connection, for this reason: it could not decode the request, rejected
    /// records that were sent with `acks=0`, or got `Verdict::Close`.
    Closed(String),
    /// The client disconnected, or the node stopped, before the response was sent. The request may
    /// have been handled: then there is a response, or the request was waiting for one.
    Abandoned,
}

/// A call: one request, its response, and what the client got.
pub struct InspectedCall {
    pub(crate) number: u64,
    pub(crate) node: i32,
    pub(crate) client_id: String,
    pub(crate) client_address: SocketAddr,
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) received_at: SystemTime,
    pub(crate) started: Instant,
    pub(crate) elapsed: Duration,
    pub(crate) request: Option<Message>,
    pub(crate) response: Option<Message>,
    pub(crate) outcome: CallOutcome,
    pub(crate) metadata: Arc<Metadata>,
}

impl InspectedCall {
    /// Returns the call's position in the order in which the nodes read their requests. On each
    /// connection it is the order in which the client sent them.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the node that got the request.
    pub fn node(&self) -> i32 {
        self.node
    }

    /// Returns the client's name for itself (`client.id`), empty if it has none.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the address of the client's end of the connection, which identifies the connection
    /// while it is open.
    pub fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Returns the API.
    pub fn api(&self) -> ApiKey {
        self.api
    }

    /// Returns the protocol's name of the API, such as `Produce`.
    pub fn api_name(&self) -> String {
        format!("{:?}", self.api)
    }

    /// Returns the version of the API that the client chose.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Returns the time at which the node had read the request.
    pub fn received_at(&self) -> SystemTime {
        self.received_at
    }

    /// Returns the time from then until the end of the call, waiting included.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Returns the request, such as a `ProduceRequest`. `None` if it is of another type, or could
    /// not be decoded.
    pub fn request<Request: 'static>(&self) -> Option<&Request> {
        self.request.as_ref()?.downcast_ref()
    }

    /// Returns the response, such as a `ProduceResponse`, whether the client got it or not. `None`
    /// if it is of another type, or there is none.
    pub fn response<Response: 'static>(&self) -> Option<&Response> {
        self.response.as_ref()?.downcast_ref()
    }

    /// Returns what the client got.
    pub fn outcome(&self) -> &CallOutcome {
        &self.outcome
    }

    /// Returns whether the client got the response, as far as the node knows.
    pub fn is_responded(&self) -> bool {
        match self.outcome {
            CallOutcome::Responded => true,
            CallOutcome::FailedOnPurpose(_) => self.response.is_some(),
            _ => false,
        }
    }

    /// Returns the name of the topic with this id. New versions of Produce, Fetch and Metadata name
    /// topics by their ids alone (KIP-516).
    pub fn topic_name(&self, id: Uuid) -> Option<String> {
        self.metadata.topic_by_id(id).map(|topic| topic.name.to_string())
    }
}

impl fmt::Display for InspectedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, client_id, api, version, outcome, .. } = self;
        write!(f, "node {node} <- {client_id}: {api:?} v{version} ({outcome:?})")
    }
}

impl fmt::Debug for InspectedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InspectedCall({self})")
    }
}
