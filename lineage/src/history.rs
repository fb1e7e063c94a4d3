//! A message, and the history that it carries.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A message, as a handler gets it and a producer takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<T = Value> {
    /// The subject of the message, which becomes the record's key; empty for a record without a
    /// key.
    pub id: String,
    /// The content.
    pub payload: T,
    /// What it was made from. For a message that was consumed, this is the record itself, with its
    /// history: pass it on to what you make from it.
    pub refs: Vec<Ref>,
}

impl<T> Message<T> {
    /// Makes a message without a source.
    pub fn new(id: impl Into<String>, payload: T) -> Self {
        Message { id: id.into(), payload, refs: Vec::new() }
    }

    /// Makes a message from this one.
    pub fn derive<U>(&self, id: impl Into<String>, payload: U) -> Message<U> {
        Message { id: id.into(), payload, refs: self.refs.clone() }
    }
}

/// A record that something was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ref {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key; `None` for a record without one.
    pub key: Option<String>,
    /// Its history; `None` if that was cut off, or never recorded.
    pub hist: Option<History>,
}

/// The origin of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The service that made it.
    #[doc(alias = "svc")]
    pub service: String,
    /// When.
    #[doc(alias = "dt")]
    pub at: DateTime<Utc>,
    /// What it was made from.
    pub refs: Vec<Ref>,
}

/// Returns how deep a history is: 1 for a message without a source.
pub(super) fn depth(refs: &[Ref]) -> usize {
    let below = refs.iter().filter_map(|it| it.hist.as_ref()).map(|hist| depth(&hist.refs));
    1 + below.max().unwrap_or(0)
}
