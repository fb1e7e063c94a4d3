//! JSON Schemas.
//!
//! The specification has no rules for compatibility, so those of Confluent's registry apply, see
//! [`compatibility`]. The crate jsonschema validates a schema by the draft that its `$schema`
//! names, or by draft 7.

mod compatibility;
mod load;
mod schema;
mod tree;

pub(super) use compatibility::differences;
pub(super) use schema::Json;
