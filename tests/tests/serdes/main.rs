//! The serializers on a registry and a cluster: what one writes the other reads, under every
//! setting, what goes wrong says so, and Confluent's Python client understands all of it.

mod avro;
mod faults;
mod formats;
mod header;
mod java_formats;
mod place;
mod python;
mod registry;
