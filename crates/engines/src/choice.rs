//! Chooses an engine and a release by name.

use std::str::FromStr;

use crate::engine::Engine;
use crate::error::Error;
use crate::release::Release;

/// The environment variable that chooses an engine.
const VARIABLE: &str = "WORKSHOP_ENGINE";

impl Engine {
    /// Returns the engine that `WORKSHOP_ENGINE` names, or the embedded one if it is not set.
    ///
    /// # Errors
    /// [`Error::UnknownEngine`] if it names something else.
    pub fn from_environment() -> Result<Self, Error> {
        match std::env::var(VARIABLE) {
            Ok(name) if !name.trim().is_empty() => name.trim().parse(),
            _ => Ok(Self::Embedded),
        }
    }
}

impl FromStr for Engine {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "embedded" => Ok(Self::Embedded),
            "apache" => Ok(Self::Apache),
            "docker" => Ok(Self::Docker),
            _ => Err(Error::UnknownEngine { name: name.to_owned() }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_parsed_from_its_displayed_name() {
        for engine in [Engine::Embedded, Engine::Apache, Engine::Docker] {
            assert_eq!(engine.to_string().parse::<Engine>().unwrap(), engine);
        }
        let error = "redpanda".parse::<Engine>().unwrap_err().to_string();
        assert!(error.contains("\"redpanda\"") && error.contains("apache"), "{error}");
    }

    #[test]
    fn a_release_is_parsed_from_its_displayed_version() {
        for release in Release::ALL {
            assert_eq!(release.to_string().parse::<Release>().unwrap(), release);
        }
        let error = "3.9.0".parse::<Release>().unwrap_err().to_string();
        assert!(error.contains("\"3.9.0\"") && error.contains("4.3.0, 4.4.0"), "{error}");
    }
}
