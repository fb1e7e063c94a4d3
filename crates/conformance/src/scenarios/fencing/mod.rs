//! Transactions request by request: producers of the past, and requests out of turn.

mod parts;
mod producers;
mod stage;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario> {
    [producers::scenarios(), parts::scenarios()].concat()
}
