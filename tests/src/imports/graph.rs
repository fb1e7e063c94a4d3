//! The arrows between the files of a program, and the circles that they make.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::names::{Found, Modules};

/// From one file to another, with the names that the first takes from the second.
#[derive(Debug)]
pub struct Arrow<'a> {
    /// The file that uses the names.
    pub from: &'a Path,
    /// The file that defines them.
    pub to: &'a Path,
    /// The names.
    pub names: &'a BTreeSet<String>,
}

/// The files of a program, and who imports from whom.
#[derive(Debug)]
pub struct Graph {
    files: Vec<PathBuf>,
    arrows: BTreeMap<(usize, usize), BTreeSet<String>>,
}

impl Graph {
    /// Reads the program whose root is this file: a library, a command, a test.
    ///
    /// # Panics
    /// When a file of it cannot be read, or is no Rust.
    pub fn read(root: &Path) -> Self {
        let modules = Modules::read(root);
        let mut arrows: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (index, module) in modules.all.iter().enumerate() {
            let parsed = &module.parsed;
            let mut uses = |name: &String, at: usize| {
                let to = modules.all[at].file;
                if to != module.file {
                    arrows.entry((module.file, to)).or_default().insert(name.clone());
                }
            };
            let is_used =
                |name: &String| !parsed.passed_on.contains(name) || parsed.mentioned.contains(name);
            let imported = parsed.imports.iter().filter(|(name, _)| is_used(name));
            let by_glob = parsed.mentioned.iter().filter(|_| !parsed.globs.is_empty());
            let paths = parsed.paths.iter().map(Vec::as_slice);
            let paths = paths.chain(imported.map(|(_, path)| path.as_slice()));
            for path in paths.chain(by_glob.map(std::slice::from_ref)) {
                if let (Some(Found::Item(at)), Some(name)) =
                    (modules.find(index, path), path.last())
                {
                    uses(name, at);
                }
            }
            for name in &parsed.called {
                modules.macro_of(index, name).into_iter().for_each(|at| uses(name, at));
            }
        }
        Self { files: modules.files, arrows }
    }

    /// The files, the root first.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Who imports from whom.
    pub fn arrows(&self) -> impl Iterator<Item = Arrow<'_>> {
        self.arrows.iter().map(|((from, to), names)| Arrow {
            from: &self.files[*from],
            to: &self.files[*to],
            names,
        })
    }

    /// The circles: each is a set of files of which each reaches all the others.
    pub fn circles(&self) -> Vec<BTreeSet<&Path>> {
        let reached: Vec<BTreeSet<usize>> =
            (0..self.files.len()).map(|file| self.reached_from(file)).collect();
        let circle_of = |file: usize| -> BTreeSet<usize> {
            reached[file].iter().copied().filter(|other| reached[*other].contains(&file)).collect()
        };
        let circles: BTreeSet<_> = (0..self.files.len()).map(circle_of).collect();
        let paths = |circle: BTreeSet<usize>| {
            circle.into_iter().map(|file| self.files[file].as_path()).collect::<BTreeSet<_>>()
        };
        circles.into_iter().filter(|it| it.len() > 1).map(paths).collect()
    }

    /// The circles as text: the files, and the names that tie them. Paths are shown from `base` on.
    pub fn describe_circles(&self, base: &Path) -> String {
        let shown = |path: &Path| path.strip_prefix(base).unwrap_or(path).display().to_string();
        let mut text = String::new();
        for circle in self.circles() {
            let _ = writeln!(text, "a circle of {} files:", circle.len());
            let inside = |it: &Arrow<'_>| circle.contains(it.from) && circle.contains(it.to);
            for arrow in self.arrows().filter(inside) {
                let names = arrow.names.iter().cloned().collect::<Vec<_>>().join(", ");
                let _ = writeln!(text, "  {} -> {}: {names}", shown(arrow.from), shown(arrow.to));
            }
        }
        text
    }

    fn reached_from(&self, file: usize) -> BTreeSet<usize> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![file]);
        while let Some(from) = open.pop() {
            for (_, to) in self.arrows.range((from, 0)..(from + 1, 0)).map(|(arrow, _)| arrow) {
                if reached.insert(*to) {
                    open.push(*to);
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> (tempfile::TempDir, Graph) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = directory.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let graph = Graph::read(&directory.path().join("lib.rs"));
        (directory, graph)
    }

    #[test]
    fn a_circle_is_named_with_what_ties_it() {
        let (directory, graph) = graph(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b/mod.rs", "mod c; pub use c::B;"),
            ("b/c.rs", "pub struct B; fn f() { g(super::super::a::A) }"),
        ]);
        let expected = "a circle of 2 files:\n  a.rs -> b/c.rs: B\n  b/c.rs -> a.rs: A\n";
        assert_eq!(graph.describe_circles(directory.path()), expected);
    }

    #[test]
    fn a_room_that_presents_its_files_makes_no_circle() {
        let (_directory, graph) = graph(&[
            ("lib.rs", "mod a; pub use a::A; pub struct Error;"),
            (
                "a.rs",
                "use crate::Error; pub struct A(Error); #[cfg(test)] mod tests { use crate::A; }",
            ),
        ]);
        assert!(graph.circles().is_empty());
        assert_eq!(graph.arrows().count(), 1);
    }

    #[test]
    fn a_glob_and_a_macro_of_a_parent_are_arrows() {
        let (directory, graph) = graph(&[
            ("lib.rs", "macro_rules! made { () => {} } mod a; mod b; fn f() { b::f() }"),
            ("a.rs", "use crate::b::*; made!(); fn g() { f() }"),
            ("b.rs", "pub fn f() {}"),
        ]);
        let shown = |path: &Path| path.strip_prefix(directory.path()).unwrap().to_owned();
        let arrows: Vec<_> = graph.arrows().map(|it| (shown(it.from), shown(it.to))).collect();
        let expected = [("lib.rs", "b.rs"), ("a.rs", "lib.rs"), ("a.rs", "b.rs")];
        assert_eq!(arrows, expected.map(|(from, to)| (from.into(), to.into())));
    }
}
