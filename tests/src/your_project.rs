//! The section "In your project" of each chapter, and the packages that its two blocks make.
//!
//! A comment in front of each block names its file: `<!-- your file: Cargo.toml -->` and
//! `<!-- your file: src/main.rs -->`. [`Packages`] writes them into packages outside of this
//! workspace, with a workspace of their own in its target directory. They share that directory, and
//! with it librdkafka, which is C and takes the longest.
//!
//! Cargo unifies the features of all packages that one command builds, which would hide a feature
//! that a page forgets. So a command builds only the pages with the very same dependencies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::examples::{cargo, profile, root};

const SECTION: &str = "## In your project";

/// What a page says about your project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The name of its package: `chapter-03`.
    pub name: String,
    /// The whole section.
    pub section: String,
    /// The table `[dependencies]` of its Cargo.toml.
    pub dependencies: String,
    /// Its src/main.rs.
    pub program: String,
}

impl Project {
    /// Reads a page, such as `docs/03-producer.md`.
    ///
    /// # Errors
    /// What the page lacks.
    pub fn of(page: &str, text: &str) -> Result<Project, String> {
        let number = page.trim_start_matches("docs/").get(..2).ok_or("the page has no number")?;
        let section = section(text).ok_or_else(|| format!("{page} lacks {SECTION}"))?;
        let file = |file: &str, language: &str| {
            let found = block(&section, file, language);
            found.ok_or_else(|| format!("{page} lacks one block of {language} for {file}"))
        };
        let dependencies = file("Cargo.toml", "toml")?;
        let program = file("src/main.rs", "rust")?;
        Ok(Project { name: format!("chapter-{number}"), section, dependencies, program })
    }

    /// The names of all features in its dependencies.
    pub fn features(&self) -> Vec<&str> {
        let lists = self.dependencies.split("features = [").skip(1);
        let lists = lists.filter_map(|rest| rest.split(']').next());
        lists.flat_map(|list| list.split('"').skip(1).step_by(2)).collect()
    }

    fn manifest(&self) -> String {
        let Project { name, dependencies, .. } = self;
        format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n{dependencies}")
    }
}

fn section(text: &str) -> Option<String> {
    let lines = text.lines().skip_while(|line| *line != SECTION);
    let inside = lines.take_while(|line| *line == SECTION || !line.starts_with("## "));
    let section: Vec<&str> = inside.collect();
    (!section.is_empty()).then(|| section.join("\n"))
}

/// The block behind the comment that names `file`, if there is exactly one.
fn block(section: &str, file: &str, language: &str) -> Option<String> {
    let begin = format!("<!-- your file: {file} -->\n```{language}\n");
    let mut parts = section.split(begin.as_str()).skip(1);
    let (block, _) = parts.next()?.split_once("\n```")?;
    parts.next().is_none().then(|| format!("{block}\n"))
}

/// A workspace with a package for each page.
#[derive(Debug)]
pub struct Packages {
    directory: PathBuf,
    projects: Vec<Project>,
}

impl Packages {
    /// Writes the packages. What has not changed keeps its time, so that cargo builds it once.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn write(projects: Vec<Project>) -> Packages {
        let directory = target().join("in-your-project");
        let mut members = Vec::new();
        for project in &projects {
            let package = directory.join(&project.name);
            write(&package.join("Cargo.toml"), &project.manifest());
            write(&package.join("src/main.rs"), &project.program);
            members.push(format!("{:?}", project.name));
        }
        // The profile of the workspace above: another one would compile librdkafka again.
        let workspace = format!(
            "[workspace]\nresolver = \"2\"\nmembers = [{}]\n\n[profile.dev]\ndebug = \
             \"line-tables-only\"\n\n[profile.dev.package.\"*\"]\ndebug = false\n",
            members.join(", ")
        );
        write(&directory.join("Cargo.toml"), &workspace);
        let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("it is committed");
        std::fs::write(directory.join("Cargo.lock"), lock).expect("the directory is ours");
        Packages { directory, projects }
    }

    /// Builds the packages that `wanted` picks, and returns their programs by name.
    ///
    /// # Panics
    /// When one does not build.
    pub fn build(&self, wanted: impl Fn(&Project) -> bool) -> BTreeMap<String, PathBuf> {
        self.cargo("build", wanted)
    }

    /// Checks the packages that `wanted` picks, which is faster where nothing runs.
    ///
    /// # Panics
    /// When one does not compile.
    pub fn check(&self, wanted: impl Fn(&Project) -> bool) {
        self.cargo("check", wanted);
    }

    fn cargo(&self, command: &str, wanted: impl Fn(&Project) -> bool) -> BTreeMap<String, PathBuf> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for project in self.projects.iter().filter(|project| wanted(project)) {
            groups.entry(&project.dependencies).or_default().push(&project.name);
        }
        let built = groups.into_values().flat_map(|names| self.cargo_together(command, &names));
        built.collect()
    }

    fn cargo_together(&self, command: &str, names: &[&str]) -> Vec<(String, PathBuf)> {
        let mut cargo = cargo();
        cargo.current_dir(&self.directory).arg(command).args(["--message-format=json", "--quiet"]);
        cargo.args(["--profile", profile()]).arg("--target-dir").arg(target());
        cargo.args(names.iter().flat_map(|name| ["--package", name]));
        let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let messages: Vec<serde_json::Value> =
            lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let said = messages.iter().filter_map(|it| it["message"]["rendered"].as_str());
        let said: String = said.collect();
        assert!(output.status.success() && said.is_empty(), "{names:?}: cargo {command}:\n{said}");
        let program = |message: &serde_json::Value| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        };
        messages.iter().filter_map(program).collect()
    }

    /// The crates with versions that cargo chose, and that the workspace does not have.
    ///
    /// # Panics
    /// When a Cargo.lock cannot be read.
    pub fn crates_beyond_the_workspace(&self) -> Vec<String> {
        let ours = locked(&root().join("Cargo.lock"));
        let mut theirs = locked(&self.directory.join("Cargo.lock"));
        theirs.retain(|it| !it.starts_with("chapter-") && !ours.contains(it));
        theirs
    }
}

/// Each crate of a Cargo.lock: `rdkafka 0.39.0`.
fn locked(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("cargo has written it");
    let quoted = |line: Option<&str>| Some(line?.split('"').nth(1)?.to_owned());
    let package = |part: &str| {
        let mut lines = part.lines().skip(1);
        Some(format!("{} {}", quoted(lines.next())?, quoted(lines.next())?))
    };
    text.split("[[package]]").skip(1).filter_map(package).collect()
}

/// The target directory of this test: `target` in `target/debug/deps/docs-0123`.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    test.ancestors().nth(3).expect("cargo has built it").to_owned()
}

fn write(file: &Path, text: &str) {
    if std::fs::read_to_string(file).is_ok_and(|written| written == text) {
        return;
    }
    let directory = file.parent().expect("a file is in a directory");
    std::fs::create_dir_all(directory).expect("the target directory can be written");
    std::fs::write(file, text).expect("the target directory can be written");
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "## Try changing\n\n## In your project\n\n<!-- your file: Cargo.toml -->\n\
                        ```toml\n[dependencies]\na = { version = \"1\", features = [\"b\", \"c\"] }\n\
                        ```\n\n<!-- your file: src/main.rs -->\n```rust\nfn main() {}\n```\n\n\
                        ## Exercise\n";

    #[test]
    fn both_blocks_and_the_features_are_found() {
        let project = Project::of("docs/03-producer.md", PAGE).unwrap();
        assert_eq!(project.name, "chapter-03");
        assert_eq!(project.features(), ["b", "c"]);
        assert_eq!(project.program, "fn main() {}\n");
        assert!(project.manifest().contains("edition = \"2024\"\n\n[dependencies]\na = "));
    }

    #[test]
    fn a_missing_part_is_named() {
        let without = |part: &str| Project::of("docs/03-producer.md", &PAGE.replace(part, ""));
        assert!(without("## In your project").unwrap_err().contains("lacks ## In your project"));
        assert!(without("```rust").unwrap_err().contains("src/main.rs"));
        assert!(without("```toml").unwrap_err().contains("Cargo.toml"));
    }
}
