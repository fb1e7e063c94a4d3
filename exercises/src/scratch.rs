//! A directory that a program writes to, or that stands for a service next to the cluster.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::names;

/// A new, empty directory. Dropping it deletes it.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    pub(crate) fn new(base: &str) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir().join(names::fresh(base));
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(Self { directory })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.directory
    }

    /// Returns the path of a file as text, for an environment variable.
    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.join(name).to_string_lossy().into_owned()
    }

    /// Returns what a file contains. One that is missing is empty.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap_or_default()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let file = self.directory.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    pub(crate) fn remove(&self, name: &str) -> anyhow::Result<()> {
        let file = self.directory.join(name);
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))
    }

    /// Returns the names of the files, in their order.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A program that still runs may write to it. The system deletes what is left.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
