//! A member of a group as a process of its own, which a test can end or kill.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::eventually;

/// The consumers of helpers/, as the program names them.
pub const CONSUMERS: [&str; 3] = ["polled", "stream", "batches"];
/// Two strategies of the classic protocol, and the consumer protocol.
pub const PROTOCOLS: [&str; 3] = ["range", "cooperative-sticky", "consumer"];

/// A record that each of the consumers can read: an envelope of lineage around a number.
pub fn envelope(number: usize) -> String {
    let hist = r#"{"svc":"desk","dt":"2026-11-21T12:00:00+00:00","refs":[]}"#;
    format!(r#"{{"item":{number},"hist":{hist}}}"#)
}

/// The program src/bin/reading-member.rs, which ends with its test.
#[derive(Debug)]
pub struct ReadingMember {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// Closed, it ends the program. A child that is waited for would lose it.
    _input: Option<ChildStdin>,
}

impl ReadingMember {
    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(program: impl AsRef<Path>, arguments: &[&str]) -> ReadingMember {
        let mut command = Command::new(program.as_ref());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (lines, output) = (Arc::new(Mutex::new(Vec::new())), child.stdout.take());
        let collected = Arc::clone(&lines);
        std::thread::spawn(move || {
            let output = BufReader::new(output.expect("its output is piped"));
            for line in output.lines().map_while(Result::ok) {
                collected.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let input = child.stdin.take();
        ReadingMember { child, lines, _input: input }
    }

    /// What it has printed so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends it a signal, such as `-TERM`.
    ///
    /// # Panics
    /// When there is no `kill`, or it does not live any more.
    pub fn kill(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("there is kill").success(), "kill {signal} {id}");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// As [`eventually`] does.
    pub fn ended(&mut self) -> ExitStatus {
        eventually("the program ends", || self.child.try_wait().expect("it was started"))
    }
}

impl Drop for ReadingMember {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
