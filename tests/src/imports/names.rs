//! Finds the file behind a name: through imports, globs, re-exports and parents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::tokens::{Parsed, parse};

/// How many re-exports a name is followed through; a name that is imported from itself ends there.
const DEEPEST: usize = 16;

/// A module of the program.
#[derive(Debug)]
pub(super) struct Module {
    /// Its file, by its index.
    pub(super) file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    pub(super) parsed: Parsed,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A module.
    Module(usize),
    /// An item in a module.
    Item(usize),
}

/// All modules of one program, the root first.
#[derive(Debug, Default)]
pub(super) struct Modules {
    pub(super) all: Vec<Module>,
    pub(super) files: Vec<PathBuf>,
}

impl Modules {
    /// Reads a program from the file of its root on.
    ///
    /// # Panics
    /// When a file that a `mod` names cannot be read.
    pub(super) fn read(root: &Path) -> Self {
        let mut modules = Self::default();
        let directory = root.parent().expect("a file is in a directory");
        modules.read_file(root, directory, None);
        modules
    }

    /// Reads a file whose child modules are in `directory`.
    fn read_file(&mut self, file: &Path, directory: &Path, parent: Option<usize>) -> usize {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{shown}: {error}"));
        self.files.push(file.to_owned());
        self.add(parse(&shown, &text), self.files.len() - 1, directory, parent)
    }

    fn add(
        &mut self,
        mut parsed: Parsed,
        file: usize,
        directory: &Path,
        parent: Option<usize>,
    ) -> usize {
        let index = self.all.len();
        let inline = std::mem::take(&mut parsed.inline);
        let declared = std::mem::take(&mut parsed.declared);
        self.all.push(Module { file, parent, children: BTreeMap::new(), parsed });
        for (name, inner) in inline {
            let child = self.add(inner, file, &directory.join(&name), Some(index));
            self.all[index].children.insert(name, child);
        }
        let near = self.files[file].parent().expect("a file is in a directory").to_owned();
        for (name, path) in declared {
            let own = directory.join(&name);
            let (flat, nested) = (directory.join(format!("{name}.rs")), own.join("mod.rs"));
            let child = match path {
                Some(path) => {
                    let file = near.join(path);
                    let directory = file.parent().expect("a file is in a directory").to_owned();
                    self.read_file(&file, &directory, Some(index))
                }
                None if flat.exists() => self.read_file(&flat, &own, Some(index)),
                None => self.read_file(&nested, &own, Some(index)),
            };
            self.all[index].children.insert(name, child);
        }
        index
    }

    /// What a path in a module leads to; `None` for another crate, a variable or a generic type.
    pub(super) fn find(&self, module: usize, path: &[String]) -> Option<Found> {
        self.find_within(module, path, 0)
    }

    fn find_within(&self, module: usize, path: &[String], depth: usize) -> Option<Found> {
        let (first, mut rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => Found::Module(0),
            "self" => Found::Module(module),
            "super" => Found::Module(self.all[module].parent?),
            name => self.named(module, name, depth)?,
        };
        while let (Found::Module(at), Some((name, after))) = (found, rest.split_first()) {
            found = match name.as_str() {
                "super" => Found::Module(self.all[at].parent?),
                // What a macro makes has no name in the tokens.
                name => self.named(at, name, depth).unwrap_or(Found::Item(at)),
            };
            rest = after;
        }
        Some(found)
    }

    /// What a name stands for in a module.
    fn named(&self, module: usize, name: &str, depth: usize) -> Option<Found> {
        let it = &self.all[module];
        if it.parsed.items.contains(name) || it.parsed.macros.contains(name) {
            return Some(Found::Item(module));
        }
        if let Some(child) = it.children.get(name) {
            return Some(Found::Module(*child));
        }
        if depth > DEEPEST {
            return None;
        }
        if let Some(path) = it.parsed.imports.get(name) {
            // `use a;` next to `mod a;` would lead to itself.
            let is_itself = path.len() == 1 && path[0] == name;
            return if is_itself { None } else { self.find_within(module, path, depth + 1) };
        }
        if depth == DEEPEST {
            return None;
        }
        it.parsed.globs.iter().find_map(|path| {
            // Where a glob leads to is no name that another glob brings in.
            match self.find_within(module, path, DEEPEST)? {
                Found::Module(at) if at != module => self.named(at, name, depth + 1),
                _ => None,
            }
        })
    }

    /// The module whose macro a bare name calls: its own, or one of a parent.
    pub(super) fn macro_of(&self, module: usize, name: &str) -> Option<usize> {
        let mut at = Some(module);
        while let Some(module) = at {
            if self.all[module].parsed.macros.contains(name) {
                return Some(module);
            }
            at = self.all[module].parent;
        }
        None
    }
}
