//! Finds a Java that is new enough, and starts Kafka's programs with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::options::Lifetime;

/// The oldest Java that Apache Kafka 4 runs on.
const OLDEST: u32 = 17;

/// A Java runtime that Kafka runs on.
#[derive(Debug, Clone)]
pub(crate) struct Java {
    program: PathBuf,
}

impl Java {
    /// Finds the Java in `JAVA_HOME`, or else the one in `PATH`. Checking its version takes a tenth
    /// of a second.
    ///
    /// # Errors
    /// [`Error::Java`] if there is none or it is too old.
    pub(crate) fn find() -> Result<Self, Error> {
        let home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
        let program = home.map_or_else(|| "java".into(), |it| Path::new(&it).join("bin/java"));
        let shown = program.display();
        let unusable = |found: String| Error::Java { found };
        let asked = Command::new(&program).arg("-version").output();
        let answer = asked.map_err(|e| unusable(format!("{shown} cannot be run ({e})")))?;
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        match major_version(&said) {
            Some(version) if version >= OLDEST => Ok(Self { program }),
            Some(version) => Err(unusable(format!("{shown} is Java {version}"))),
            None => Err(unusable(format!("{shown} does not say which version it is"))),
        }
    }

    /// Builds a command that runs a class of the jars in `library` with at most `memory_mb` MB of
    /// heap. It logs warnings and errors on stderr.
    pub(crate) fn command(
        &self,
        library: &Path,
        memory_mb: u32,
        lifetime: Lifetime,
        class: &str,
    ) -> Command {
        let mut command = Command::new(&self.program);
        if lifetime == Lifetime::Short {
            // Only Java's fast compiler, and a garbage collector without threads.
            command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
        }
        command.arg(format!("-Xmx{memory_mb}M"));
        command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        command.arg("-Dorg.slf4j.simpleLogger.showDateTime=true");
        command.arg("-cp").arg(library.join("*")).arg(class);
        // Variables that are meant for other Java programs.
        for variable in ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"] {
            command.env_remove(variable);
        }
        command
    }
}

/// Parses the 17 in `openjdk version "17.0.15"`, and the 8 in `java version "1.8.0_451"`.
fn major_version(said: &str) -> Option<u32> {
    let (_, version) = said.split_once("version \"")?;
    let version = version.strip_prefix("1.").unwrap_or(version);
    version.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_javas_output() {
        assert_eq!(major_version("openjdk version \"17.0.15\" 2025-04-15\n"), Some(17));
        assert_eq!(major_version("openjdk version \"21\" 2023-09-19\n"), Some(21));
        assert_eq!(major_version("java version \"1.8.0_451\"\n"), Some(8));
        assert_eq!(major_version("Unable to locate a Java Runtime.\n"), None);
    }
}
