//! The checkout of the workshop that this command belongs to.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// Returns the root of the checkout in which this command was built.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let moved = || format!("{} no longer exists: run the command in its checkout", root.display());
    root.canonicalize().with_context(moved)
}
