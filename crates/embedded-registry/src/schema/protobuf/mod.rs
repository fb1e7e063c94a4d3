//! Protobuf files.
//!
//! They are read as in Confluent's registry: types must exist, options do not have to. A file is
//! given as text, or as the base64 text of its descriptor, which Confluent's Python client sends.
//! Its canonical form is the file printed again without comments.

mod compatibility;
mod decompile;
mod descriptor;
mod element;
mod file;
mod known;
mod meta;
mod model;
mod normal;
mod number;
mod options;
mod parse;
mod print;
mod scan;
mod settings;
mod symbols;

pub(super) use compatibility::differences;
pub(super) use file::Protobuf;
