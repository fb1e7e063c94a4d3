//! Tests that compare the cleaner with a model, and that kill it.

mod batches;
mod kills;
mod model;
