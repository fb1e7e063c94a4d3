//! The graph of imports between the files of a program, read from their tokens.
//!
//! An arrow goes from a file to the file that defines a name it uses. A re-export (`pub use`) is no
//! arrow: names are followed through it to the file behind it, so a mod.rs may present its room.
//! `#[cfg(test)]` items are left out, and so are methods, which no path names.

mod graph;
mod names;
mod tokens;

pub use graph::{Arrow, Graph};
