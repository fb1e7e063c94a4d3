//! The scenarios: one file for each area, or a directory if there are many.
//!
//! A scenario is a function that sends requests and summarizes the responses; its name is its area
//! and its own name. It is listed at the top of its file. Steps that it depends on use `?`: a step
//! that fails is an outcome that no recording contains.

mod batches;
mod brokers;
mod churn;
mod committed;
mod configs;
mod connections;
mod eligible;
mod fencing;
mod fetch;
mod forgotten;
mod groups;
mod idempotence;
mod instances;
mod log_dirs;
mod markers;
mod metadata;
mod moved_logs;
mod newest;
mod offsets;
mod partitions;
mod produce;
mod quorum;
mod replicas;
mod resources;
mod static_members;
mod timeouts;
mod topics;
mod transactional;
mod transactions;
mod versions;

use crate::scenario::Scenario;

/// Returns all scenarios, area by area.
pub fn suite() -> Vec<Scenario> {
    [
        topics::scenarios(),
        partitions::scenarios(),
        configs::scenarios(),
        configs::values(),
        brokers::scenarios(),
        brokers::values(),
        brokers::described(),
        metadata::scenarios(),
        log_dirs::scenarios(),
        produce::scenarios(),
        batches::scenarios(),
        idempotence::scenarios(),
        fetch::scenarios(),
        offsets::scenarios(),
        committed::scenarios(),
        groups::scenarios(),
        static_members::scenarios(),
        churn::scenarios(),
        transactions::scenarios(),
        fencing::scenarios(),
        timeouts::scenarios(),
        connections::scenarios(),
        connections::features(),
        versions::scenarios(),
        versions::ranges(),
        quorum::scenarios(),
        resources::scenarios(),
        moved_logs::scenarios(),
        replicas::scenarios(),
        instances::scenarios(),
        newest::scenarios(),
        markers::scenarios(),
        forgotten::scenarios(),
        eligible::all(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_has_a_unique_name() {
        let suite = suite();
        let names: BTreeSet<&str> = suite.iter().map(Scenario::name).collect();
        assert_eq!(names.len(), suite.len());
    }
}
