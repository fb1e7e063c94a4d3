//! Runs the program as a process, with its environment variables and signals.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// No wait takes longer, or the test fails.
pub const LIMIT: Duration = Duration::from_secs(60);

pub struct Service {
    pub child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts the program with these variables and no others.
    pub fn start(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Service {
        let mut child = Command::new(program)
            .args(arguments)
            // There is no `.env` here.
            .current_dir(std::env::temp_dir())
            .env_clear()
            .env("RUST_LOG", "warn,rdkafka::client=off")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, stdout) = (Arc::new(Mutex::new(Vec::new())), child.stdout.take().unwrap());
        let written = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                written.lock().unwrap().push(line);
            }
        });
        Service { child, lines, reader: Some(reader) }
    }

    /// Returns the lines that the program has written to stdout.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub async fn printed(&self, count: usize) {
        eventually(&format!("{count} lines"), || self.lines.lock().unwrap().len() >= count).await;
    }

    /// Sends SIGTERM, asserts that the program ends with success, and returns all its lines.
    pub async fn terminate(mut self) -> Vec<String> {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        assert!(self.ended().await, "it ended with an error");
        self.rest()
    }

    /// Sends SIGKILL, which no program can handle, and returns all its lines.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.rest()
    }

    /// Waits until the program has ended, and returns whether it succeeded.
    pub async fn ended(&mut self) -> bool {
        eventually("the end", || self.child.try_wait().unwrap().is_some()).await;
        self.child.wait().unwrap().success()
    }

    /// Returns all lines of a program that has ended.
    pub fn rest(&mut self) -> Vec<String> {
        self.reader.take().unwrap().join().unwrap();
        self.lines()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
