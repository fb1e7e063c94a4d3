//! Parses an Avro schema and prints it in several forms.

use std::collections::HashSet;

use super::print::Form;

use super::super::dependency::Dependency;
use super::{normalize, parse, print, tree};

/// An Avro schema and the named types that it can refer to.
pub(in super::super) struct Avro {
    pub(super) root: tree::Node,
    pub(super) names: tree::Names,
    /// The names of the types in the schemas that it refers to.
    pub(super) dependencies: HashSet<String>,
}

impl Avro {
    /// Reads a schema after the ones it refers to. In strict mode, each default must have its
    /// field's type.
    pub(in super::super) fn parse(
        text: &str,
        dependencies: &[Dependency],
        strict: bool,
    ) -> Result<Self, String> {
        let mut parser = parse::Parser::new(strict);
        let mut roots = HashSet::new();
        for dependency in dependencies {
            let root = parser.read(&dependency.text)?;
            roots.extend(root.name().map(tree::Name::full));
        }
        let root = parser.read(text)?;
        Ok(Self { root, names: parser.names, dependencies: roots })
    }

    /// Returns the schema as Java prints it; types of other schemas appear by name. Normalized,
    /// everything that has no order in Avro is sorted.
    pub(in super::super) fn canonical(&self, normalize: bool) -> Result<String, String> {
        let known = self.dependencies.clone();
        if !normalize {
            return Ok(print::print(&self.root, &self.names, known, Form::Canonical));
        }
        let root = normalize::normalized(&self.root, &self.names)?;
        Ok(print::print(&root, &self.names, known, Form::Canonical))
    }

    /// Returns a text that two schemas share if they are equal in Java: references are spelled out,
    /// and everything without an order is sorted.
    pub(in super::super) fn meaning(&self) -> String {
        print::print(&self.root, &self.names, HashSet::new(), Form::Meaning)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Unusual schemas, with the text that Java prints for each as a new schema and as a known one;
    /// null if Java rejects it.
    const ODD: &str = include_str!("../../../../../tests/java-schemas/odd.jsonl");

    #[test]
    fn odd_schemas_are_rejected_and_printed_as_in_java() {
        let mut differ = Vec::new();
        let mut count = 0;
        for line in ODD.lines() {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            let text = line["schema"].as_str().expect("a schema is a text");
            let references = line["references"].as_array().expect("a list").iter();
            let texts = references.map(|it| it.as_str().expect("a schema is a text").to_owned());
            let dependencies: Vec<Dependency> =
                texts.map(|text| Dependency { name: String::new(), text }).collect();
            for (name, strict) in [("new", true), ("known", false)] {
                let read = Avro::parse(text, &dependencies, strict);
                let printed = read.and_then(|avro| avro.canonical(false));
                if printed.as_deref().ok() != line[name].as_str() {
                    differ.push(format!("{name} {text}: {printed:?}, Java {}", line[name]));
                }
                count += 1;
            }
        }
        assert!(count > 2_000, "the list is complete");
        assert!(differ.is_empty(), "{} of {count} differ: {differ:#?}", differ.len());
    }

    #[test]
    fn normalization_sorts_attributes_and_converts_defaults() {
        let rows = [
            (
                r#"{"z": {"y": 1, "x": 1e2}, "type": "int", "a": 2}"#,
                r#"{"type":"int","a":2,"z":{"x":100.0,"y":1}}"#,
            ),
            (
                r#"{"type":"bytes","scale":0,"b":1,"precision":4,"a":1,"logicalType":"decimal"}"#,
                r#"{"type":"bytes","logicalType":"decimal","precision":4,"a":1,"b":1,"scale":0}"#,
            ),
            (
                r#"{"type":"string","precision":4,"logicalType":"decimal"}"#,
                r#"{"type":"string","logicalType":"decimal","precision":4}"#,
            ),
            (
                r#"{"type":"error","name":"R","doc":"","aliases":["b","a"],"fields":[
                    {"name":"a","type":"double","default":1,"aliases":["d","c"],"doc":""},
                    {"name":"b","type":"float","default":0.1234567890123},
                    {"name":"c","type":["null","string"],"default":"s"}]}"#,
                r#"{"type":"record","name":"R","fields":[{"name":"a","type":"double","doc":"","default":1.0,"aliases":["c","d"]},{"name":"b","type":"float","default":0.12345679},{"name":"c","type":["null","string"]}],"aliases":["a","b"]}"#,
            ),
        ];
        for (given, normalized) in rows {
            let read = |text: &str| Avro::parse(text, &[], true).unwrap();
            let printed = read(given).canonical(true).unwrap();
            assert_eq!(printed, normalized);
            assert_eq!(read(&printed).canonical(true).unwrap(), normalized, "again");
        }
    }
}
