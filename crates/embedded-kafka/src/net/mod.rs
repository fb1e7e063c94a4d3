//! Sockets: listeners, connections and frames.
