//! What clients see of a cluster that they know by its address alone, embedded or Apache Kafka:
//! librdkafka, the helpers on it, the examples, and the clients of Java and Python.
//!
//! One program for all of them, because they wait more than they compute.

mod advice;
mod async_consumers;
mod committing;
mod configs;
mod conformance;
mod consume;
mod consumer_groups;
mod counted_partitions;
mod dead_letters;
mod endings;
mod examples;
mod examples_schemas;
mod forgetting;
mod groups;
mod helpers;
mod helpers_silent;
mod helpers_unanswered;
mod java;
mod json;
mod lag;
mod lineage;
mod lineage_python;
mod offsets;
mod produce;
mod rolling_restart;
mod seek_back;
mod topics;
mod transactions;
