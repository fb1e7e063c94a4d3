//! Writes one module for each program of the exercises, with a `main` that can be called.
//!
//! Hundreds of programs would take many minutes to link, and one binary takes seconds.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed={}", root.display());
    let (mut modules, mut arms, mut names) = (String::new(), String::new(), String::new());
    for program in programs(&root)? {
        let name = program.strip_prefix(&root).expect("it is below").with_extension("");
        let name = name.to_string_lossy().replace('\\', "/");
        let module = format!("p{}", name.replace(['-', '/'], "_"));
        let text = fs::read_to_string(&program)?;
        println!("cargo::rerun-if-changed={}", program.display());
        let text = text.replace("\nasync fn main()", "\npub async fn main()");
        let text = text.replace("\nfn main()", "\npub fn main()");
        let file = out.join(format!("{module}.rs"));
        fs::write(&file, text)?;
        writeln!(modules, "#[path = {file:?}]\nmod {module};").expect("it is a string");
        writeln!(arms, "        {name:?} => {module}::main().report(),").expect("it is a string");
        writeln!(names, "    {name:?},").expect("it is a string");
    }
    let text = format!(
        "{modules}\nconst NAMES: &[&str] = &[\n{names}];\n\n\
         fn run(name: &str) -> ExitCode {{\n    match name {{\n{arms}\
         \x20       _ => unknown(name),\n    }}\n}}\n"
    );
    fs::write(out.join("programs.rs"), text)
}

/// Returns `NN-slug/start.rs`, `solution.rs` and `wrong/*.rs` of all exercises, and the hostile
/// programs.
fn programs(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut programs = rust_files(&root.join("programs/hostile"))?;
    for entry in fs::read_dir(root)? {
        let exercise = entry?.path();
        if !exercise.join("check.rs").exists() {
            continue;
        }
        programs.extend(["start.rs", "solution.rs"].map(|file| exercise.join(file)));
        programs.extend(rust_files(&exercise.join("wrong"))?);
    }
    programs.sort();
    Ok(programs)
}

fn rust_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed={}", directory.display());
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|it| it.path()));
    let files: io::Result<Vec<PathBuf>> = entries.collect();
    Ok(files?.into_iter().filter(|it| it.extension().is_some_and(|it| it == "rs")).collect())
}
