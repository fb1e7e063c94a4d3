//! Transactions as a client sees them: its own results, and what readers see.

mod describing;
mod ending;
mod open;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario> {
    [ending::scenarios(), describing::scenarios()].concat()
}
