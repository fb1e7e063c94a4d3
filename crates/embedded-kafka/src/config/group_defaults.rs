//! The default settings of consumer groups in this cluster. Some are shorter than Kafka's, so that
//! a learner's first consumer starts at once.

/// The assignors that a member can ask for, the default first (`group.consumer.assignors`).
pub(crate) const ASSIGNORS: [&str; 2] = ["uniform", "range"];
/// `group.consumer.session.timeout.ms`.
pub(crate) const CONSUMER_SESSION_TIMEOUT_MS: i32 = 45_000;
/// `group.consumer.heartbeat.interval.ms`, 5 s in Kafka.
pub(crate) const CONSUMER_HEARTBEAT_INTERVAL_MS: i32 = 1_000;
/// `group.consumer.assignment.interval.ms`, 1 s in Kafka.
pub(crate) const CONSUMER_ASSIGNMENT_INTERVAL_MS: i32 = 0;
/// `group.consumer.migration.policy`.
pub(crate) const MIGRATION_POLICY: &str = "bidirectional";
