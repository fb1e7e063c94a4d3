//! The names that are visible in a file: its own, those of its imports, and those that the imports
//! import publicly.
//!
//! They are resolved as in Java's descriptors: the first part of a name selects the innermost scope
//! that has it, and the rest must exist there.

use std::collections::HashMap;

use super::element::{File, Message, Type};

/// The kind of thing that a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Package,
    Message,
    Enum,
    Service,
}

/// Symbols by their full names.
#[derive(Debug, Default)]
pub(super) struct Symbols(HashMap<String, Symbol>);

impl Symbols {
    /// Collects the symbols that a file can see among these files.
    pub(super) fn visible<'a>(file: &'a File, files: &dyn Fn(&str) -> Option<&'a File>) -> Self {
        let mut symbols = Symbols::default();
        symbols.add(file);
        let mut seen: Vec<&str> = Vec::new();
        let mut next: Vec<&str> =
            file.imports.iter().chain(&file.public_imports).map(String::as_str).collect();
        while let Some(name) = next.pop() {
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            if let Some(imported) = files(name) {
                symbols.add(imported);
                next.extend(imported.public_imports.iter().map(String::as_str));
            }
        }
        symbols
    }

    fn add(&mut self, file: &File) {
        let package = file.package.clone().unwrap_or_default();
        for (at, _) in package.match_indices('.').chain([(package.len(), "")]) {
            if at > 0 {
                self.0.insert(package[..at].to_owned(), Symbol::Package);
            }
        }
        self.types(&file.types, &package);
        for service in &file.services {
            self.0.insert(within(&package, &service.name), Symbol::Service);
        }
    }

    fn types(&mut self, types: &[Type], outer: &str) {
        for declared in types {
            let name = within(outer, declared.name());
            match declared {
                Type::Message(Message { types, .. }) => {
                    self.types(types, &name);
                    self.0.insert(name, Symbol::Message);
                }
                Type::Enum(_) => {
                    self.0.insert(name, Symbol::Enum);
                }
            }
        }
    }

    /// Returns the symbol with this full name.
    pub(super) fn get(&self, full: &str) -> Option<Symbol> {
        self.0.get(full).copied()
    }

    /// Returns the message or enum that a name stands for within `scope`, with its full name.
    pub(super) fn find(&self, scope: &str, name: &str) -> Option<(String, Symbol)> {
        let a_type = |full: String| match self.get(&full) {
            Some(symbol @ (Symbol::Message | Symbol::Enum)) => Some((full, symbol)),
            _ => None,
        };
        if let Some(full) = name.strip_prefix('.') {
            return a_type(full.to_owned());
        }
        let first = name.split('.').next().unwrap_or(name);
        let mut scope = scope;
        loop {
            if scope.is_empty() || self.0.contains_key(&within(scope, first)) {
                return a_type(within(scope, name));
            }
            scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }
}

/// Returns the full name of something in a scope.
pub(super) fn within(outer: &str, name: &str) -> String {
    if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") }
}
