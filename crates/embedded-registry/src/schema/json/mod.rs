//! JSON Schemas.
//!
//! The specification has no rules of compatibility: Confluent's are meant, see [`compatibility`].
//! The crate jsonschema says whether a schema is one, by the draft that its `$schema` names, or
//! draft 7.

mod compatibility;
mod load;
mod schema;
mod tree;

pub(super) use compatibility::differences;
pub(super) use schema::Json;
