//! A JSON Schema as a tree of kinds, in which references are resolved.
//!
//! Nodes stand in a list and know each other by their index there, because schemas may go round
//! in circles.

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
    /// One of these values; `const` is an enum of one.
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
    /// Where the expression is none that can be evaluated here, it matches nothing.
    pub(super) patterns: Vec<(Option<Regex>, Id)>,
    pub(super) others: Others,
    pub(super) needs_properties: BTreeMap<String, BTreeSet<String>>,
    pub(super) needs_schemas: BTreeMap<String, Id>,
    pub(super) max_properties: Option<f64>,
    pub(super) min_properties: Option<f64>,
}

/// What holds for properties, or items, that are not listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Others {
    #[default]
    Open,
    Closed,
    Schema(Id),
}

#[derive(Debug, Default)]
pub(super) struct Array {
    /// For all items.
    pub(super) all: Option<Id>,
    /// For the first, the second and so on.
    pub(super) items: Vec<Id>,
    /// For those after these.
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
    /// The node behind references; a circle of nothing but references allows everything.
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
    /// Whether properties that are not listed may hold anything.
    pub(super) fn is_open(&self) -> bool {
        self.patterns.is_empty() && self.others == Others::Open
    }

    /// The schema of a property that is not listed, where there is one.
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
