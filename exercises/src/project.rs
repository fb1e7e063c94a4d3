//! The learner's own package: `my/` in the checkout, outside of the workspace, or a directory
//! elsewhere.
//!
//! Cargo discovers nothing here by itself: each program is listed, so that a half-typed one breaks
//! no other. The package has a workspace of its own, so that it breaks nothing else either, and
//! shares the target directory, so that nothing is compiled twice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exercise::Exercise;

/// What the programs may use. The learner can add to it: the file is written once.
const MANIFEST: &str = r#"# Your programs for the exercises. `cargo workshop check` adds a [[bin]] for each one, and changes
# nothing else here. Add your own dependencies as you like.
[package]
name = "my-kafka"
edition = "2024"
publish = false
autobins = false

[workspace]

[features]
# The exercises that use a schema registry. They take longer to build.
schemas = ["dep:serdes"]

[dependencies]
airports = { path = "../crates/airports" }
anyhow = "1"
futures-util = { version = "0.3", default-features = false, features = ["alloc"] }
helpers = { path = "../helpers" }
json-batches = { path = "../json-batches" }
lineage = { path = "../lineage" }
rdkafka = { version = "0.39", default-features = false, features = ["libz", "tokio"] }
serde = { version = "1", features = ["derive"] }
serde_json = { version = "1", features = ["raw_value"] }
serdes = { path = "../serdes", optional = true }
tokio = { version = "1", features = ["macros", "rt-multi-thread", "signal", "sync", "time"] }

# The profile of the workshop, so that common dependencies are compiled once.
[profile.dev]
debug = "line-tables-only"

[profile.dev.package."*"]
debug = false
"#;

/// The learner's package.
#[derive(Debug, Clone)]
pub struct Project {
    checkout: PathBuf,
    directory: PathBuf,
}

impl Project {
    /// Returns the package `my/` of a checkout. Nothing is written yet.
    pub fn of(checkout: impl Into<PathBuf>) -> Self {
        let checkout = checkout.into();
        Self { directory: checkout.join("my"), checkout }
    }

    /// Returns the package of a checkout in another directory. Its Cargo.toml names the checkout by
    /// its full path.
    pub fn at(checkout: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self { checkout: checkout.into(), directory: directory.into() }
    }

    /// Returns the checkout of the workshop.
    pub fn checkout(&self) -> &Path {
        &self.checkout
    }

    /// Returns the directory of the learner's programs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the learner's program for an exercise: `my/03_high_airports.rs`.
    pub fn program(&self, exercise: &Exercise) -> PathBuf {
        self.directory().join(format!("{}.rs", exercise.program_name()))
    }

    /// Copies the starting point if the learner has no program for the exercise yet, and lists the
    /// program in the package. Returns whether the program is new.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn prepare(&self, exercise: &Exercise) -> anyhow::Result<bool> {
        let program = self.program(exercise);
        let directory = self.directory.display();
        fs::create_dir_all(&self.directory)
            .with_context(|| format!("cannot create {directory}"))?;
        let manifest = self.directory.join("Cargo.toml");
        if !manifest.exists() {
            write(&manifest, &self.manifest())?;
        }
        let lock = self.directory.join("Cargo.lock");
        if !lock.exists() {
            // The versions that the workshop is tested with.
            fs::copy(self.checkout.join("Cargo.lock"), &lock).context("cannot write Cargo.lock")?;
        }
        self.list(&manifest, exercise)?;
        if program.exists() {
            return Ok(false);
        }
        self.reset(exercise)?;
        Ok(true)
    }

    /// Replaces the learner's program with the starting point.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn reset(&self, exercise: &Exercise) -> anyhow::Result<()> {
        let start = exercise.directory(&self.checkout).join("start.rs");
        let text = fs::read_to_string(&start)
            .with_context(|| format!("cannot read {}", start.display()))?;
        write(&self.program(exercise), &text)
    }

    fn manifest(&self) -> String {
        if self.directory == self.checkout.join("my") {
            return MANIFEST.to_owned();
        }
        let checkout = self.checkout.display().to_string().replace('\\', "/").replace('"', "\\\"");
        MANIFEST.replace("path = \"../", &format!("path = \"{checkout}/"))
    }

    /// Adds the `[[bin]]` of a program.
    fn list(&self, manifest: &Path, exercise: &Exercise) -> anyhow::Result<()> {
        let text = fs::read_to_string(manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let name = exercise.program_name();
        if text.contains(&format!("name = \"{name}\"")) {
            return Ok(());
        }
        let required =
            if exercise.uses_schemas { "required-features = [\"schemas\"]\n" } else { "" };
        let entry = format!("\n[[bin]]\nname = \"{name}\"\npath = \"{name}.rs\"\n{required}");
        write(manifest, &format!("{}{entry}", text.trim_end().to_owned() + "\n"))
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
    }

    #[test]
    fn a_program_is_written_once_and_listed_once() {
        let directory = std::env::temp_dir().join(crate::names::fresh("project"));
        let project = Project::at(checkout(), &directory);
        let exercise = crate::catalog::all().first().unwrap();
        assert!(project.prepare(exercise).unwrap());
        fs::write(project.program(exercise), "// half-typed").unwrap();
        assert!(!project.prepare(exercise).unwrap());
        assert_eq!(fs::read_to_string(project.program(exercise)).unwrap(), "// half-typed");
        let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        assert_eq!(manifest.matches("\n[[bin]]\n").count(), 1, "{manifest}");
        let helpers = format!("helpers = {{ path = \"{}/helpers\" }}", checkout().display());
        assert!(manifest.contains(&helpers), "{manifest}");
        project.reset(exercise).unwrap();
        let text = fs::read_to_string(project.program(exercise)).unwrap();
        assert!(text.contains("// Your part: "), "{text}");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn the_package_in_the_checkout_names_its_crates_by_relative_paths() {
        assert!(Project::of(checkout()).manifest().contains("path = \"../helpers\""));
    }
}
