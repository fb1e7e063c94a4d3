//! Avro schemas.
//!
//! Java's parser is the reference: Confluent's registry uses it, stores what it prints, and
//! compares schemas with Java's `SchemaCompatibility`. The crate apache-avro accepts other schemas
//! and keeps other attributes, so this room has its own parser, over the small [`tree`].

mod attributes;
mod compatibility;
mod defaults;
mod jackson;
mod json;
mod normalize;
mod parse;
mod print;
mod schema;
mod tree;

pub(super) use compatibility::differences;
pub(super) use schema::Avro;
