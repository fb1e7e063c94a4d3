//! Numbers in AlterConfigs, IncrementalAlterConfigs, and DescribeConfigs.

/// The resource type of a topic.
pub const TOPIC: i8 = 2;
/// The resource type of a broker.
pub const BROKER: i8 = 4;
/// The resource type of a subscription to client metrics (KIP-714).
pub const CLIENT_METRICS: i8 = 16;
/// The resource type of a group (KIP-848).
pub const GROUP: i8 = 32;

/// Replaces the value of a setting.
pub const SET: i8 = 0;
/// Reverts a setting to its default.
pub const DELETE: i8 = 1;
/// Adds to the list of a setting.
pub const APPEND: i8 = 2;
/// Removes from the list of a setting.
pub const SUBTRACT: i8 = 3;
