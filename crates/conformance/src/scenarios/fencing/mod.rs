//! Transactions request by request: fenced producers, and requests in the wrong order.

mod parts;
mod producers;
mod stage;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario> {
    [producers::scenarios(), parts::scenarios()].concat()
}
