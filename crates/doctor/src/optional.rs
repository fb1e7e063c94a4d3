//! What only some parts of the workshop need.

use std::env;
use std::path::Path;
use std::time::Instant;

use crate::check::{Check, Status};
use crate::command::{Failure, parts, run, version};
use crate::platform::{DOCKER, JAVA, MAVEN, PYTHON, Platform};
use crate::tools::said;

/// Checks for the Java that Apache Kafka 4 runs on, where the workshop looks for it.
pub(crate) fn java(platform: Platform, deadline: Instant) -> Check {
    let home = env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
    let program = home.map(|home| Path::new(&home).join("bin").join("java").display().to_string());
    let program = program.unwrap_or_else(|| "java".to_owned());
    let (name, needed) = ("Java", "17, for `cargo workshop up --engine apache`");
    // Java prints its version on stderr, in quotes: "1.8.0_451" is version 8.
    let found = run(&program, &["-version"], "", deadline).map(|text| {
        let quoted = text.split('"').nth(1).unwrap_or_default();
        number(quoted.strip_prefix("1.").unwrap_or(quoted))
    });
    at_least(name, &program, found, needed, platform.install(&JAVA))
}

/// Checks for Maven, which downloads the jars of Apache Kafka once.
pub(crate) fn maven(platform: Platform, deadline: Instant) -> Check {
    let needed = "3, to download Apache Kafka once";
    let found = run("mvn", &["--version"], "", deadline).map(|text| number(&text));
    at_least("Maven", "mvn", found, needed, platform.install(&MAVEN))
}

/// Checks for Python, whose client of Confluent a test compares with.
pub(crate) fn python(platform: Platform, deadline: Instant) -> Check {
    let program = if cfg!(windows) { "python" } else { "python3" };
    let needed = "3.10, for tests with Confluent's client";
    let found = run(program, &["--version"], "", deadline).map(|text| number(&text));
    at_least("Python", program, found, needed, platform.install(&PYTHON))
}

/// Checks for a container engine that responds.
pub(crate) fn docker(platform: Platform, deadline: Instant) -> Check {
    let asked = run("docker", &["version", "--format", "{{.Server.Version}}"], "", deadline);
    match asked {
        Ok(text) => Check::ready("Docker", format!("{} responds", number(&text))),
        Err(failure) => {
            let found = format!("{}; `--engine docker` needs it", said("docker", &failure));
            let remedy = match failure {
                Failure::NotFound => platform.install(&DOCKER),
                _ => "start Docker, and check `docker info`".to_owned(),
            };
            Check::not(Status::Absent, "Docker", found, remedy)
        }
    }
}

fn number(text: &str) -> String {
    version(text).unwrap_or_default().to_owned()
}

/// Compares a version with the one at the start of `needed`.
fn at_least(
    name: &'static str,
    program: &str,
    found: Result<String, Failure>,
    needed: &str,
    remedy: String,
) -> Check {
    let oldest = version(needed.split(',').next().unwrap_or_default()).unwrap_or_default();
    match found {
        Ok(found) if parts(&found) >= parts(oldest) => Check::ready(name, found),
        Ok(found) => {
            let found = if found.is_empty() { "no version".to_owned() } else { found };
            let found = format!("{program} is {found}; it must be at least {needed}");
            Check::not(Status::Absent, name, found, remedy)
        }
        Err(failure) => {
            let found = format!("{}; at least {needed}", said(program, &failure));
            Check::not(Status::Absent, name, found, remedy)
        }
    }
}
