//! Checks whether every value that is valid under an older JSON Schema is valid under a newer one.
//!
//! JSON Schema itself has no such rules, so these are the ones of Confluent's registry. Two of them
//! are surprising: adding a property to an *open* object (whose `additionalProperties` is missing
//! or true) is incompatible, because the older schema allowed any value under that name; and
//! removing one from a *closed* object is incompatible, because old data has that property.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::super::reason::Reason;
use super::schema::Json;
use super::tree::{Array, Criterion, Id, Kind, Number, Object, Others, Text, Tree};

/// The maximum number of schema pairs to compare. Nested combinations can require very many.
const MAX_COMPARISONS: u32 = 200_000;

/// The maximum nesting of schemas, references followed.
const MAX_DEPTH: usize = 1_000;

/// Returns why `reader` rejects a value that is valid under `writer`; empty if it does not.
pub(in super::super) fn differences(reader: &Json, writer: &Json) -> Vec<Reason> {
    let mut comparison = Comparison {
        old: &writer.tree,
        new: &reader.tree,
        open: HashSet::new(),
        left: MAX_COMPARISONS,
    };
    comparison.compare(0, 0, "#")
}

struct Comparison<'a> {
    old: &'a Tree,
    new: &'a Tree,
    /// Pairs being compared: a circular reference leads back to them and adds nothing new.
    open: HashSet<(Id, Id)>,
    left: u32,
}

impl Comparison<'_> {
    fn compare(&mut self, old: Id, new: Id, path: &str) -> Vec<Reason> {
        let left = self.left.checked_sub(1).filter(|_| self.open.len() < MAX_DEPTH);
        let Some(left) = left else {
            return incompatible("TOO_COMPLEX", path, "the schemas are too large to be compared");
        };
        self.left = left;
        let ((old, _), (new, _)) = (self.old.resolved(old), self.new.resolved(new));
        if !self.open.insert((old, new)) {
            return Vec::new();
        }
        let reasons = self.compare_resolved(old, new, path);
        self.open.remove(&(old, new));
        reasons
    }

    fn compare_resolved(&mut self, old_id: Id, new_id: Id, path: &str) -> Vec<Reason> {
        let (old_tree, new_tree) = (self.old, self.new);
        let (old, new) = (&old_tree.nodes[old_id].kind, &new_tree.nodes[new_id].kind);
        match (old, new) {
            (Kind::Never, _) | (_, Kind::Any) => Vec::new(),
            (Kind::Combined(of_old, old), Kind::Combined(of_new, new)) => {
                self.combined((*of_old, old), (*of_new, new), path)
            }
            (_, Kind::Combined(criterion, branches)) => {
                let counts = branches.len() == 1 || *criterion != Criterion::All;
                let mut branches = branches.iter();
                if counts && branches.any(|new| self.compare(old_id, *new, path).is_empty()) {
                    return Vec::new();
                }
                type_changed(path)
            }
            (Kind::Combined(_, branches), _) if branches.len() == 1 => {
                self.compare(branches[0], new_id, path)
            }
            (Kind::Object(old), Kind::Object(new)) => self.objects(old, new, path),
            (Kind::Array(old), Kind::Array(new)) => self.arrays(old, new, path),
            (Kind::String(old), Kind::String(new)) => texts(old, new, path),
            (Kind::Number(old), Kind::Number(new)) => numbers(old, new, path),
            (Kind::Enum(old), Kind::Enum(new)) => enums(old, new, path),
            (Kind::Not(old), Kind::Not(new)) => self.negated(*old, *new, path),
            (Kind::Boolean, Kind::Boolean) | (Kind::Null, Kind::Null) => Vec::new(),
            _ => type_changed(path),
        }
    }

    /// Compares the schemas of `not`. They may only exclude less, so the two change roles.
    fn negated(&mut self, old: Id, new: Id, path: &str) -> Vec<Reason> {
        let mut swapped =
            Comparison { old: self.new, new: self.old, open: HashSet::new(), left: self.left };
        let grown = !swapped.compare(new, old, path).is_empty();
        self.left = swapped.left;
        if grown {
            incompatible("NOT_TYPE_EXTENDED", path, "`not` excludes more")
        } else {
            Vec::new()
        }
    }

    fn combined(
        &mut self,
        (of_old, old): (Criterion, &[Id]),
        (of_new, new): (Criterion, &[Id]),
        path: &str,
    ) -> Vec<Reason> {
        let single = |branches: &[Id]| branches.len() == 1;
        let may_become = of_old == of_new
            || match of_new {
                Criterion::Any => true,
                Criterion::One => single(old),
                Criterion::All => single(old) && single(new),
            };
        if !may_become {
            let description = "allOf, anyOf and oneOf mean different things";
            return incompatible("COMBINED_TYPE_CHANGED", path, description);
        }
        let mut reasons = Vec::new();
        if new.len() > old.len() && of_new == Criterion::All {
            reasons.extend(incompatible(
                "PRODUCT_TYPE_EXTENDED",
                path,
                "allOf has more conditions",
            ));
        }
        if new.len() < old.len() && of_new != Criterion::All {
            reasons.extend(incompatible("SUM_TYPE_NARROWED", path, "a branch was removed"));
        }
        let reads: Vec<Vec<bool>> = old
            .iter()
            .map(|old| new.iter().map(|new| self.compare(*old, *new, path).is_empty()).collect())
            .collect();
        if matched(&reads, new.len()) < old.len().min(new.len()) {
            let description = "a branch has no counterpart that accepts the same values";
            reasons.extend(incompatible("COMBINED_TYPE_SUBSCHEMAS_CHANGED", path, description));
        }
        reasons
    }

    fn objects(&mut self, old: &Object, new: &Object, path: &str) -> Vec<Reason> {
        let mut reasons = self.required(old, new, path);
        let names: BTreeSet<&String> = old.properties.keys().chain(new.properties.keys()).collect();
        for name in names {
            let path = format!("{path}/properties/{name}");
            match (old.properties.get(name), new.properties.get(name)) {
                (Some(was), Some(is)) => reasons.extend(self.compare(*was, *is, &path)),
                (Some(was), None) => reasons.extend(self.removed(*was, new, name, &path)),
                (None, Some(is)) => reasons.extend(self.added(*is, old, new, name, &path)),
                (None, None) => {}
            }
        }
        let kinds = ("ADDITIONAL_PROPERTIES_REMOVED", "ADDITIONAL_PROPERTIES_NARROWED");
        let others = format!("{path}/additionalProperties");
        reasons.extend(self.others(old.others, new.others, kinds, &others));
        reasons.extend(self.dependencies(old, new, path));
        let (was, is) = (old.max_properties, new.max_properties);
        reasons.extend(upper_bound(was, is, "MAX_PROPERTIES", &format!("{path}/maxProperties")));
        let (was, is) = (old.min_properties, new.min_properties);
        reasons.extend(lower_bound(was, is, "MIN_PROPERTIES", &format!("{path}/minProperties")));
        reasons
    }

    fn required(&self, old: &Object, new: &Object, path: &str) -> Vec<Reason> {
        let common = old.properties.keys().filter(|name| new.properties.contains_key(*name));
        let newly = common
            .filter(|name| new.required.contains(*name) && !old.required.contains(*name))
            .filter(|name| !self.new.nodes[new.properties[*name]].has_default);
        newly
            .flat_map(|name| {
                let path = format!("{path}/required/{name}");
                incompatible("REQUIRED_ATTRIBUTE_ADDED", &path, "it was not required before")
            })
            .collect()
    }

    fn removed(&mut self, was: Id, new: &Object, name: &str, path: &str) -> Vec<Reason> {
        if new.is_open() {
            return Vec::new();
        }
        let Some(other) = new.schema_of_other(name) else {
            if matches!(self.old.resolved(was).1.kind, Kind::Never) {
                return Vec::new();
            }
            let description = "data has this property, and no other properties are allowed";
            return incompatible("PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", path, description);
        };
        let reasons = self.compare(was, other, path);
        if reasons.is_empty() {
            return reasons;
        }
        let kind = "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
        incompatible(kind, path, "the schema of unlisted properties does not allow it")
    }

    fn added(&mut self, is: Id, old: &Object, new: &Object, name: &str, path: &str) -> Vec<Reason> {
        if old.is_open() {
            if matches!(self.new.resolved(is).1.kind, Kind::Any) {
                return Vec::new();
            }
            let description = "data may already have this property, with any value";
            return incompatible("PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", path, description);
        }
        let mut reasons = Vec::new();
        if let Some(other) = old.schema_of_other(name)
            && !self.compare(other, is, path).is_empty()
        {
            let kind = "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
            let description = "data may already have this property, with a value of another type";
            reasons.extend(incompatible(kind, path, description));
        }
        if new.required.contains(name) && !self.new.nodes[is].has_default {
            let kind = "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL";
            reasons.extend(incompatible(kind, path, "it is required, and older data lacks it"));
        }
        reasons
    }

    fn others(
        &mut self,
        old: Others,
        new: Others,
        (removed, narrowed): (&'static str, &'static str),
        path: &str,
    ) -> Vec<Reason> {
        match (old, new) {
            (Others::Closed, _) | (_, Others::Open) => Vec::new(),
            (_, Others::Closed) => incompatible(removed, path, "unlisted ones were allowed"),
            (Others::Open, Others::Schema(_)) => {
                incompatible(narrowed, path, "unlisted ones could have any value")
            }
            (Others::Schema(old), Others::Schema(new)) => self.compare(old, new, path),
        }
    }

    fn dependencies(&mut self, old: &Object, new: &Object, path: &str) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for (name, needed) in &new.needs_properties {
            let path = format!("{path}/dependencies/{name}");
            match old.needs_properties.get(name) {
                Some(was) if needed.is_subset(was) => {}
                Some(was) if was.is_subset(needed) => {
                    reasons.extend(incompatible(
                        "DEPENDENCY_ARRAY_EXTENDED",
                        &path,
                        "it requires more properties",
                    ));
                }
                Some(_) => {
                    reasons.extend(incompatible(
                        "DEPENDENCY_ARRAY_CHANGED",
                        &path,
                        "it requires other properties",
                    ));
                }
                None => reasons.extend(incompatible("DEPENDENCY_ARRAY_ADDED", &path, "it is new")),
            }
        }
        for (name, is) in &new.needs_schemas {
            let path = format!("{path}/dependencies/{name}");
            match old.needs_schemas.get(name) {
                Some(was) => reasons.extend(self.compare(*was, *is, &path)),
                None => reasons.extend(incompatible("DEPENDENCY_SCHEMA_ADDED", &path, "it is new")),
            }
        }
        reasons
    }

    fn arrays(&mut self, old: &Array, new: &Array, path: &str) -> Vec<Reason> {
        let items = format!("{path}/items");
        let mut reasons = match (old.all, new.all) {
            (Some(old), Some(new)) => self.compare(old, new, &items),
            (None, Some(_)) => incompatible("SCHEMA_ADDED", &items, "items could have any value"),
            (_, None) => Vec::new(),
        };
        for index in 0..old.items.len().max(new.items.len()) {
            let path = format!("{items}/{index}");
            reasons.extend(match (old.items.get(index), new.items.get(index)) {
                (Some(was), Some(is)) => self.compare(*was, *is, &path),
                (Some(was), None) => self.item_removed(*was, new, &path),
                (None, Some(is)) => self.item_added(*is, old, &path),
                (None, None) => Vec::new(),
            });
        }
        let kinds = ("ADDITIONAL_ITEMS_REMOVED", "ADDITIONAL_ITEMS_NARROWED");
        let others = format!("{path}/additionalItems");
        reasons.extend(self.others(old.others, new.others, kinds, &others));
        let (was, is) = (old.max_items, new.max_items);
        reasons.extend(upper_bound(was, is, "MAX_ITEMS", &format!("{path}/maxItems")));
        let (was, is) = (old.min_items, new.min_items);
        reasons.extend(lower_bound(was, is, "MIN_ITEMS", &format!("{path}/minItems")));
        if new.unique && !old.unique {
            let path = format!("{path}/uniqueItems");
            reasons.extend(incompatible("UNIQUE_ITEMS_ADDED", &path, "items could be equal"));
        }
        reasons
    }

    fn item_removed(&mut self, was: Id, new: &Array, path: &str) -> Vec<Reason> {
        match new.others {
            Others::Open => Vec::new(),
            Others::Schema(other) if self.compare(was, other, path).is_empty() => Vec::new(),
            Others::Schema(_) => {
                let kind = "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                incompatible(kind, path, "the schema of additional items does not allow it")
            }
            Others::Closed if matches!(self.old.resolved(was).1.kind, Kind::Never) => Vec::new(),
            Others::Closed => {
                let description = "data has this item, and no additional items are allowed";
                incompatible("ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", path, description)
            }
        }
    }

    fn item_added(&mut self, is: Id, old: &Array, path: &str) -> Vec<Reason> {
        match old.others {
            Others::Closed => Vec::new(),
            Others::Open if matches!(self.new.resolved(is).1.kind, Kind::Any) => Vec::new(),
            Others::Open => {
                let description = "data may already have this item, with any value";
                incompatible("ITEM_ADDED_TO_OPEN_CONTENT_MODEL", path, description)
            }
            Others::Schema(other) if self.compare(other, is, path).is_empty() => Vec::new(),
            Others::Schema(_) => {
                let kind = "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                incompatible(
                    kind,
                    path,
                    "data may already have this item, with a value of another type",
                )
            }
        }
    }
}

/// Returns how many old branches can be paired with a new branch of their own: the size of a
/// maximum matching.
fn matched(reads: &[Vec<bool>], new: usize) -> usize {
    fn place(
        old: usize,
        reads: &[Vec<bool>],
        taken: &mut [Option<usize>],
        seen: &mut [bool],
    ) -> bool {
        for new in 0..taken.len() {
            if reads[old][new] && !seen[new] {
                seen[new] = true;
                if taken[new].is_none_or(|other| place(other, reads, taken, seen)) {
                    taken[new] = Some(old);
                    return true;
                }
            }
        }
        false
    }
    let mut taken = vec![None; new];
    (0..reads.len()).filter(|old| place(*old, reads, &mut taken, &mut vec![false; new])).count()
}

fn texts(old: &Text, new: &Text, path: &str) -> Vec<Reason> {
    let longest = format!("{path}/maxLength");
    let shortest = format!("{path}/minLength");
    let mut reasons = upper_bound(old.max_length, new.max_length, "MAX_LENGTH", &longest);
    reasons.extend(lower_bound(old.min_length, new.min_length, "MIN_LENGTH", &shortest));
    let path = format!("{path}/pattern");
    match (&old.pattern, &new.pattern) {
        (None, Some(_)) => reasons.extend(incompatible("PATTERN_ADDED", &path, "it is new")),
        (Some(was), Some(is)) if was != is => {
            reasons.extend(incompatible(
                "PATTERN_CHANGED",
                &path,
                "a different pattern matches different data",
            ));
        }
        _ => {}
    }
    reasons
}

fn numbers(old: &Number, new: &Number, path: &str) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if new.is_integer && !old.is_integer {
        reasons.extend(incompatible(
            "TYPE_NARROWED",
            path,
            "a number did not have to be an integer",
        ));
    }
    let at = |keyword: &str| format!("{path}/{keyword}");
    reasons.extend(upper_bound(old.maximum, new.maximum, "MAXIMUM", &at("maximum")));
    reasons.extend(lower_bound(old.minimum, new.minimum, "MINIMUM", &at("minimum")));
    let (was, is) = (old.exclusive_maximum, new.exclusive_maximum);
    reasons.extend(upper_bound(was, is, "EXCLUSIVE_MAXIMUM", &at("exclusiveMaximum")));
    let (was, is) = (old.exclusive_minimum, new.exclusive_minimum);
    reasons.extend(lower_bound(was, is, "EXCLUSIVE_MINIMUM", &at("exclusiveMinimum")));
    let path = at("multipleOf");
    match (old.multiple_of, new.multiple_of) {
        (None, Some(_)) => reasons.extend(incompatible("MULTIPLE_OF_ADDED", &path, "it is new")),
        (Some(was), Some(is)) if !is_multiple(was, is) => {
            reasons.extend(incompatible(
                "MULTIPLE_OF_CHANGED",
                &path,
                "not all multiples are allowed",
            ));
        }
        _ => {}
    }
    reasons
}

/// Returns whether a number is a multiple of another. Integers are divided exactly. Others, such as
/// 0.3 and 0.1, have no exact binary form: their quotient counts as whole if only the rounding of
/// three operations keeps it from being whole.
fn is_multiple(number: f64, of: f64) -> bool {
    if number.fract() == 0.0 && of.fract() == 0.0 {
        return number % of == 0.0;
    }
    let quotient = number / of;
    (quotient - quotient.round()).abs() <= 2.0 * f64::EPSILON * quotient
}

fn enums(old: &[Value], new: &[Value], path: &str) -> Vec<Reason> {
    if old.iter().all(|value| new.contains(value)) {
        return Vec::new();
    }
    let kind = if new.iter().all(|value| old.contains(value)) {
        "ENUM_ARRAY_NARROWED"
    } else {
        "ENUM_ARRAY_CHANGED"
    };
    incompatible(kind, &format!("{path}/enum"), "a value was removed")
}

fn upper_bound(old: Option<f64>, new: Option<f64>, what: &str, path: &str) -> Vec<Reason> {
    match (old, new) {
        (None, Some(_)) => incompatible(bound(what, "ADDED"), path, "there was no limit"),
        (Some(was), Some(is)) if is < was => {
            incompatible(bound(what, "DECREASED"), path, &format!("it was {was} and is {is}"))
        }
        _ => Vec::new(),
    }
}

fn lower_bound(old: Option<f64>, new: Option<f64>, what: &str, path: &str) -> Vec<Reason> {
    match (old, new) {
        (None, Some(_)) => incompatible(bound(what, "ADDED"), path, "there was no limit"),
        (Some(was), Some(is)) if is > was => {
            incompatible(bound(what, "INCREASED"), path, &format!("it was {was} and is {is}"))
        }
        _ => Vec::new(),
    }
}

/// Returns Confluent's name for a difference between two limits.
fn bound(what: &str, change: &str) -> &'static str {
    const NAMES: [&str; 20] = [
        "MAX_LENGTH_ADDED",
        "MAX_LENGTH_DECREASED",
        "MIN_LENGTH_ADDED",
        "MIN_LENGTH_INCREASED",
        "MAXIMUM_ADDED",
        "MAXIMUM_DECREASED",
        "MINIMUM_ADDED",
        "MINIMUM_INCREASED",
        "EXCLUSIVE_MAXIMUM_ADDED",
        "EXCLUSIVE_MAXIMUM_DECREASED",
        "EXCLUSIVE_MINIMUM_ADDED",
        "EXCLUSIVE_MINIMUM_INCREASED",
        "MAX_PROPERTIES_ADDED",
        "MAX_PROPERTIES_DECREASED",
        "MIN_PROPERTIES_ADDED",
        "MIN_PROPERTIES_INCREASED",
        "MAX_ITEMS_ADDED",
        "MAX_ITEMS_DECREASED",
        "MIN_ITEMS_ADDED",
        "MIN_ITEMS_INCREASED",
    ];
    let is_it =
        |name: &&&str| name.strip_prefix(what).and_then(|it| it.strip_prefix('_')) == Some(change);
    NAMES.iter().find(is_it).copied().unwrap_or("LIMIT_CHANGED")
}

fn type_changed(path: &str) -> Vec<Reason> {
    incompatible("TYPE_CHANGED", path, "it is of another type")
}

fn incompatible(kind: &'static str, path: &str, description: &str) -> Vec<Reason> {
    vec![Reason { kind, path: path.to_owned(), description: description.to_owned() }]
}
