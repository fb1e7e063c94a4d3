//! A temporary directory for the files of a scene.

use std::path::PathBuf;
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

    /// Returns the path of a file in the directory, which may not exist yet.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The program may have deleted it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
