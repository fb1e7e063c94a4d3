//! Releases of Apache Kafka that the engines `apache` and `docker` run.

use std::fmt;

/// A release of Apache Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// 4.3.0.
    V4_3,
    /// 4.4.0, the default.
    #[default]
    V4_4,
}

impl Release {
    /// All releases, from oldest to newest.
    pub const ALL: [Self; 2] = [Self::V4_3, Self::V4_4];

    /// Returns its version, as in Maven and in tags of images.
    pub fn version(self) -> &'static str {
        match self {
            Self::V4_3 => "4.3.0",
            Self::V4_4 => "4.4.0",
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.version())
    }
}
