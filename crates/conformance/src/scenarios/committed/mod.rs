//! Committed offsets of groups: who may commit, what is remembered, and deleting it.

mod deleting;
mod keeping;
mod requests;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario> {
    [deleting::scenarios(), keeping::scenarios()].concat()
}
