//! Topics of the coordinators that an administrator deletes: what was kept there is forgotten.
//!
//! These scenarios take away what every other one needs, and play alone.

mod groups;
mod topics;
mod transactions;

use crate::scenario::Scenario;
pub(super) use groups::fetched;

pub(super) fn scenarios() -> Vec<Scenario> {
    let all = [groups::scenarios(), transactions::scenarios()].concat();
    all.into_iter().map(Scenario::alone).collect()
}
