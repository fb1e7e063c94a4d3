//! Topics, partitions, settings and nodes.

pub(crate) mod config;
pub(crate) mod names;
