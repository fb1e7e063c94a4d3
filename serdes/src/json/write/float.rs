//! Writes floats as JSON.

use serde::Serialize;
use serde::ser::Error as _;

use super::super::tree::Tree;
use super::error::WriteError;

pub(super) fn float(value: impl Serialize, is_finite: bool) -> Result<Tree, WriteError> {
    if !is_finite {
        return Err(WriteError::new(
            "is not a number (NaN or infinite), and JSON has no such value",
        ));
    }
    // The shortest digits that are read as the same float.
    serde_json::to_string(&value).map(Tree::Number).map_err(WriteError::custom)
}
