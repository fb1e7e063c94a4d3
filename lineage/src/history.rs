//! A message, and the history that it carries.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// What a handler is given and what a producer takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<T = Value> {
    /// What the message is about; it becomes the record's key. Empty for a record without one.
    pub id: String,
    /// The content.
    pub payload: T,
    /// What it was made from. For a message that was consumed, this is the record itself, with its
    /// history: give it to what is made from it.
    pub refs: Vec<Ref>,
}

impl<T> Message<T> {
    /// A message that is made from nothing that came before.
    pub fn new(id: impl Into<String>, payload: T) -> Self {
        Message { id: id.into(), payload, refs: Vec::new() }
    }

    /// A message that is made from this one.
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
    /// Its history; `None` where that was cut off, or never told.
    pub hist: Option<History>,
}

/// Where a message comes from.
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

/// How deep a history goes: 1 for a message that was made from nothing.
pub(super) fn depth(refs: &[Ref]) -> usize {
    let below = refs.iter().filter_map(|it| it.hist.as_ref()).map(|hist| depth(&hist.refs));
    1 + below.max().unwrap_or(0)
}
