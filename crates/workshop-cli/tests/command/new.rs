//! `cargo workshop new`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::process::{Data, entries, stderr};

const TEMPLATES: [&str; 5] =
    ["batch-json", "consumer", "producer", "registry", "transactional-worker"];

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn new(data: &Data, path: &Path, template: &str) -> Output {
    data.run(&["new", path.to_str().unwrap(), "--template", template])
}

/// Returns the text of each file below a directory, by its relative path.
fn files(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for name in entries(directory) {
        let path = directory.join(&name);
        if path.is_dir() && name != "target" {
            let below = files(&path).into_iter();
            found.extend(below.map(|(file, text)| (Path::new(&name).join(file), text)));
        } else if path.is_file() && name != "Cargo.lock" {
            found.insert(name.into(), std::fs::read_to_string(path).unwrap());
        }
    }
    found
}

fn template(name: &str) -> BTreeMap<PathBuf, String> {
    files(&checkout().join("templates").join(name))
}

#[test]
fn without_a_template_each_is_listed_in_a_line() {
    let data = Data::new();
    let printed = data.printed(&["new"]);
    let listed: Vec<&str> = printed.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(listed.len(), TEMPLATES.len(), "{printed}");
    for (line, name) in listed.iter().zip(TEMPLATES) {
        let (first, rest) = line.split_once(' ').unwrap();
        assert_eq!(first, name);
        assert!(rest.trim().len() > 20 && line.len() <= 110, "{line}");
    }
}

#[test]
fn a_project_has_its_own_name_and_the_path_of_this_checkout() {
    let data = Data::new();
    for name in TEMPLATES {
        let project = data.path().join(format!("{name}-2"));
        let output = new(&data, &project, name);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let written = files(&project);
        assert_eq!(written.keys().collect::<Vec<_>>(), template(name).keys().collect::<Vec<_>>());
        for (path, text) in &written {
            assert!(!text.contains(&format!("my-{name}")), "{name}: {}", path.display());
        }
        let manifest = &written[Path::new("Cargo.toml")];
        assert!(manifest.contains(&format!("name = \"{name}-2\"")), "{manifest}");
        let cluster = checkout().join("crates/embedded-kafka");
        assert!(
            manifest.contains(&format!("{{ path = \"{}\" }}", cluster.display())),
            "{manifest}"
        );
        // Cargo accepts it as a separate project.
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["metadata", "--offline", "--no-deps", "--format-version=1"]);
        let metadata = cargo.current_dir(&project).output().unwrap();
        assert!(metadata.status.success(), "{name}: {}", stderr(&metadata));
        assert!(project.join("Cargo.lock").exists());
    }
}

#[test]
fn an_empty_directory_is_taken_and_one_that_is_not_is_left_alone() {
    let data = Data::new();
    let project = data.path().join("billing");
    std::fs::create_dir_all(&project).unwrap();
    assert!(new(&data, &project, "consumer").status.success());
    let before = files(&project);
    let output = new(&data, &project, "producer");
    assert!(!output.status.success());
    assert!(
        stderr(&output).contains("billing is not empty: choose a new or empty directory"),
        "{output:?}"
    );
    assert_eq!(files(&project), before);
    let file = data.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    assert!(stderr(&new(&data, &file, "producer")).contains("a-file is not a directory"));
}

#[test]
fn what_cannot_be_the_name_of_a_crate_is_rejected_before_anything_is_written() {
    let data = Data::new();
    for (name, reason) in [
        ("1st", "begin with a letter"),
        ("bi lling", "use ASCII letters"),
        ("rechnungsprüfer", "use ASCII letters"),
        ("async", "Rust or Cargo reserves it"),
        ("test", "Rust or Cargo reserves it"),
        ("tokio", "depends on a crate named tokio"),
        ("..", "must end with the name"),
    ] {
        let output = new(&data, &data.path().join(name), "consumer");
        assert!(!output.status.success(), "{name}");
        assert!(stderr(&output).contains(reason), "{name}: {}", stderr(&output));
    }
    assert!(!data.path().exists());
}

#[test]
fn an_unknown_template_and_a_path_in_the_workshop_say_what_to_do() {
    let data = Data::new();
    let said = stderr(&new(&data, &data.path().join("billing"), "consumr"));
    assert!(said.contains("there is no template consumr"), "{said}");
    assert!(said.contains("consumer, producer, registry"), "{said}");
    let inside = checkout().join("crates/billing");
    let said = stderr(&new(&data, &inside, "consumer"));
    assert!(said.contains("path outside"), "{said}");
    assert!(!inside.exists());
}

/// Templates are independent, so some files exist in several. These must not diverge.
#[test]
fn files_of_one_name_are_the_same_in_all_templates() {
    let own = ["Cargo.toml", "README.md", ".env.example", "src/main.rs", "src/process.rs"];
    let mut first: BTreeMap<PathBuf, (&str, String)> = BTreeMap::new();
    for name in TEMPLATES {
        for (path, text) in template(name) {
            let text = text.replace(&format!("my-{name}"), "NAME");
            if own.iter().any(|own| path == Path::new(own)) {
                continue;
            }
            let (other, same) = first.entry(path.clone()).or_insert_with(|| (name, text.clone()));
            assert!(*same == text, "{} differs between {other} and {name}", path.display());
        }
    }
}

/// Templates and chapters must describe the same versions.
#[test]
fn templates_ask_for_the_versions_of_the_workspace() {
    let workspace = std::fs::read_to_string(checkout().join("Cargo.toml")).unwrap();
    let version = |manifest: &str, name: &str| {
        let line = manifest.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")))?;
        line.split('"').nth(1).map(str::to_owned)
    };
    for name in TEMPLATES {
        let manifest = &template(name)[Path::new("Cargo.toml")];
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        for line in dependencies.lines().filter(|line| !line.contains("path = ")) {
            let Some((dependency, _)) = line.split_once(" = ") else { continue };
            if let Some(ours) = version(&workspace, dependency).filter(|_| dependency != "debug") {
                assert_eq!(version(dependencies, dependency), Some(ours), "{name}: {dependency}");
            }
        }
    }
}
