//! A cluster in a process of its own, which a test kills, shuts down and starts again on the same
//! data directory and the same ports, or starves of disk space.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use engines::free_ports;
use tempfile::TempDir;

use crate::TestCluster;

/// How often another set of ports is tried where someone else was faster.
const ATTEMPTS: usize = 20;

/// A cluster in a child process, with its data directory.
#[derive(Debug)]
pub struct HostedCluster {
    executable: PathBuf,
    directory: TempDir,
    ports: Vec<u16>,
    child: Option<Child>,
    client: TestCluster,
}

impl HostedCluster {
    /// Starts a cluster on a new data directory. `executable` is the program `cluster-host`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_new(executable: &str, nodes: usize) -> HostedCluster {
        let mut cluster = HostedCluster::new(executable, nodes);
        for _ in 0..ATTEMPTS {
            match cluster.try_start() {
                Ok(()) => return cluster,
                Err(error) if error.contains("is taken") => cluster.ports = free_ports(nodes),
                Err(error) => panic!("the cluster does not start: {error}"),
            }
        }
        panic!("no free ports in {ATTEMPTS} attempts");
    }

    /// A cluster on a new data directory that has not been started.
    pub fn new(executable: &str, nodes: usize) -> HostedCluster {
        HostedCluster {
            executable: executable.into(),
            directory: tempfile::tempdir().expect("the system has a temporary directory"),
            ports: free_ports(nodes),
            child: None,
            client: TestCluster::at(""),
        }
    }

    /// Starts the cluster again, on its old ports.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&mut self) {
        self.try_start().expect("the cluster starts again");
    }

    /// Starts the cluster again with another number of nodes, on other ports.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with_nodes(&mut self, nodes: usize) {
        self.ports = free_ports(nodes);
        self.start();
    }

    /// Starts the cluster.
    ///
    /// # Errors
    /// What it said when it did not start.
    pub fn try_start(&mut self) -> Result<(), String> {
        let mut command = Command::new(&self.executable);
        self.spawn(&mut command)
    }

    /// Starts the cluster where no file can grow beyond `blocks` of 512 bytes: a write beyond fails
    /// as on a full disk, in part or as a whole. [`HostedCluster::lift_file_limit`] lifts the
    /// limit.
    ///
    /// # Errors
    /// What the cluster said when it did not start.
    pub fn try_start_with_file_limit(&mut self, blocks: u64) -> Result<(), String> {
        let mut command = Command::new("sh");
        // The signal would end the process before its write could fail; what is ignored stays
        // ignored across exec.
        command.arg("-c").arg(format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\""));
        command.arg(&self.executable);
        self.spawn(&mut command)
    }

    /// Starts the cluster where it may have so many files and sockets open, and no more.
    ///
    /// # Errors
    /// What the cluster said when it did not start.
    pub fn try_start_with_descriptors(&mut self, descriptors: usize) -> Result<(), String> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -n {descriptors}; exec \"$0\" \"$@\""));
        command.arg(&self.executable);
        self.spawn(&mut command)
    }

    /// Gives the running cluster room on its disk again. False where the system has no `prlimit`.
    ///
    /// # Panics
    /// When the cluster does not run.
    pub fn lift_file_limit(&self) -> bool {
        let mut command = Command::new("prlimit");
        command.arg(format!("--pid={}", self.process_id())).arg("--fsize=unlimited:unlimited");
        command.status().is_ok_and(|status| status.success())
    }

    fn spawn(&mut self, command: &mut Command) -> Result<(), String> {
        assert!(self.child.is_none(), "the cluster runs already");
        let ports = self.ports.iter().map(u16::to_string);
        let mut child = command
            .arg(self.directory.path())
            .args(ports)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the host's program can be run");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the child's output can be read");
        if line.is_empty() {
            let mut said = String::new();
            let mut stderr = child.stderr.take().expect("stderr is piped");
            stderr.read_to_string(&mut said).expect("the child's errors are text");
            child.wait().expect("the child has ended");
            return Err(said);
        }
        // The clients live as long as the addresses: dropping them deletes the topics they made.
        if self.client.bootstrap_servers() != line.trim() {
            self.client = TestCluster::at(line.trim());
        }
        self.child = Some(child);
        Ok(())
    }

    /// Ends the process at once (SIGKILL), whatever it is doing.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the cluster runs");
        child.kill().expect("the child is ours");
        child.wait().expect("the child has ended");
    }

    /// Ends the cluster in order.
    ///
    /// # Panics
    /// When it does not run, or ends with an error.
    pub fn shutdown(&mut self) {
        let mut child = self.child.take().expect("the cluster runs");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        stdin.write_all(b"shutdown\n").expect("the child waits for a line");
        assert!(child.wait().expect("the child ends").success(), "it ends without an error");
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// The clients of the cluster as it was last started.
    pub fn client(&self) -> &TestCluster {
        &self.client
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The newest segment of a partition: the file that the next record goes to.
    ///
    /// # Panics
    /// When the partition has none.
    pub fn active_segment(&self, topic: &str, partition: i32) -> PathBuf {
        let logs = self.directory().join("logs").join(format!("{topic}-{partition}"));
        let files = std::fs::read_dir(&logs).expect("the partition has a directory");
        let paths = files.map(|file| file.expect("it can be listed").path());
        let segments = paths.filter(|path| path.extension().is_some_and(|it| it == "log"));
        segments.max().expect("the partition has a segment")
    }

    /// A figure of the process's memory in bytes, as `/proc` names it: `VmRSS` for now, `VmHWM` for
    /// the most there ever was. `None` where there is no `/proc`.
    ///
    /// # Panics
    /// When the cluster does not run.
    pub fn memory(&self, figure: &str) -> Option<u64> {
        let path = format!("/proc/{}/status", self.process_id());
        let status = std::fs::read_to_string(path).ok()?;
        let line = status.lines().find(|line| line.starts_with(figure))?;
        let kilobytes = line.split_whitespace().nth(1)?.parse::<u64>().ok()?;
        Some(kilobytes * 1024)
    }

    fn process_id(&self) -> u32 {
        self.child.as_ref().expect("the cluster runs").id()
    }
}

impl Drop for HostedCluster {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}
