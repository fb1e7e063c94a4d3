//! Where the embedded cluster answers otherwise than Apache Kafka, by design.
//!
//! docs/embedded-cluster.md shows this list, and a test keeps it exact: what no longer differs must
//! leave it.

/// A scenario in which the embedded cluster answers otherwise by design.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// The scenario.
    pub scenario: &'static str,
    /// What the embedded cluster answers.
    pub embedded: &'static str,
    /// Why that is.
    pub reason: &'static str,
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[];
