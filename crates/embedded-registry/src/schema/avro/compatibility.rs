//! Checks whether a reader's schema can resolve a writer's: the rules of the Avro specification
//! ("Schema Resolution") as Java's `SchemaCompatibility` applies them.
//!
//! If the two differ, this follows Java, like Confluent's registry: names are compared without
//! their namespace, and the parameters of logical types, such as the precision of a decimal, are
//! ignored.

use std::collections::HashMap;

use super::super::reason::Reason;
use super::schema::Avro;
use super::tree::{Enum, Field, Name, Node, Record};

/// The maximum number of type pairs to compare. Unions of records can require very many.
const MAX_COMPARISONS: u32 = 200_000;

/// The maximum nesting of types, names followed.
const MAX_DEPTH: usize = 1_000;

/// Returns why `reader` cannot resolve data of `writer`; empty if it can.
pub(in super::super) fn differences(reader: &Avro, writer: &Avro) -> Vec<Reason> {
    let mut checker =
        Checker { reader, writer, known: HashMap::new(), left: MAX_COMPARISONS, depth: 0 };
    checker.check(&reader.root, &writer.root, "")
}

struct Checker<'a> {
    reader: &'a Avro,
    writer: &'a Avro,
    /// Named type pairs that were compared or are being compared: the latter count as compatible,
    /// and the comparison in progress finds the rest.
    known: HashMap<(String, String), Vec<Reason>>,
    left: u32,
    depth: usize,
}

impl<'a> Checker<'a> {
    fn check(&mut self, reader: &'a Node, writer: &'a Node, path: &str) -> Vec<Reason> {
        let left = self.left.checked_sub(1).filter(|_| self.depth < MAX_DEPTH);
        let Some(left) = left else {
            let description = "the schemas are too large to be compared".to_owned();
            return vec![reason("TOO_COMPLEX", path, description)];
        };
        self.left = left;
        self.depth += 1;
        let reasons = self.check_resolved(reader, writer, path);
        self.depth -= 1;
        reasons
    }

    fn check_resolved(&mut self, reader: &'a Node, writer: &'a Node, path: &str) -> Vec<Reason> {
        let reader = reader.resolved(&self.reader.names);
        let writer = writer.resolved(&self.writer.names);
        let (Some(reader_name), Some(writer_name)) = (reader.name(), writer.name()) else {
            return self.compare(reader, writer, path);
        };
        let pair = (reader_name.full(), writer_name.full());
        if let Some(known) = self.known.get(&pair) {
            return known.clone();
        }
        self.known.insert(pair.clone(), Vec::new());
        let reasons = self.compare(reader, writer, path);
        self.known.insert(pair, reasons.clone());
        reasons
    }

    fn compare(&mut self, reader: &'a Node, writer: &'a Node, path: &str) -> Vec<Reason> {
        match (reader, writer) {
            (Node::Union(_), Node::Union(branches)) => {
                let mut reasons = Vec::new();
                for (index, branch) in branches.iter().enumerate() {
                    let path = format!("{path}/{index}");
                    if !self.check(reader, branch, &path).is_empty() {
                        reasons.push(missing_branch(self.kind(branch), &path));
                    }
                }
                reasons
            }
            (_, Node::Union(branches)) => {
                branches.iter().flat_map(|branch| self.check(reader, branch, path)).collect()
            }
            (Node::Union(branches), _) => {
                let reads = |branch| self.check(branch, writer, path).is_empty();
                if branches.iter().any(reads) {
                    return Vec::new();
                }
                vec![missing_branch(writer.kind(), path)]
            }
            (Node::Array(reader, _), Node::Array(writer, _)) => {
                self.check(reader, writer, &format!("{path}/items"))
            }
            (Node::Map(reader, _), Node::Map(writer, _)) => {
                self.check(reader, writer, &format!("{path}/values"))
            }
            (Node::Fixed(reader), Node::Fixed(writer)) => {
                let mut reasons = names_differ((&reader.name, &reader.aliases), &writer.name, path);
                if reader.size != writer.size {
                    let description =
                        format!("expected size {}, found {}", writer.size, reader.size);
                    reasons.push(reason(
                        "FIXED_SIZE_MISMATCH",
                        &format!("{path}/size"),
                        description,
                    ));
                }
                reasons
            }
            (Node::Enum(reader), Node::Enum(writer)) => enums_differ(reader, writer, path),
            (Node::Record(reader), Node::Record(writer)) => self.records(reader, writer, path),
            (Node::Primitive(reader, _), Node::Primitive(writer, _))
                if promotes(writer, reader) =>
            {
                Vec::new()
            }
            _ => {
                let description = format!(
                    "the type {} of the reader does not read the type {} of the writer",
                    reader.kind(),
                    writer.kind()
                );
                vec![reason("TYPE_MISMATCH", path, description)]
            }
        }
    }

    fn records(&mut self, reader: &'a Record, writer: &'a Record, path: &str) -> Vec<Reason> {
        let mut reasons = names_differ((&reader.name, &reader.aliases), &writer.name, path);
        for (index, field) in reader.fields.iter().enumerate() {
            let path = format!("{path}/fields/{index}");
            match written_as(field, writer) {
                Some(written) => {
                    reasons.extend(self.check(&field.node, &written.node, &format!("{path}/type")));
                }
                None if field.default.is_some() => {}
                None => {
                    let description = format!(
                        "the field {} has no default value and is missing in the writer's schema",
                        field.name
                    );
                    reasons.push(reason("READER_FIELD_MISSING_DEFAULT_VALUE", &path, description));
                }
            }
        }
        reasons
    }

    fn kind(&self, writer: &'a Node) -> &'static str {
        writer.resolved(&self.writer.names).kind()
    }
}

/// Returns whether one primitive type can be read as another.
fn promotes(writer: &str, reader: &str) -> bool {
    writer == reader
        || matches!(
            (writer, reader),
            ("int", "long" | "float" | "double")
                | ("long", "float" | "double")
                | ("float", "double")
                | ("string", "bytes")
                | ("bytes", "string")
        )
}

/// Finds the writer's field for a reader's field: by its name or by one of the reader's aliases.
fn written_as<'a>(field: &Field, writer: &'a Record) -> Option<&'a Field> {
    let mut names = std::iter::once(&field.name).chain(&field.aliases);
    names.find_map(|name| writer.fields.iter().find(|written| written.name == *name))
}

fn enums_differ(reader: &Enum, writer: &Enum, path: &str) -> Vec<Reason> {
    let mut reasons = names_differ((&reader.name, &reader.aliases), &writer.name, path);
    let has_default =
        reader.default.as_ref().is_some_and(|default| reader.symbols.contains(default));
    let unknown: Vec<&str> = writer
        .symbols
        .iter()
        .filter(|symbol| !reader.symbols.contains(symbol))
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() && !has_default {
        let description = format!("the reader's enum lacks the symbols {}", unknown.join(", "));
        reasons.push(reason("MISSING_ENUM_SYMBOLS", &format!("{path}/symbols"), description));
    }
    reasons
}

fn names_differ((reader, aliases): (&Name, &[Name]), writer: &Name, path: &str) -> Vec<Reason> {
    if reader.short == writer.short || aliases.contains(writer) {
        return Vec::new();
    }
    let description = format!("expected: {}", writer.full());
    vec![reason("NAME_MISMATCH", &format!("{path}/name"), description)]
}

fn missing_branch(kind: &str, path: &str) -> Reason {
    reason("MISSING_UNION_BRANCH", path, format!("reader union lacking writer type: {kind}"))
}

fn reason(kind: &'static str, path: &str, description: String) -> Reason {
    let path = if path.is_empty() { "/" } else { path };
    Reason { kind, path: path.to_owned(), description }
}
