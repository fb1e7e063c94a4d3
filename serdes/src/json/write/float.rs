//! Floats as JSON has them.

use serde::Serialize;
use serde::ser::Error as _;

use super::super::tree::Tree;
use super::unfit::Unfit;

pub(super) fn float(value: impl Serialize, is_finite: bool) -> Result<Tree, Unfit> {
    if !is_finite {
        return Err(Unfit::here("is not a number (NaN or infinite), and JSON has no such value"));
    }
    // The shortest digits that are read as this float again.
    serde_json::to_string(&value).map(Tree::Number).map_err(Unfit::custom)
}
