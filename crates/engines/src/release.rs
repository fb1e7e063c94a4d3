//! The releases of Apache Kafka that the engines `apache` and `docker` run.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A release of Apache Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// 4.3.0.
    V4_3,
    /// 4.4.0, which runs where nobody says otherwise.
    #[default]
    V4_4,
}

impl Release {
    /// All of them, the oldest first.
    pub const ALL: [Self; 2] = [Self::V4_3, Self::V4_4];

    /// Its number, as Maven and the tags of images have it.
    pub fn version(self) -> &'static str {
        match self {
            Self::V4_3 => "4.3.0",
            Self::V4_4 => "4.4.0",
        }
    }
}

impl FromStr for Release {
    type Err = Error;

    fn from_str(version: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|release| release.version() == version);
        found.ok_or_else(|| Error::UnknownRelease { version: version.to_owned() })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_known_by_the_number_it_shows() {
        for release in Release::ALL {
            assert_eq!(release.to_string().parse::<Release>().unwrap(), release);
        }
        let error = "3.9.0".parse::<Release>().unwrap_err().to_string();
        assert!(error.contains("\"3.9.0\"") && error.contains("4.3.0, 4.4.0"), "{error}");
    }
}
