//! Requests in a few words, for the log of the wire. They are built only while someone listens.

use std::fmt::Write;

use kafka_protocol::messages::{GroupId, ProducerId};
use uuid::Uuid;

/// A request in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The content of the request. Empty if the API's name says it all.
    pub(super) words: String,
    /// The member or producer that sent it, empty if a request names none.
    pub(super) who: String,
}

impl Asked {
    /// Describes the content of a request.
    pub(super) fn of(words: impl Into<String>) -> Self {
        Self { words: words.into(), who: String::new() }
    }

    /// Adds the member or producer that asks.
    pub(super) fn by(self, who: String) -> Self {
        Self { who, ..self }
    }
}

/// Writes the first few of many, separated by commas.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    const SHOWN: usize = 6;
    let mut text = String::new();
    let mut count = 0;
    for item in items {
        if count < SHOWN {
            let separator = if count == 0 { "" } else { ", " };
            // Writing into a String cannot fail.
            let _ = write!(text, "{separator}{item}");
        }
        count += 1;
    }
    if count > SHOWN {
        let _ = write!(text, ", and {} more", count - SHOWN);
    }
    text
}

/// Names groups by their ids.
pub(super) fn groups<'a>(ids: impl Iterator<Item = &'a GroupId>) -> String {
    list(ids.map(|id| format!("group {}", id.as_str())))
}

/// Names a topic, by its id if a version has no names.
pub(super) fn topic_or_id(name: &str, id: Uuid) -> String {
    if name.is_empty() { id.to_string() } else { name.to_owned() }
}

/// Names a member by its id, its instance id if it has one, and its generation or epoch.
pub(super) fn member(id: &str, instance: Option<&str>, at: Option<String>) -> String {
    let id = Some(id).filter(|id| !id.is_empty()).map(|id| format!("member {id}"));
    let instance = instance.map(|name| format!("instance {name}"));
    list([id, instance, at].into_iter().flatten())
}

/// Names the generation of a member, unless it has none.
pub(super) fn generation(generation: i32) -> Option<String> {
    (generation >= 0).then(|| format!("generation {generation}"))
}

/// Names the epoch of a member.
pub(super) fn epoch(epoch: i32) -> Option<String> {
    Some(format!("epoch {epoch}"))
}

/// Names a producer by its id and epoch, unless it has none.
pub(super) fn producer(id: ProducerId, epoch: i16) -> String {
    if id.0 < 0 { String::new() } else { format!("producer {}, epoch {epoch}", id.0) }
}
