//! Topics, partitions, settings and nodes.
