//! Runs other programs, with a limit: a container engine that does not respond must not stop the
//! doctor.

use std::env;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How much of a program's output is read, in bytes.
const MOST: u64 = 64 * 1024;

/// How often to look whether a program has ended.
const AGAIN: Duration = Duration::from_millis(5);

/// Why a program has no usable output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is not in PATH.
    NotFound,
    /// It did not end in time, and was killed.
    TimedOut,
    /// It could not be started, or ended with another exit code than 0. The text says why.
    Failed(String),
}

/// Returns the file of a program in PATH. A name with a directory is used as it is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let directories = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let directories: Vec<PathBuf> =
        if name.contains(['/', '\\']) { vec![PathBuf::new()] } else { directories };
    // On Windows, programs have an extension, and Maven is a script.
    let extensions: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ".bat"] } else { &[""] };
    let files = directories.iter().flat_map(|directory| {
        extensions.iter().map(move |extension| directory.join(format!("{name}{extension}")))
    });
    files.into_iter().find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &std::path::Path) -> bool {
    file.is_file()
}

/// Runs a program until it ends or `deadline` passes, and returns what it printed on stdout and
/// then on stderr.
pub(crate) fn run(
    program: &str,
    arguments: &[&str],
    input: &str,
    deadline: Instant,
) -> Result<String, Failure> {
    let file = find(program).ok_or(Failure::NotFound)?;
    let mut command = Command::new(file);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Failure::Failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input closes the pipe, which is not a failure.
        let _ = stdin.write_all(input.as_bytes());
    }
    let outputs = (child.stdout.take().map(collect), child.stderr.take().map(collect));
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(AGAIN),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::TimedOut);
            }
            Err(error) => return Err(Failure::Failed(error.to_string())),
        }
    };
    // A process that the program left behind can keep the pipes open: this waits for the deadline
    // at most.
    let text = |output: Option<Receiver<String>>| {
        let left = deadline.saturating_duration_since(Instant::now());
        output.and_then(|it| it.recv_timeout(left).ok()).unwrap_or_default()
    };
    let text = format!("{}{}", text(outputs.0), text(outputs.1));
    match status.success() {
        true => Ok(text),
        false if text.trim().is_empty() => Err(Failure::Failed(status.to_string())),
        false => Err(Failure::Failed(text)),
    }
}

/// Reads a pipe to its end on a thread of its own.
fn collect(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.take(MOST).read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// Returns the first number with a dot, or the first number, such as 12.2.0 in `gcc 12.2.0`.
pub(crate) fn version(text: &str) -> Option<&str> {
    let words = text.split(|it: char| !it.is_ascii_digit() && it != '.');
    let numbers = || words.clone().map(|it| it.trim_matches('.')).filter(|it| !it.is_empty());
    numbers().find(|it| it.contains('.')).or_else(|| numbers().next())
}

/// Returns the parts of a version as numbers, so that 1.100 is more than 1.95.
pub(crate) fn parts(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_first_number_with_a_dot() {
        assert_eq!(version("rustc 1.95.0 (59807616e 2026-04-14)"), Some("1.95.0"));
        assert_eq!(version("gcc (Debian 12.2.0-14) 12.2.0"), Some("12.2.0"));
        assert_eq!(version("openjdk version \"21\" 2023-09-19"), Some("21"));
        assert_eq!(version("no number."), None);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parts("1.100.0") > parts("1.95"));
        assert!(parts("1.95.0") >= parts("1.95"));
        assert!(parts("3.9.18") < parts("3.10"));
    }
}
