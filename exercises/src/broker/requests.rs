//! The requests that a program makes, as the embedded cluster sees them.

use std::sync::{Arc, Mutex};
use std::thread;

use embedded_kafka::{Event, EventReceiver};

/// The most requests that are kept. A program that makes more is judged by these.
const KEPT: usize = 200_000;

/// The client ids of the questions that a scene asks itself.
const OF_THE_CHECK: [&str; 2] = ["workshop-check", "workshop-conformance"];

/// A request that a node has responded to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) api: &'static str,
    pub(crate) client_id: String,
    /// The request in a few words.
    pub(crate) request: String,
    /// The response in a few words.
    pub(crate) response: String,
}

/// Requests, in the order of their responses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requests(pub(crate) Vec<Request>);

impl Requests {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps the requests of an API, such as `Produce`.
    pub(crate) fn of(self, api: &str) -> Self {
        Self(self.0.into_iter().filter(|request| request.api == api).collect())
    }

    /// Keeps the requests whose description contains `part`, such as a topic's name.
    pub(crate) fn with(self, part: &str) -> Self {
        Self(self.0.into_iter().filter(|request| request.request.contains(part)).collect())
    }
}

/// Records requests until the cluster stops.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Recorder {
    /// Records on a thread of its own: a check may block its runtime.
    pub(crate) fn start(mut events: EventReceiver) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&requests);
        thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
                return;
            };
            runtime.block_on(async {
                while let Some(event) = events.recv().await {
                    let Event::ResponseSent { client_id, api, request, response, .. } = event
                    else {
                        continue;
                    };
                    if OF_THE_CHECK.contains(&client_id.as_str()) {
                        continue;
                    }
                    let Ok(mut kept) = keep.lock() else { return };
                    if kept.len() < KEPT {
                        kept.push(Request { api, client_id, request, response });
                    }
                }
            });
        });
        Self { requests }
    }

    pub(crate) fn requests(&self) -> Requests {
        Requests(self.requests.lock().map(|kept| kept.clone()).unwrap_or_default())
    }

    pub(crate) fn clear(&self) {
        if let Ok(mut kept) = self.requests.lock() {
            kept.clear();
        }
    }
}
