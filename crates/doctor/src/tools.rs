//! What the first build needs: Rust, and the tools that build librdkafka.

use std::env;
use std::fs;
use std::process;
use std::time::Instant;

use crate::check::{Check, Status};
use crate::command::{Failure, find, parts, run, version};
use crate::platform::{BASH, CMAKE, COMPILERS, Packages, Platform};

/// Programs that show whether a compiler, its headers and its libraries are there.
const C: &str = "#include <stdio.h>\nint main(void) { return 0; }\n";
const CPP: &str = "#include <string>\nint main() { return std::string().size(); }\n";

/// Checks Rust against the `rust-version` of the workspace.
pub(crate) fn rust(deadline: Instant) -> Check {
    let name = "Rust";
    let manifest = include_str!("../../../Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let needed = line.unwrap_or_default().trim_matches('"');
    let update = match find("rustup") {
        Some(_) => "rustup update stable",
        None => "install Rust with https://rustup.rs: packages of a system are often too old",
    };
    match run("rustc", &["--version"], "", deadline) {
        Ok(text) => {
            let found = version(&text).unwrap_or_default();
            let shown = format!("{found}, and the workshop needs {needed} or newer");
            if parts(found) >= parts(needed) {
                Check::ready(name, shown)
            } else {
                Check::not(Status::Missing, name, shown, update)
            }
        }
        Err(failure) => unusable(name, "rustc", &failure, update.to_owned()),
    }
}

/// Checks what builds librdkafka. On Windows, CMake and Visual Studio build it, and elsewhere a
/// script for bash, make, and two compilers.
pub(crate) fn builders(platform: Platform) -> Vec<fn(Platform, Instant) -> Check> {
    if platform == Platform::Winget {
        return vec![visual_studio, cmake];
    }
    vec![c_compiler, cpp_compiler, make, bash]
}

fn c_compiler(platform: Platform, deadline: Instant) -> Check {
    compiler("C compiler", "CC", ["gcc", "clang", "cc"], ["c", C], platform, deadline)
}

fn cpp_compiler(platform: Platform, deadline: Instant) -> Check {
    compiler("C++ compiler", "CXX", ["g++", "clang++", "c++"], ["c++", CPP], platform, deadline)
}

/// Compiles and links a small program with the compiler that librdkafka's build chooses: the one of
/// the variable, or the first of `names`.
fn compiler(
    name: &'static str,
    variable: &str,
    names: [&str; 3],
    [language, program]: [&str; 2],
    platform: Platform,
    deadline: Instant,
) -> Check {
    let chosen = env::var(variable).ok().filter(|it| !it.trim().is_empty());
    let found = chosen.or_else(|| names.into_iter().find(|it| find(it).is_some()).map(Into::into));
    let missing =
        |found: String| Check::not(Status::Missing, name, found, platform.install(&COMPILERS));
    let Some(found) = found else {
        return missing(format!("none of {} is in PATH", names.join(", ")));
    };
    // A variable may hold arguments too, such as `ccache gcc`.
    let mut words = found.split_whitespace();
    let command = words.next().unwrap_or_default();
    let file = env::temp_dir().join(format!("workshop-doctor-{}-{language}", process::id()));
    let output = file.display().to_string();
    let mut arguments: Vec<&str> = words.collect();
    arguments.extend(["-x", language, "-", "-o", &output]);
    let compiled = run(command, &arguments, program, deadline);
    let _ = fs::remove_file(&file);
    match compiled {
        Ok(_) => {
            let text = run(command, &["--version"], "", deadline).unwrap_or_default();
            let number = text.lines().next().and_then(version).unwrap_or_default();
            Check::ready(name, format!("{found} {number} compiles a program"))
        }
        Err(failure) => unusable(name, &found, &failure, platform.install(&COMPILERS)),
    }
}

fn make(platform: Platform, deadline: Instant) -> Check {
    // As rdkafka-sys chooses it.
    let program = if cfg!(target_os = "freebsd") { "gmake" } else { "make" };
    answers("make", program, &COMPILERS, platform, deadline)
}

fn bash(platform: Platform, deadline: Instant) -> Check {
    answers("bash", "bash", &BASH, platform, deadline)
}

fn cmake(platform: Platform, deadline: Instant) -> Check {
    answers("CMake", "cmake", &CMAKE, platform, deadline)
}

/// Checks that a program says its version.
fn answers(
    name: &'static str,
    program: &str,
    packages: &Packages,
    platform: Platform,
    deadline: Instant,
) -> Check {
    match run(program, &["--version"], "", deadline) {
        Ok(text) => Check::ready(name, version(&text).unwrap_or_default()),
        Err(failure) => unusable(name, program, &failure, platform.install(packages)),
    }
}

/// Asks the installer of Visual Studio, because its compiler is not in PATH.
fn visual_studio(platform: Platform, deadline: Instant) -> Check {
    let name = "Visual Studio";
    let programs = env::var("ProgramFiles(x86)").unwrap_or_else(|_| "C:".to_owned());
    let finder = format!("{programs}\\Microsoft Visual Studio\\Installer\\vswhere");
    let needs = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64";
    let which = ["-latest", "-products", "*", "-requires", needs, "-property", "installationPath"];
    match run(&finder, &which, "", deadline) {
        Ok(path) if !path.trim().is_empty() => Check::ready(name, path.trim()),
        _ => {
            let found = "no build tools for C++";
            Check::not(Status::Missing, name, found, platform.install(&COMPILERS))
        }
    }
}

/// A required program that cannot be used. One that is only slow is not missing: the machine is
/// busy.
fn unusable(name: &'static str, program: &str, failure: &Failure, install: String) -> Check {
    let found = said(program, failure);
    match failure {
        Failure::TimedOut => {
            let remedy = "wait until the machine is less busy, and check again";
            Check::not(Status::Note, name, found, remedy)
        }
        Failure::NotFound | Failure::Failed(_) => Check::not(Status::Missing, name, found, install),
    }
}

/// Describes in a few words why a program is of no use.
pub(crate) fn said(program: &str, failure: &Failure) -> String {
    match failure {
        Failure::NotFound => format!("{program} is not in PATH"),
        Failure::TimedOut => format!("{program} does not respond"),
        Failure::Failed(text) => {
            let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            format!("{program} fails: {line}")
        }
    }
}
