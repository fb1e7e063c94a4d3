//! Avro schemas.
//!
//! Java decides what one is: Confluent's registry asks Java's parser, stores what Java prints, and
//! compares by the rules of Java's `SchemaCompatibility`. The crate apache-avro differs from it in
//! what it takes for a schema and in what it keeps of one, so all of that is here, over the small
//! [`tree`].

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
