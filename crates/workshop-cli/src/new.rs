//! `cargo workshop new`: writes a project from a template.
//!
//! It reads the templates from the checkout instead of embedding them in the binary. A project
//! needs the checkout anyway: its tests use the embedded cluster, which is not published. This way
//! the code needs no list of files, and what it writes is what `.ci/run templates` has tested.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::checkout;

/// Write a project to start from into a new or empty directory.
///
/// The project builds and runs with published crates alone. Its tests use the embedded
/// cluster of this checkout. Without --template, the command lists the templates.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop new
  cargo workshop new ../billing --template consumer"
)]
pub(crate) struct Arguments {
    /// The directory of the project. The last component of the path becomes its name.
    path: Option<PathBuf>,

    /// The template to write.
    #[arg(long, short, value_name = "NAME", requires = "path")]
    template: Option<String>,
}

/// Names that Rust or Cargo reserve: keywords, and names of crates and directories.
const RESERVED: &str = "\
    abstract alloc as async await become box break build const continue core crate deps do dyn \
    else enum examples extern false final fn for gen if impl in incremental let loop macro \
    match mod move mut override priv pub ref return self static std struct super test trait \
    true try type unsafe use";

/// Entries of a template's directory that are left out. A build there creates them.
const NOT_PART_OF_IT: [&str; 3] = ["target", "Cargo.lock", ".env"];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let checkout = checkout::root()?;
    let (Some(path), Some(template)) = (&arguments.path, &arguments.template) else {
        return list(&checkout);
    };
    let source = checkout.join("templates").join(template);
    if !names(&checkout)?.contains(template) {
        bail!("there is no template {template}: choose one of {}", names(&checkout)?.join(", "));
    }
    let project = std::path::absolute(path)?;
    let name = check_name(&project)?;
    check_directory(&project, &checkout)?;
    let manifest = fs::read_to_string(source.join("Cargo.toml"))?;
    let is_dependency = manifest.lines().any(|line| line.starts_with(&format!("{name} = ")));
    ensure!(!is_dependency, "the project depends on a crate named {name}: choose another name");

    let placeholder = format!("my-{template}");
    copy(&source, &project, &|text| {
        let crates = format!("path = \"{}/crates/", for_toml(&checkout));
        text.replace(&placeholder, &name).replace("path = \"../../crates/", &crates)
    })?;
    // The versions that the workshop is tested with. Cargo removes what the project does not use.
    fs::copy(checkout.join("Cargo.lock"), project.join("Cargo.lock"))?;
    println!("The template {template} is in {}\n", project.display());
    println!("  cd {}", project.display());
    println!("  cargo test               on an embedded cluster");
    println!("  cp .env.example .env     set the address of your cluster here");
    println!("  cargo run");
    Ok(())
}

/// Prints each template with its description.
fn list(checkout: &Path) -> anyhow::Result<()> {
    for name in names(checkout)? {
        let manifest =
            fs::read_to_string(checkout.join("templates").join(&name).join("Cargo.toml"))?;
        let description = manifest.lines().find_map(|line| line.strip_prefix("description = "));
        println!("{name:<22}{}", description.unwrap_or_default().trim_matches('"'));
    }
    println!("\nTo write one: cargo workshop new PATH --template NAME");
    Ok(())
}

/// Returns the names of the templates, sorted.
fn names(checkout: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(checkout.join("templates")).context("templates/ of the checkout")? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Returns the last component of the path, if it is a valid crate name.
fn check_name(project: &Path) -> anyhow::Result<String> {
    let name = project.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.context("the path must end with the name of the project")?;
    let is_ascii = name.chars().all(|it| it.is_ascii_alphanumeric() || it == '-' || it == '_');
    let begins_well = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    ensure!(
        is_ascii && begins_well,
        "{name} is not a valid crate name: use ASCII letters, digits, - and _, and begin with a letter"
    );
    let is_reserved = RESERVED.split(' ').any(|reserved| reserved == name) || name == "_";
    ensure!(!is_reserved, "{name} is not a valid crate name: Rust or Cargo reserves it");
    Ok(name)
}

/// Checks that the directory is new or empty, and outside the checkout.
fn check_directory(project: &Path, checkout: &Path) -> anyhow::Result<()> {
    // The existing part of the path, with symbolic links resolved.
    let existing = project.ancestors().find_map(|path| path.canonicalize().ok());
    if existing.is_some_and(|path| path.starts_with(checkout)) {
        bail!(
            "{} is inside the workshop, so Cargo would treat it as part of the workspace: choose a \
             path outside {}",
            project.display(),
            checkout.display()
        );
    }
    match fs::read_dir(project) {
        Ok(mut entries) => {
            let is_empty = entries.next().is_none();
            ensure!(
                is_empty,
                "{} is not empty: choose a new or empty directory",
                project.display()
            );
        }
        Err(_) if project.exists() => bail!("{} is not a directory", project.display()),
        Err(_) => {}
    }
    Ok(())
}

/// Copies the files of a template, and applies `change` to their text.
fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if NOT_PART_OF_IT.iter().any(|not| name == *not) {
            continue;
        }
        let target = to.join(&name);
        if path.is_dir() {
            copy(&path, &target, change)?;
        } else {
            let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
            let written = fs::write(&target, change(&text));
            written.with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

/// Formats a path for a TOML string.
fn for_toml(path: &Path) -> String {
    path.display().to_string().replace('\\', "/").replace('"', "\\\"")
}
