//! Committed offsets of groups: permission to commit, stored values, and deletion.

mod deleting;
mod keeping;
mod requests;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario> {
    [deleting::scenarios(), keeping::scenarios()].concat()
}
