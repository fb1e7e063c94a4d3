//! Builds a program of the learner's package.
//!
//! Cargo runs in the checkout, so that .cargo/config.toml applies, and in the target directory of
//! the workspace: what the workshop has compiled already, librdkafka above all, is not compiled
//! again.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use crate::capture::Capture;
use crate::exercise::Exercise;
use crate::project::Project;
use crate::sweep::signal_group;

/// The interval at which the end of cargo is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// What a build comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// The program, ready to run.
    Program(PathBuf),
    /// The last lines of what cargo printed: the errors of the compiler, or of a Cargo.toml.
    Failed(String),
}

/// Builds the learner's program for an exercise. Cargo's lines go to stderr as they come, with its
/// colors and its progress bar if `is_terminal` says that stderr is one.
///
/// Dropping the future ends cargo and the compilers that it has started.
///
/// # Errors
/// Cargo cannot be run. A program that does not compile is a result, not an error.
pub async fn build(
    project: &Project,
    exercise: &Exercise,
    is_terminal: bool,
) -> anyhow::Result<Built> {
    let mut command = command(project, exercise, is_terminal);
    let mut cargo = Cargo(command.spawn().context("cannot run cargo")?);
    let messages = Capture::of(cargo.0.stdout.take().context("stdout is piped")?);
    let shown = Capture::shown(cargo.0.stderr.take().context("stderr is piped")?);
    let status = loop {
        if let Some(status) = cargo.0.try_wait()? {
            break status;
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    };
    if !status.success() {
        return Ok(Built::Failed(shown.text()));
    }
    let program = exercise.program_name();
    let executable = executable(&messages.text(), &program);
    executable.map(Built::Program).with_context(|| format!("cargo names no program {program}"))
}

fn command(project: &Project, exercise: &Exercise, is_terminal: bool) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(project.directory().join("Cargo.toml"))
        .args(["--bin", &exercise.program_name()])
        .current_dir(project.checkout())
        .env("CARGO_TARGET_DIR", target_directory(project.checkout()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if exercise.uses_schemas {
        command.args(["--features", "schemas"]);
    }
    if is_terminal {
        command.env("CARGO_TERM_COLOR", "always");
        command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "80");
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Returns the target directory in which this process was built, and the checkout's if it was built
/// without cargo.
fn target_directory(checkout: &Path) -> PathBuf {
    let executable = env::current_exe().unwrap_or_default();
    // Cargo puts this file into each target directory.
    let is_target = |path: &&Path| path.join(".rustc_info.json").exists();
    executable.ancestors().find(is_target).map_or_else(|| checkout.join("target"), Path::to_owned)
}

/// Finds the path of a program in cargo's messages, one JSON object in each line.
fn executable(messages: &str, program: &str) -> Option<PathBuf> {
    let parsed = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    parsed
        .filter(|message: &serde_json::Value| message["target"]["name"] == program)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// Cargo, which ends with this value.
#[derive(Debug)]
struct Cargo(Child);

impl Drop for Cargo {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            signal_group(self.0.id(), true);
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_the_messages_of_cargo() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"anyhow"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"03_a"},"executable":"/t/debug/03_a"}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "03_a"), Some("/t/debug/03_a".into()));
        assert_eq!(executable(messages, "04_b"), None);
    }
}
