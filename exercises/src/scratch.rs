//! A temporary directory for the files of a scene: what a program writes, or what stands for a
//! service next to the cluster.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context;

use crate::names;

/// A temporary directory. Dropping it deletes it.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let directory = env::temp_dir().join(names::fresh("workshop-scene"));
        fs::create_dir(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(Self(directory))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    /// Returns the path of a file in the directory, which may not exist yet.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Returns what a file contains. One that is missing is empty.
    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> anyhow::Result<()> {
        fs::write(self.path(file), text).with_context(|| format!("cannot write {file}"))
    }

    pub(crate) fn remove(&self, file: &str) -> anyhow::Result<()> {
        fs::remove_file(self.path(file)).with_context(|| format!("cannot remove {file}"))
    }

    /// Returns the names of the files, in their order.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let names = entries.map(|it| it.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The program may have deleted it, or may still write to it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
