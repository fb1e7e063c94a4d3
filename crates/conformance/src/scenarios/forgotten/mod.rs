//! Deletes the topics of the coordinators, which then lose their state.
//!
//! Every other scenario needs these topics, so these scenarios run alone.

mod groups;
mod topics;
mod transactions;

use crate::scenario::Scenario;
pub(super) use groups::fetched;

pub(super) fn scenarios() -> Vec<Scenario> {
    let all = [groups::scenarios(), transactions::scenarios()].concat();
    all.into_iter().map(Scenario::alone).collect()
}
