//! The airports that the examples send, and the topic that they share.
//!
//! | For | Look in |
//! |---|---|
//! | the data: 7,884 real airports | airport.rs |
//! | the topic, filled if it is empty | topic.rs |
//! | examples that run at the same time | lock.rs |
//!
//! This is the workshop's own: a program that copies helpers/ does not need it.

mod airport;
mod error;
mod lock;
mod topic;

pub use airport::{Airport, all, read};
pub use error::Error;
pub use lock::{TopicLock, lock_shared};
pub use topic::{FilledTopic, TOPIC, create_topic, filled_topic};
