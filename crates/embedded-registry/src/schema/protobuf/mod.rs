//! Protobuf files.
//!
//! They are read as Confluent's registry reads them: types must be there, options need not. A file
//! comes as text, or as the base64 text of its descriptor, which is what Confluent's Python client
//! sends. Its canonical form is the file printed anew, without comments.

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
