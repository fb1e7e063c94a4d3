//! What only an embedded cluster is put through: killed, damaged, its nodes failing, its disk full,
//! started and stopped inside of a process.
//!
//! One program for all of them, because they wait more than they compute.

mod broker_settings;
mod committing;
mod coordination;
mod dead_letters;
mod durability;
mod durability_damage;
mod durability_forgetting;
mod durability_full_disk;
mod durability_state;
mod failover;
mod failover_clients;
mod failover_forgetting;
mod failover_wire;
mod forgotten;
mod isolation_lifecycle;
mod publishing;
mod workshop;
