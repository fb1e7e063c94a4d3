//! Runs a learner's program within limits, and leaves nothing of it behind.
//!
//! The program may hang, print without end, start other processes, or be killed by the scene. Each
//! of these ends in a [`Run`] within the limit.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::capture::Capture;
use crate::sweep::{MARKER, count, signal_group, sweep};

/// The interval at which the end of a program is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// The most bytes that a program may print on one stream before it is ended.
const MOST_OUTPUT: usize = 8 << 20;

/// A program to judge: a command of any language.
#[derive(Debug, Clone)]
pub struct Program {
    /// The command and its arguments.
    pub command: Vec<OsString>,
    /// The directory in which it runs.
    pub directory: PathBuf,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that it got from the scene or from itself.
    Killed,
    /// It was still running at the limit.
    TooLong(Duration),
    /// It printed more than [`MOST_OUTPUT`].
    TooMuchOutput,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Killed => f.write_str("it was ended by a signal"),
            Self::TooLong(limit) => {
                write!(f, "it was still running after {} s, and was killed", limit.as_secs())
            }
            Self::TooMuchOutput => f.write_str("it printed more than 8 MB, and was killed"),
        }
    }
}

/// A program that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) end: End,
    /// The end of what it printed on stdout and stderr.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Processes that it had started and that were still running.
    pub(crate) left_behind: usize,
}

/// A program that runs. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    marker: String,
    stdout: Capture,
    stderr: Capture,
    started: Instant,
}

impl Program {
    /// Starts the program with these environment variables on top of this process's.
    pub(crate) fn start(&self, environment: &[(String, String)]) -> anyhow::Result<Running> {
        let (name, arguments) = self.command.split_first().context("no command was given")?;
        let marker = crate::names::fresh("run");
        let mut command = Command::new(name);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env(MARKER, &marker)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child =
            command.spawn().with_context(|| format!("cannot run {}", name.to_string_lossy()))?;
        let stdout = Capture::of(child.stdout.take().context("stdout is piped")?);
        let stderr = Capture::of(child.stderr.take().context("stderr is piped")?);
        Ok(Running { child, marker, stdout, stderr, started: Instant::now() })
    }
}

impl Run {
    /// Tells whether the program printed anything, on either stream.
    pub(crate) fn printed_something(&self) -> bool {
        !self.stdout.trim().is_empty() || !self.stderr.trim().is_empty()
    }
}

impl Running {
    /// Waits until the program ends by itself, and ends it at the limit.
    pub(crate) async fn ended_within(mut self, limit: Duration) -> anyhow::Result<Run> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(self.finish(status.code().map_or(End::Killed, End::Exited)));
            }
            if self.stdout.seen().max(self.stderr.seen()) > MOST_OUTPUT {
                return Ok(self.finish(End::TooMuchOutput));
            }
            if self.started.elapsed() > limit {
                return Ok(self.finish(End::TooLong(limit)));
            }
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    }

    /// Tells whether the program still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the program as `kill -9` does: nothing is flushed or committed.
    pub(crate) fn kill(mut self) -> Run {
        self.finish(End::Killed)
    }

    /// Sends SIGTERM, as every deployment does, and waits for the program to end.
    pub(crate) async fn terminate(self, limit: Duration) -> anyhow::Result<Run> {
        signal_group(self.child.id(), false);
        let so_far = self.started.elapsed();
        self.ended_within(so_far + limit).await
    }

    fn finish(&mut self, end: End) -> Run {
        // A program that was ended could not end its processes itself.
        let left_behind = if let End::Exited(_) = end { count(&self.marker) } else { 0 };
        signal_group(self.child.id(), true);
        let _ = self.child.kill();
        let _ = self.child.wait();
        sweep(&self.marker);
        Run { end, stdout: self.stdout.text(), stderr: self.stderr.text(), left_behind }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_running() {
            self.finish(End::Killed);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::capture::KEPT_OUTPUT;

    fn shell(script: &str) -> Program {
        let command = ["sh", "-c", script].map(OsString::from).to_vec();
        Program { command, directory: std::env::temp_dir() }
    }

    async fn run(script: &str, limit: Duration) -> Run {
        let running = shell(script).start(&[]).expect("the shell runs");
        running.ended_within(limit).await.expect("its end can be awaited")
    }

    #[tokio::test]
    async fn a_program_ends_with_its_code_and_its_last_lines() {
        let run = run("echo printed; echo failed >&2; exit 3", Duration::from_secs(20)).await;
        assert_eq!(run.end, End::Exited(3));
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("printed\n", "failed\n"));
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_at_the_limit() {
        let limit = Duration::from_millis(100);
        let run = run("sleep 600", limit).await;
        assert_eq!(run.end, End::TooLong(limit));
    }

    #[tokio::test]
    async fn a_program_that_prints_without_end_is_ended_and_only_its_last_lines_are_kept() {
        let run = run("yes", Duration::from_secs(60)).await;
        assert_eq!(run.end, End::TooMuchOutput);
        assert!(run.stdout.len() <= 2 * KEPT_OUTPUT + 8192, "{}", run.stdout.len());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_a_program_started_is_ended_with_it_even_in_a_session_of_its_own() {
        let run = run("setsid sleep 600 & sleep 600 & exit 0", Duration::from_secs(20)).await;
        assert_eq!(run.end, End::Exited(0));
        assert_eq!(run.left_behind, 2, "{run:?}");
    }

    #[tokio::test]
    async fn a_missing_command_is_an_error_that_names_it() {
        let program =
            Program { command: vec!["no-such-program".into()], directory: std::env::temp_dir() };
        let error = program.start(&[]).unwrap_err();
        assert!(format!("{error:#}").contains("cannot run no-such-program"), "{error:#}");
    }
}
