//! Resolves a writer's schema to a reader's by the rules of the Avro specification ("Schema
//! Resolution") as Java's `Resolver` applies them, once for each writer.
//!
//! An unresolvable part is rejected only when a value needs it: a branch that the reader lacks does
//! not matter until someone writes it. If the registry considers two schemas compatible but Java's
//! reader fails (names with different namespaces, two fields that share an alias), this follows the
//! registry.

mod names;
mod union;

use std::collections::HashMap;
use std::sync::Arc;

use names::{feeds, is_same};

use super::default;
use super::mismatch::Depth;
use super::plan::{Plan, RecordStep, Step, Wanted, Written, WrittenField};
use super::read;
use super::schema::{Enum, Id, Kind, Record, Schema};
use super::value::AvroValue;

/// Plans how a reader with one schema reads messages that were written with another.
pub(super) fn plan(writer: &Schema, reader: &Schema) -> Plan {
    between((writer, writer.root), (reader, reader.root))
}

fn between((writer, written): (&Schema, Id), (reader, wanted): (&Schema, Id)) -> Plan {
    let (steps, known, skipped) = (Vec::new(), HashMap::new(), HashMap::new());
    let depth = Depth::here();
    let with_aliases = !std::ptr::eq(writer, reader) && writer != reader;
    let mut planner = Planner { writer, reader, steps, known, skipped, depth, with_aliases };
    let root = planner.step(written, wanted);
    Plan { steps: planner.steps, root }
}

struct Planner<'a> {
    writer: &'a Schema,
    reader: &'a Schema,
    steps: Vec<Step>,
    known: HashMap<(Id, Id), usize>,
    /// Steps that read a value as it was written, in order to skip it.
    skipped: HashMap<Id, usize>,
    depth: Depth,
    /// Java applies the reader's aliases only if the schemas differ in more than their aliases.
    with_aliases: bool,
}

impl<'a> Planner<'a> {
    /// Returns the step for a pair of types.
    fn step(&mut self, writer: Id, reader: Id) -> usize {
        if let Some(step) = self.known.get(&(writer, reader)) {
            return *step;
        }
        let place = self.push(Step::Pending);
        self.known.insert((writer, reader), place);
        self.steps[place] = match self.depth.is_too_deep() {
            true => Step::Rejected(None, "is of a type that is nested too deeply".to_owned()),
            false => self.resolve(writer, reader),
        };
        place
    }

    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// Returns the step that reads a type as it was written.
    fn skip(&mut self, written: Id) -> usize {
        if let Some(step) = self.skipped.get(&written) {
            return *step;
        }
        let place = self.push(Step::Pending);
        self.skipped.insert(written, place);
        let (known, skipped) = (HashMap::new(), std::mem::take(&mut self.skipped));
        let steps = std::mem::take(&mut self.steps);
        let (writer, reader, depth) = (self.writer, self.writer, self.depth);
        let mut as_written =
            Planner { writer, reader, steps, known, skipped, depth, with_aliases: false };
        as_written.known.insert((written, written), place);
        let step = as_written.resolve(written, written);
        (self.steps, self.skipped) = (as_written.steps, as_written.skipped);
        self.steps[place] = step;
        place
    }

    fn resolve(&mut self, writer: Id, reader: Id) -> Step {
        let (written, wanted) = (self.writer.get(writer), self.reader.get(reader));
        let logical = wanted.logical;
        match (&written.kind, &wanted.kind) {
            (Kind::Union(branches), _) => {
                Step::Branches(branches.iter().map(|it| self.step(*it, reader)).collect())
            }
            (_, Kind::Union(branches)) => self.reader_union(writer, branches),
            (Kind::Null, Kind::Null) => Step::Null,
            (Kind::Boolean, Kind::Boolean) => Step::Boolean,
            (Kind::Bytes | Kind::String, Kind::Bytes) => Step::Bytes(false, logical),
            (Kind::Bytes | Kind::String, Kind::String) => Step::Bytes(true, logical),
            (Kind::Fixed(old, old_size), Kind::Fixed(new, size))
                if is_same(old, new, self.with_aliases) && old_size == size =>
            {
                Step::Fixed(*size, logical)
            }
            (Kind::Enum(old), Kind::Enum(new))
                if is_same(&old.name, &new.name, self.with_aliases) =>
            {
                enumeration(old, new)
            }
            (Kind::Array(old), Kind::Array(new)) => Step::Array(self.step(*old, *new)),
            (Kind::Map(old), Kind::Map(new)) => Step::Map(self.step(*old, *new)),
            (Kind::Record(old), Kind::Record(new)) => self.record(old, new),
            (old, new) => match number(old, new) {
                Some((written, wanted)) => Step::Number(written, wanted),
                None => self.refused(writer, reader),
            },
        }
    }

    fn refused(&self, writer: Id, reader: Id) -> Step {
        let (written, wanted) = (self.writer.label(writer), self.reader.label(reader));
        let problem = format!("is {written}, but the reader's schema says {wanted}");
        Step::Rejected(None, problem)
    }

    fn record(&mut self, old: &'a Record, new: &'a Record) -> Step {
        let feeds = feeds(old, new, self.with_aliases);
        let mut defaults = Vec::new();
        for (place, field) in new.fields.iter().enumerate() {
            if feeds.iter().flatten().any(|it| *it == place) {
                continue;
            }
            let missing = "is missing, and the schema has no default for it".to_owned();
            let default = field.default.as_ref().ok_or(missing);
            match default.and_then(|value| self.default(field.schema, value)) {
                Ok(value) => defaults.push((place, value)),
                Err(problem) => return Step::Rejected(Some(field.name.clone()), problem),
            }
        }
        let mut written = Vec::with_capacity(old.fields.len());
        for (field, places) in old.fields.iter().zip(feeds) {
            let fields: Vec<(usize, usize)> = places
                .into_iter()
                .map(|place| (place, self.step(field.schema, new.fields[place].schema)))
                .collect();
            let skip = if fields.is_empty() { self.skip(field.schema) } else { 0 };
            written.push(WrittenField { name: field.name.clone(), skip, fields });
        }
        let names = new.fields.iter().map(|it| it.name.clone()).collect();
        Step::Record(RecordStep { names, written, defaults })
    }

    /// Reads a default as if the writer had written it.
    fn default(&self, id: Id, value: &serde_json::Value) -> Result<AvroValue, String> {
        let mut bytes = Vec::new();
        default::encode(self.reader, id, value, &mut bytes)?;
        let invalid = |_| "has a default in the schema that cannot be read".to_owned();
        let as_written = (self.reader, id);
        read::value(&between(as_written, as_written), &bytes).map_err(invalid)
    }
}

fn enumeration(old: &Enum, new: &Enum) -> Step {
    let symbols: Vec<Arc<str>> = new.symbols.iter().map(|it| it.as_str().into()).collect();
    let find = |symbol: &str| symbols.iter().find(|it| ***it == *symbol).cloned();
    let default = new.default.as_deref().and_then(find);
    Step::Enum(old.symbols.iter().map(|it| find(it).or_else(|| default.clone())).collect())
}

/// Returns how a number is promoted: numbers can become larger types, but not smaller ones.
fn number(old: &Kind, new: &Kind) -> Option<(Written, Wanted)> {
    let written = match old {
        Kind::Int => Written::Int,
        Kind::Long => Written::Long,
        Kind::Float => Written::Float,
        Kind::Double => Written::Double,
        _ => return None,
    };
    Some(match (written, new) {
        (Written::Int, Kind::Int) => (written, Wanted::Int),
        (Written::Int | Written::Long, Kind::Long) => (written, Wanted::Long),
        (Written::Int | Written::Long | Written::Float, Kind::Float) => (written, Wanted::Float),
        (_, Kind::Double) => (written, Wanted::Double),
        _ => return None,
    })
}
