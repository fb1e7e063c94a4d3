//! The cleaner against a model, and against kills.

mod batches;
mod kills;
mod model;
