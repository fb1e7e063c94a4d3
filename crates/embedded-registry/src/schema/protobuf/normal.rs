//! Resolves the names in a file for its normal form: the types and extensions of the file and of
//! everything that it can import.

use std::collections::HashMap;

use super::element::{Extend, File, Label, Message, Setting, Type, Value};

pub(super) type Result<T> = std::result::Result<T, String>;

/// The types and extensions that exist, by their full names.
#[derive(Debug, Default)]
pub(super) struct Names {
    package: String,
    /// The types. A message that represents the entries of a map has the types of its key and
    /// value.
    types: HashMap<String, Option<(String, String)>>,
    /// The extensions, and whether each holds several values.
    extensions: HashMap<String, bool>,
}

impl Names {
    /// Collects the names in a file, and in those that it can import.
    pub(super) fn new<'a>(file: &'a File, imports: impl Iterator<Item = &'a File>) -> Self {
        let mut names = Names::default();
        for file in imports.chain(std::iter::once(file)) {
            names.package = file.package.clone().unwrap_or_default();
            let package = names.package.clone();
            names.add_types(&file.types, &package);
            names.add_extensions(&file.extends, &package);
        }
        names
    }

    fn add_types(&mut self, types: &[Type], within: &str) {
        for declared in types {
            let name = joined(within, declared.name());
            if let Type::Message(message) = declared {
                self.types.insert(name.clone(), map_entry(message));
                self.add_types(&message.types, &name);
                self.add_extensions(&message.extends, &name);
            } else {
                self.types.insert(name, None);
            }
        }
    }

    fn add_extensions(&mut self, extends: &[Extend], within: &str) {
        for field in extends.iter().flat_map(|extend| &extend.fields) {
            let is_list = field.label == Some(Label::Repeated);
            self.extensions.insert(joined(within, &field.name), is_list);
        }
    }

    /// Returns the full name that a name leads to, from the innermost scope outward.
    fn find<V>(&self, known: &HashMap<String, V>, scope: &[String], name: &str) -> Option<String> {
        if let Some(full) = name.strip_prefix('.') {
            return known.contains_key(full).then(|| full.to_owned());
        }
        let package = Some(&self.package).filter(|it| !it.is_empty());
        let around: Vec<&String> = package.into_iter().chain(scope).collect();
        (0..=around.len()).rev().find_map(|depth| {
            let outer = around[..depth].iter().map(|it| it.as_str());
            let full = outer.chain([name]).collect::<Vec<_>>().join(".");
            known.contains_key(&full).then_some(full)
        })
    }

    /// Returns the full name of a type, with a leading dot.
    pub(super) fn resolved(&self, scope: &[String], name: &str) -> Result<String> {
        match self.find(&self.types, scope, name) {
            Some(full) => Ok(format!(".{full}")),
            None => Err(format!("could not resolve type: {name}")),
        }
    }

    pub(super) fn is_map_entry(&self, scope: &[String], name: &str) -> bool {
        let full = self.find(&self.types, scope, name);
        full.is_some_and(|full| matches!(self.types.get(&full), Some(Some(_))))
    }

    /// Returns the type of a field. A message that represents the entries of a map becomes that
    /// map.
    pub(super) fn kind(&self, scope: &[String], kind: &str) -> Result<String> {
        if is_scalar(kind) {
            return Ok(kind.to_owned());
        }
        let (key, value) = match map(kind) {
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => {
                let full = self.resolved(scope, kind)?;
                match self.types.get(&full[1..]) {
                    Some(Some(entry)) => entry.clone(),
                    _ => return Ok(full),
                }
            }
        };
        let value = match self.find(&self.types, scope, &value) {
            Some(full) => format!(".{full}"),
            None => value,
        };
        Ok(format!("map<{key}, {value}>"))
    }

    /// Sorts options and gives them full names. Settings of parts of one option become one setting.
    pub(super) fn settings(&self, scope: &[String], settings: &[Setting]) -> Vec<Setting> {
        let full = |setting: &Setting| match self.find(&self.extensions, scope, &setting.name) {
            Some(name) if setting.is_declared => {
                Setting { name, value: whole(&setting.value), ..setting.clone() }
            }
            _ => setting.clone(),
        };
        let mut sorted: Vec<Setting> = settings.iter().map(full).collect();
        sorted.sort_by(|one, other| one.name.cmp(&other.name));
        let mut merged: Vec<Setting> = Vec::new();
        for setting in sorted {
            let is_one = self.extensions.get(&setting.name) == Some(&false);
            match merged.last_mut().filter(|last| is_one && last.name == setting.name) {
                Some(last) => merge(&mut last.value, whole(&setting.value)),
                None => merged.push(setting),
            }
        }
        merged
    }

    /// Returns the entries of a map in order, without empty lists.
    pub(super) fn entries(
        &self,
        scope: &[String],
        entries: &[(String, Value)],
    ) -> Vec<(String, Value)> {
        let is_empty = |value: &Value| matches!(value, Value::List(values) if values.is_empty());
        let mut sorted: Vec<(String, Value)> = Vec::new();
        for (key, value) in entries.iter().filter(|(_, value)| !is_empty(value)) {
            let declared = key.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
            let full = declared.and_then(|it| self.find(&self.extensions, scope, it));
            let key = full.map_or(key.clone(), |full| format!("[{full}]"));
            if !sorted.iter().any(|(known, _)| *known == key) {
                sorted.push((key, value.clone()));
            }
        }
        sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        sorted
    }
}

fn joined(within: &str, name: &str) -> String {
    if within.is_empty() { name.to_owned() } else { format!("{within}.{name}") }
}

/// Returns the types of key and value if a message represents the entries of a map.
fn map_entry(message: &Message) -> Option<(String, String)> {
    let is_entry = message
        .options
        .iter()
        .any(|it| it.name == "map_entry" && it.value.plain().eq_ignore_ascii_case("true"));
    let kind = |name: &str| {
        let field = message.fields.iter().find(|field| field.name == name);
        field.map(|field| field.kind.clone())
    };
    Some((kind("key")?, kind("value")?)).filter(|_| is_entry)
}

/// Returns the types of a map's keys and values, from its written form.
pub(super) fn map(kind: &str) -> Option<(&str, &str)> {
    kind.strip_prefix("map<")?.strip_suffix('>')?.split_once(", ")
}

pub(super) fn is_scalar(kind: &str) -> bool {
    const SCALARS: [&str; 15] = [
        "bool", "bytes", "double", "fixed32", "fixed64", "float", "int32", "int64", "sfixed32",
        "sfixed64", "sint32", "sint64", "string", "uint32", "uint64",
    ];
    SCALARS.contains(&kind)
}

/// Returns a part of an option as a value of the whole option.
fn whole(value: &Value) -> Value {
    match value {
        Value::Part(part) => Value::Map(vec![(part.name.clone(), whole(&part.value))]),
        other => other.clone(),
    }
}

/// Adds a later value to an earlier one, or replaces it.
fn merge(value: &mut Value, later: Value) {
    let (Value::Map(entries), Value::Map(added)) = (&mut *value, &later) else {
        *value = later;
        return;
    };
    for (key, added) in added {
        match entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => {
                let mut all = values(std::mem::replace(known, Value::Bool(false)));
                for value in values(added.clone()) {
                    if !all.contains(&value) {
                        all.push(value);
                    }
                }
                *known = Value::List(all);
            }
            None => entries.push((key.clone(), added.clone())),
        }
    }
}

fn values(value: Value) -> Vec<Value> {
    match value {
        Value::List(values) => values,
        other => vec![other],
    }
}
