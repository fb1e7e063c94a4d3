//! Reads the tokens of one file: the modules and items that it declares, and the paths that it
//! uses.
//!
//! Tokens rather than a syntax tree, so that the paths inside a macro's call count as well.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree, token_stream::IntoIter};

/// A path such as `["crate", "log", "Batch"]`.
pub(super) type Path = Vec<String>;

/// One module, with what its tokens say.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// `mod name;`, with the file that `#[path]` names.
    pub(super) declared: Vec<(String, Option<String>)>,
    /// `mod name { .. }`.
    pub(super) inline: Vec<(String, Parsed)>,
    /// The names of the items that are defined here.
    pub(super) items: BTreeSet<String>,
    /// The names of the macros that are defined here.
    pub(super) macros: BTreeSet<String>,
    /// Names that `use` brings in, and what they stand for.
    pub(super) imports: BTreeMap<String, Path>,
    /// The names among [`Self::imports`] that are only passed on: `pub use`.
    pub(super) passed_on: BTreeSet<String>,
    /// `use path::*`.
    pub(super) globs: Vec<Path>,
    /// Paths of two names and more.
    pub(super) paths: BTreeSet<Path>,
    /// The macros that are called by their name alone.
    pub(super) called: BTreeSet<String>,
    /// Every name outside of a `use`.
    pub(super) mentioned: BTreeSet<String>,
}

const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];

/// Reads a file's text.
///
/// # Panics
/// When it is no Rust.
pub(super) fn parse(file: &str, text: &str) -> Parsed {
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut parsed = Parsed::default();
    Reader { tokens: tokens.into_iter().peekable(), is_module: true, parsed: &mut parsed }.read();
    parsed
}

/// Walks over the tokens of one pair of braces.
struct Reader<'a> {
    tokens: Peekable<IntoIter>,
    /// Whether items here belong to the module, and not to a function in it.
    is_module: bool,
    parsed: &'a mut Parsed,
}

impl Reader<'_> {
    fn read(mut self) {
        let (mut is_passed_on, mut file) = (false, None);
        while let Some(token) = self.tokens.next() {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    let Some(attribute) = self.attribute() else { continue };
                    if is_for_tests(&attribute) {
                        self.skip_item();
                    } else if let Some(path) = path_attribute(&attribute) {
                        file = Some(path);
                    }
                }
                // The rest of a path that began elsewhere, as in `<T as Trait>::Name`.
                TokenTree::Punct(mark) if mark.as_char() == ':' && self.next_is(':') => {
                    self.tokens.next();
                    self.tokens.next_if(|it| matches!(it, TokenTree::Ident(_)));
                }
                TokenTree::Punct(mark) if mark.as_char() == '.' => {
                    self.tokens.next_if(|it| matches!(it, TokenTree::Ident(_)));
                }
                TokenTree::Ident(name) => {
                    let name = plain(&name.to_string());
                    match name.as_str() {
                        "pub" => {
                            is_passed_on = true;
                            self.skip_visibility();
                            continue;
                        }
                        "use" if !self.next_is('<') => self.read_use(is_passed_on),
                        "mod" => self.read_mod(file.take()),
                        "macro_rules" => self.read_macro(),
                        _ => self.read_name(name),
                    }
                    is_passed_on = false;
                }
                TokenTree::Group(group) => self.read_group(&group, false),
                _ => {}
            }
        }
    }

    fn next_is(&mut self, mark: char) -> bool {
        matches!(self.tokens.peek(), Some(TokenTree::Punct(it)) if it.as_char() == mark)
    }

    fn next_name(&mut self) -> Option<String> {
        match self.tokens.next_if(|it| matches!(it, TokenTree::Ident(_)))? {
            TokenTree::Ident(name) => Some(plain(&name.to_string())),
            _ => None,
        }
    }

    fn next_group(&mut self, delimiter: Delimiter) -> Option<Group> {
        let is_group = |it: &TokenTree| matches!(it, TokenTree::Group(group) if group.delimiter() == delimiter);
        match self.tokens.next_if(is_group)? {
            TokenTree::Group(group) => Some(group),
            _ => None,
        }
    }

    fn attribute(&mut self) -> Option<Group> {
        if self.next_is('!') {
            self.tokens.next();
        }
        self.next_group(Delimiter::Bracket)
    }

    /// Skips the item that an attribute stands before: to its `;` or its braces, or the field to
    /// its comma.
    fn skip_item(&mut self) {
        let mut is_item = false;
        for token in self.tokens.by_ref() {
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
                TokenTree::Punct(mark) if mark.as_char() == ';' => return,
                TokenTree::Punct(mark) if mark.as_char() == ',' && !is_item => return,
                TokenTree::Ident(name) => {
                    let name = name.to_string();
                    is_item |= ITEMS.contains(&name.as_str()) || name == "impl" || name == "mod";
                }
                _ => {}
            }
        }
    }

    /// The `(crate)` of `pub(crate)`.
    fn skip_visibility(&mut self) {
        let narrows = |it: &TokenTree| match it {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
                let first = group.stream().into_iter().next().map(|it| it.to_string());
                matches!(first.as_deref(), Some("crate" | "super" | "self" | "in"))
            }
            _ => false,
        };
        self.tokens.next_if(narrows);
    }

    fn read_mod(&mut self, file: Option<String>) {
        let Some(name) = self.next_name() else { return };
        match self.next_group(Delimiter::Brace) {
            None => self.parsed.declared.push((name, file)),
            Some(group) => {
                let mut inner = Parsed::default();
                let tokens = group.stream().into_iter().peekable();
                Reader { tokens, is_module: true, parsed: &mut inner }.read();
                self.parsed.inline.push((name, inner));
            }
        }
    }

    /// A macro's rules: its name, and the paths that it expands to.
    fn read_macro(&mut self) {
        self.tokens.next_if(|it| matches!(it, TokenTree::Punct(_)));
        let name = self.next_name();
        self.parsed.macros.extend(name);
        if let Some(TokenTree::Group(group)) = self.tokens.next() {
            self.read_group(&group, true);
        }
    }

    fn read_group(&mut self, group: &Group, is_macro: bool) {
        let tokens = group.stream().into_iter().peekable();
        if is_macro {
            // Modules and items here are patterns, not declarations.
            let mut inner = Parsed::default();
            Reader { tokens, is_module: false, parsed: &mut inner }.read();
            self.parsed.paths.extend(inner.paths);
            self.parsed.called.extend(inner.called);
            self.parsed.mentioned.extend(inner.mentioned);
        } else {
            Reader { tokens, is_module: false, parsed: self.parsed }.read();
        }
    }

    fn read_use(&mut self, is_passed_on: bool) {
        let mut leaves = Vec::new();
        read_tree(&mut self.tokens, &mut Vec::new(), &mut leaves);
        for (name, path) in leaves {
            match name.as_str() {
                "*" => self.parsed.globs.push(path),
                "_" => drop(self.parsed.paths.insert(path)),
                _ => {
                    if is_passed_on {
                        self.parsed.passed_on.insert(name.clone());
                    }
                    self.parsed.imports.insert(name, path);
                }
            }
        }
    }

    /// A name, and the path that it begins.
    fn read_name(&mut self, name: String) {
        if self.is_module && ITEMS.contains(&name.as_str()) {
            if let Some(TokenTree::Ident(item)) = self.tokens.peek() {
                self.parsed.items.insert(plain(&item.to_string()));
            }
            return;
        }
        self.parsed.mentioned.insert(name.clone());
        let mut path = vec![name];
        while self.next_is(':') {
            self.tokens.next();
            if !self.next_is(':') {
                break;
            }
            self.tokens.next();
            match self.next_name() {
                Some(name) => path.push(name),
                None => break,
            }
        }
        if path.len() > 1 {
            self.parsed.paths.insert(path);
        } else if self.next_is('!') {
            self.parsed.called.extend(path);
        }
    }
}

fn plain(name: &str) -> String {
    name.trim_start_matches("r#").to_owned()
}

/// Whether an attribute is `cfg(test)`, alone or with more conditions.
fn is_for_tests(attribute: &Group) -> bool {
    let words: String = attribute.stream().to_string().split_whitespace().collect();
    words.starts_with("cfg(test)") || words.starts_with("cfg(all(test")
}

fn path_attribute(attribute: &Group) -> Option<String> {
    let words = attribute.stream().to_string();
    let value = words.strip_prefix("path")?.trim_start().strip_prefix('=')?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// Reads the tree of a `use` to its `;`: each name that it brings in, with its path.
fn read_tree(tokens: &mut Peekable<IntoIter>, path: &mut Path, leaves: &mut Vec<(String, Path)>) {
    let begins = path.len();
    let mut renamed = None;
    let mut is_open = false;
    let mut finish = |path: &mut Path, renamed: &mut Option<String>, is_open: &mut bool| {
        if std::mem::take(is_open) {
            if path.last().is_some_and(|it| it == "self") && path.len() > 1 {
                path.pop();
            }
            let name = renamed.take().or_else(|| path.last().cloned()).unwrap_or_default();
            leaves.push((name, path.clone()));
        }
        path.truncate(begins);
    };
    let mut groups = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(name) if name == "as" => {
                renamed = tokens.next().map(|it| plain(&it.to_string()));
            }
            TokenTree::Ident(name) => {
                path.push(plain(&name.to_string()));
                is_open = true;
            }
            TokenTree::Punct(mark) => match mark.as_char() {
                ';' => break,
                ',' => finish(path, &mut renamed, &mut is_open),
                '*' => {
                    renamed = Some("*".to_owned());
                    is_open = true;
                }
                _ => {}
            },
            TokenTree::Group(group) => {
                groups.push((path.clone(), group));
                is_open = false;
            }
            TokenTree::Literal(_) => {}
        }
    }
    finish(path, &mut renamed, &mut is_open);
    for (mut path, group) in groups {
        read_tree(&mut group.stream().into_iter().peekable(), &mut path, leaves);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.split("::").map(str::to_owned).collect()
    }

    #[test]
    fn a_use_brings_in_each_leaf_of_its_tree() {
        let text = "use crate::{log::{self, Batch as B}, wire::*}; pub(crate) use a::X;";
        let parsed = parse("a.rs", text);
        assert_eq!(parsed.imports["log"], path("crate::log"));
        assert_eq!(parsed.imports["B"], path("crate::log::Batch"));
        assert_eq!(parsed.globs, [path("crate::wire")]);
        assert_eq!(parsed.imports["X"], path("a::X"));
        assert_eq!(parsed.passed_on, BTreeSet::from(["X".to_owned()]));
    }

    #[test]
    fn paths_count_wherever_they_are_and_tests_are_left_out() {
        let text = "mod a; #[cfg(test)] mod tests { use crate::t::T; } \
                    fn f<A, B>(x: crate::b::C) { assert!(super::d::e(x.f)); <X as Y>::z::q() }
                    #[cfg(test)] #[path = \"t.rs\"] mod t;";
        let parsed = parse("a.rs", text);
        assert_eq!(parsed.declared, [("a".to_owned(), None)]);
        assert_eq!(parsed.paths, BTreeSet::from([path("crate::b::C"), path("super::d::e")]));
        assert_eq!(parsed.called, BTreeSet::from(["assert".to_owned()]));
        assert_eq!(parsed.items, BTreeSet::from(["f".to_owned()]));
        assert!(parsed.inline.is_empty());
    }
}
