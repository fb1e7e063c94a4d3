//! Sockets: listeners, connections and frames.

mod shape;
