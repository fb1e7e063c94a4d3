//! The classic group protocol, request by request: joining, assignments, heartbeats, leaving.

mod joining;
mod members;
mod stable;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario> {
    [joining::scenarios(), members::scenarios()].concat()
}
