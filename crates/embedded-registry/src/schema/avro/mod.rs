//! Avro schemas.
//!
//! The crate apache-avro says whether a schema is one. Its canonical form leaves out defaults,
//! aliases and documentation, which readers need, and its check of compatibility differs from
//! Java's in aliases, enum defaults and nested unions. So both are here, over the small [`tree`]:
//! the form that Java's `Schema.toString` prints, and the rules of Java's `SchemaCompatibility`,
//! which are those of Confluent's registry.

mod canonical;
mod compatibility;
mod ordered;
mod tree;

use std::panic::catch_unwind;

use serde_json::Value;

pub(super) use compatibility::differences;

use super::Dependency;

/// An Avro schema and the named types that it can refer to.
pub(super) struct Avro {
    written: ordered::Ordered,
    root: tree::Node,
    names: tree::Names,
}

impl Avro {
    pub(super) fn parse(text: &str, dependencies: &[Dependency]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let mut names = tree::Names::default();
        for dependency in dependencies {
            let value: Value =
                serde_json::from_str(&dependency.text).map_err(|error| error.to_string())?;
            tree::read(&value, "", &mut names)?;
        }
        let root = tree::read(&value, "", &mut names)?;
        check(text, dependencies)?;
        let written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self { written, root, names })
    }

    /// The schema as Java prints it. Normalised, attributes of the author's own are in the order
    /// of their names.
    pub(super) fn canonical(&self, normalize: bool) -> String {
        canonical::print(&self.written, normalize)
    }
}

/// Whether apache-avro takes it. In some schemas that are not valid it panics.
fn check(text: &str, dependencies: &[Dependency]) -> Result<(), String> {
    let needed: Vec<&str> = dependencies.iter().map(|it| it.text.as_str()).collect();
    let parsed = catch_unwind(|| apache_avro::Schema::parse_str_with_list(text, needed));
    match parsed {
        Ok(parsed) => parsed.map(drop).map_err(|error| error.to_string()),
        Err(_) => Err("it is not valid".to_owned()),
    }
}
