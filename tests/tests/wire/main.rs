//! Single requests as bytes, at every version: what a cluster answers to each API, right or wrong.
//!
//! One program for all of them, because they wait more than they compute.

mod abuse;
mod admin;
mod consumer_groups;
mod fetch;
mod fetch_sessions;
mod group_configs;
mod group_migration;
mod group_offsets;
mod groups;
mod idempotence;
mod log_dirs;
mod metadata;
mod offsets;
mod produce;
mod reassign;
mod transactions;
mod txn_offsets;
mod versions;
