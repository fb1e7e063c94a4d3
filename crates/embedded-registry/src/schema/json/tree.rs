//! A JSON Schema as a tree of kinds, in which references are resolved.
//!
//! Nodes are in a list and refer to each other by index, because schemas can be circular.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

/// An index into the list of nodes.
pub(super) type Id = usize;

/// All nodes; the first is the root.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) has_default: bool,
}

#[derive(Debug, Default)]
pub(super) enum Kind {
    /// Every value is valid.
    #[default]
    Any,
    /// No value is valid.
    Never,
    Reference(Id),
    Object(Box<Object>),
    Array(Box<Array>),
    String(Text),
    Number(Number),
    Boolean,
    Null,
    /// One of these values; `const` is an enum with one value.
    Enum(Vec<Value>),
    Not(Id),
    Combined(Criterion, Vec<Id>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Criterion {
    All,
    Any,
    One,
}

#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) properties: BTreeMap<String, Id>,
    pub(super) required: BTreeSet<String>,
    /// An expression that cannot be evaluated here matches nothing.
    pub(super) patterns: Vec<(Option<Regex>, Id)>,
    pub(super) others: Others,
    pub(super) needs_properties: BTreeMap<String, BTreeSet<String>>,
    pub(super) needs_schemas: BTreeMap<String, Id>,
    pub(super) max_properties: Option<f64>,
    pub(super) min_properties: Option<f64>,
}

/// The rule for properties, or items, that are not listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Others {
    #[default]
    Open,
    Closed,
    Schema(Id),
}

#[derive(Debug, Default)]
pub(super) struct Array {
    /// The schema of all items.
    pub(super) all: Option<Id>,
    /// The schemas of the first items, in order.
    pub(super) items: Vec<Id>,
    /// The rule for the items after these.
    pub(super) others: Others,
    pub(super) max_items: Option<f64>,
    pub(super) min_items: Option<f64>,
    pub(super) unique: bool,
}

#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) max_length: Option<f64>,
    pub(super) min_length: Option<f64>,
    pub(super) pattern: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Number {
    pub(super) is_integer: bool,
    pub(super) maximum: Option<f64>,
    pub(super) minimum: Option<f64>,
    pub(super) exclusive_maximum: Option<f64>,
    pub(super) exclusive_minimum: Option<f64>,
    pub(super) multiple_of: Option<f64>,
}

impl Tree {
    /// Returns the node behind references; a circle of references alone allows everything.
    pub(super) fn resolved(&self, id: Id) -> (Id, &Node) {
        let mut at = id;
        for _ in 0..=self.nodes.len() {
            match self.nodes[at].kind {
                Kind::Reference(next) => at = next,
                _ => break,
            }
        }
        (at, &self.nodes[at])
    }
}

impl Object {
    /// Returns whether properties that are not listed may have any value.
    pub(super) fn is_open(&self) -> bool {
        self.patterns.is_empty() && self.others == Others::Open
    }

    /// Returns the schema of a property that is not listed, if there is one.
    pub(super) fn schema_of_other(&self, property: &str) -> Option<Id> {
        let matches = |(pattern, _): &&(Option<Regex>, Id)| {
            pattern.as_ref().is_some_and(|pattern| pattern.is_match(property))
        };
        let by_pattern = self.patterns.iter().find(matches).map(|(_, id)| *id);
        by_pattern.or(self.others.schema())
    }
}

impl Others {
    pub(super) fn schema(self) -> Option<Id> {
        match self {
            Self::Schema(id) => Some(id),
            Self::Open | Self::Closed => None,
        }
    }
}
