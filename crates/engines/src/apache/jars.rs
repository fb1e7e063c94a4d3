//! Downloads Apache Kafka's jars with Maven once, into a cache directory of the user.
//!
//! This crate's `pom.xml` lists the jars; for an older release, its version is replaced. A
//! directory is complete if it contains the same `pom.xml`, which is written last. A lock file
//! keeps two processes from filling it at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::java::Java;
use crate::engine::Engine;
use crate::error::Error;
use crate::last_lines::last_lines;
use crate::release::Release;

/// The Maven project for the newest release.
const POM: &str = include_str!("../../pom.xml");

/// The number of lines of Maven's output that an error shows.
const SHOWN_LINES: usize = 15;

/// The jars, and a Java to run them with.
#[derive(Debug, Clone)]
pub(crate) struct Jars {
    /// The Java that was found.
    pub(crate) java: Java,
    /// The directory of the jars.
    pub(crate) library: PathBuf,
}

impl Jars {
    /// Finds Java and the jars, and downloads the jars if they are missing.
    ///
    /// # Errors
    /// [`Error::NotUnix`], [`Error::Java`], [`Error::Maven`] and [`Error::Jars`].
    pub(crate) async fn find(release: Release) -> Result<Self, Error> {
        if !cfg!(unix) {
            return Err(Error::NotUnix { engine: Engine::Apache });
        }
        // Maven takes a while and must not block the caller's runtime.
        let found = tokio::task::spawn_blocking(move || {
            let java = Java::find()?;
            Ok(Self { java, library: library(release)? })
        });
        found.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

fn library(release: Release) -> Result<PathBuf, Error> {
    let home = cache_directory().join(format!("apache-kafka-{release}"));
    let pom = pom(release);
    if is_complete(&home, &pom) {
        return Ok(home.join("lib"));
    }
    fs::create_dir_all(&home).map_err(|e| Error::file("create", &home, e))?;
    let lock = home.join("lock");
    let file = File::create(&lock).map_err(|e| Error::file("create", &lock, e))?;
    file.lock().map_err(|e| Error::file("lock", &lock, e))?;
    if !is_complete(&home, &pom) {
        copy_jars(&home, release, &pom)?;
    }
    Ok(home.join("lib"))
}

fn is_complete(home: &Path, pom: &str) -> bool {
    fs::read_to_string(home.join("pom.xml")).is_ok_and(|written| written == pom)
}

/// Returns `$XDG_CACHE_HOME/kafka-workshop`, by default in `~/.cache`.
fn cache_directory() -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").filter(|it| !it.is_empty()).map(PathBuf::from);
    let cache = named.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("kafka-workshop")
}

/// Returns the Maven project for a release.
fn pom(release: Release) -> String {
    let pinned = |release| format!("<kafka.version>{release}<");
    POM.replace(&pinned(Release::default()), &pinned(release))
}

fn copy_jars(home: &Path, release: Release, pom: &str) -> Result<(), Error> {
    eprintln!(
        "workshop: Maven downloads Apache Kafka {release}, 54 MB, to {} (once)",
        home.display()
    );
    let library = home.join("lib");
    // Left by an interrupted attempt, or by another pom.xml.
    if library.exists() {
        fs::remove_dir_all(&library).map_err(|e| Error::file("remove", &library, e))?;
    }
    let unfinished = home.join("unfinished.xml");
    fs::write(&unfinished, pom).map_err(|e| Error::file("write", &unfinished, e))?;
    let output = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--file"])
        .arg(&unfinished)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", library.display()))
        .output()
        .map_err(|error| Error::Maven { reason: error.to_string() })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        return Err(Error::Jars { path: library, said: last_lines(&said, SHOWN_LINES) });
    }
    let complete = home.join("pom.xml");
    fs::rename(&unfinished, &complete).map_err(|e| Error::file("rename", &unfinished, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_has_a_pom_that_pins_it() {
        for release in Release::ALL {
            let pinned = format!("<kafka.version>{release}</kafka.version>");
            assert_eq!(pom(release).matches(&pinned).count(), 1, "{release}");
        }
    }

    #[test]
    fn jars_of_a_different_pom_do_not_count_as_complete() {
        let home = tempfile::tempdir().unwrap();
        assert!(!is_complete(home.path(), POM));
        fs::write(home.path().join("pom.xml"), pom(Release::V4_3)).unwrap();
        assert!(!is_complete(home.path(), POM));
        fs::write(home.path().join("pom.xml"), POM).unwrap();
        assert!(is_complete(home.path(), POM));
    }
}
