//! Transactions as a client sees them: what its readers get, and the responses to it.

mod describing;
mod ending;
mod open;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario> {
    [ending::scenarios(), describing::scenarios()].concat()
}
