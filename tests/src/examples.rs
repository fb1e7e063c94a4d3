//! The examples as child processes, the way a learner runs them.
//!
//! Cargo tells a test only of its own package's programs, so the examples are built here first: a
//! moment where they are fresh, and never an old one. Each [`Workplace`] is a data directory of its
//! own, in which several examples can run, one after the other or at once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::eventually;

/// How long an example may take, on a machine with other work too. Each needs some seconds.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(180);

/// How many examples run side by side.
const AT_ONCE: usize = 8;

/// The workspace's root.
pub fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the tests are a directory in the workspace")
}

/// Where examples are: those of the root package, those that Prometheus scrapes, and those that
/// need a schema registry.
const DIRECTORIES: [&str; 3] = ["examples", "examples/metrics", "examples/schemas"];

/// The names of all examples, sorted: `01_create_topic` and so on.
///
/// # Panics
/// When examples/ cannot be read.
pub fn names() -> Vec<String> {
    let entries = DIRECTORIES.into_iter().flat_map(|directory| {
        std::fs::read_dir(root().join(directory)).expect("the directories are there")
    });
    let paths = entries.map(|entry| entry.expect("a directory can be read").path());
    // As cargo finds them: a file, or a directory with a main.rs for an example of several files.
    let is_example =
        |path: &PathBuf| path.extension().is_some_and(|it| it == "rs") || is_directory(path);
    let programs = paths.filter(is_example);
    let mut names: Vec<String> =
        programs.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

fn is_directory(example: &Path) -> bool {
    example.join("main.rs").exists()
}

/// The file with an example's `main`, from the workspace's root.
///
/// # Panics
/// When there is no such example.
pub fn main_file(name: &str) -> String {
    let files = DIRECTORIES
        .into_iter()
        .flat_map(|it| [format!("{it}/{name}.rs"), format!("{it}/{name}/main.rs")]);
    let mut files = files.filter(|file| root().join(file).exists());
    files.next().unwrap_or_else(|| panic!("there is no example {name}"))
}

/// A cargo that asks about this workspace.
pub fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

/// The file of an example, built with the profile that this test was built with.
fn program(name: &str) -> &'static Path {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(build);
    programs.get(name).unwrap_or_else(|| panic!("there is no example {name}"))
}

/// Builds what `cargo test` at the root builds too: all default members, so that the features are
/// the same and nothing is compiled twice.
fn build() -> BTreeMap<String, PathBuf> {
    let mut command = cargo();
    command.args(["build", "--examples", "--message-format=json", "--profile", profile()]);
    let output = command.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "the examples do not build");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = lines.lines().filter_map(|line| serde_json::from_str(line).ok());
    let artifacts = messages.filter_map(|message: serde_json::Value| {
        let target = &message["target"];
        let is_example = target["kind"][0] == "example";
        let name = target["name"].as_str().filter(|_| is_example)?;
        Some((name.to_owned(), PathBuf::from(message["executable"].as_str()?)))
    });
    artifacts.collect()
}

/// The profile's name is its directory's, except that `dev` builds into `debug`.
pub(crate) fn profile() -> &'static str {
    static PROFILE: OnceLock<String> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let test = std::env::current_exe().expect("a test knows its own file");
        let directory = test.ancestors().nth(2).and_then(Path::file_name);
        match directory.and_then(|it| it.to_str()) {
            Some("debug") | None => "dev".to_owned(),
            Some(name) => name.to_owned(),
        }
    })
}

/// Runs examples to their ends, a few at a time: they wait more than they compute. Each result has
/// its example's name.
///
/// # Panics
/// When `run` does for one of them.
pub fn side_by_side(
    names: &[String],
    run: impl Fn(&str) -> Printed + Sync,
) -> Vec<(&str, Printed)> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let printed = run(name);
            results.lock().expect("no other has panicked").push((name.as_str(), printed));
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(work))));
    results.into_inner().expect("a panic would have come out of the scope")
}

/// What an example prints where none has run before, with `WORKSHOP_WIRE`, which adds lines to
/// stderr.
///
/// It runs once in a process, whichever test asks. An example that needs little waits for none that
/// needs much: each has a lock of its own.
///
/// # Panics
/// As [`Workplace::run`] does.
pub fn first_run(name: &str) -> Printed {
    static PRINTED: Mutex<BTreeMap<String, Arc<OnceLock<Printed>>>> = Mutex::new(BTreeMap::new());
    let printed = {
        let mut all = PRINTED.lock().expect("no one panics while holding it");
        Arc::clone(all.entry(name.to_owned()).or_default())
    };
    printed.get_or_init(|| Workplace::fresh().with("WORKSHOP_WIRE", "1").run(name)).clone()
}

/// A data directory of its own, gone when this is dropped.
#[derive(Debug)]
pub struct Workplace {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Workplace {
    /// An empty data directory, in which examples start an embedded cluster.
    ///
    /// # Panics
    /// When there is no room for it.
    pub fn fresh() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let variables = Vec::new();
        Workplace { directory, variables }
    }

    /// The examples run with this environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs an example to its end.
    ///
    /// # Panics
    /// When it takes longer than three minutes, or ends with another exit code than 0.
    pub fn run(&self, name: &str) -> Printed {
        self.start(name, &[]).end()
    }

    /// Runs examples in their order, as far as it matters: those from 06 on have topics of their
    /// own, and run side by side, while the first five share one.
    ///
    /// # Panics
    /// As [`Workplace::run`] does.
    pub fn run_all(&self, names: &[String]) -> Vec<Printed> {
        let (others, five): (Vec<String>, Vec<String>) =
            names.iter().cloned().partition(|name| name.as_str() >= "06");
        let others_of_it = || -> Vec<Printed> {
            let printed = side_by_side(&others, |name| self.run(name));
            printed.into_iter().map(|(_, printed)| printed).collect()
        };
        std::thread::scope(|scope| {
            let others = scope.spawn(others_of_it);
            let mut printed: Vec<Printed> = five.iter().map(|name| self.run(name)).collect();
            match others.join() {
                Ok(others) => printed.extend(others),
                Err(panic) => std::panic::resume_unwind(panic),
            }
            printed
        })
    }

    /// Starts an example, and leaves it running.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, name: &str, arguments: &[&str]) -> RunningExample {
        let mut command = Command::new(program(name));
        // What a learner's shell says about clusters is not for these runs.
        let others = ["KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SECURITY_PROTOCOL", "SCHEMA_REGISTRY_URL"];
        for variable in others.into_iter().chain(["WORKSHOP_WIRE"]) {
            command.env_remove(variable);
        }
        command.args(arguments).env("WORKSHOP_DATA", self.directory.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        RunningExample::spawn(name, command)
    }
}

/// An example that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct RunningExample {
    name: String,
    child: Child,
    stdout: Collected,
    stderr: Collected,
}

impl RunningExample {
    /// Starts a command, and calls it `name` in messages.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(name: &str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was just built");
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        RunningExample {
            name: name.to_owned(),
            stdout: Collected::from(stdout),
            stderr: Collected::from(stderr),
            child,
        }
    }

    /// Waits until the example has printed `text` on stdout.
    ///
    /// # Panics
    /// When it does not within the deadline of [`eventually`].
    pub fn wait_for(&self, text: &str) {
        let what = format!("{} prints {text:?}", self.name);
        eventually(&what, || self.stdout.so_far().contains(text).then_some(()));
    }

    /// Waits until the example has printed `text` on stderr.
    ///
    /// # Panics
    /// When it does not within the deadline of [`eventually`].
    pub fn wait_for_error(&self, text: &str) {
        let what = format!("{} prints {text:?} on stderr", self.name);
        eventually(&what, || self.stderr.so_far().contains(text).then_some(()));
    }

    /// What it has printed on stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// Ctrl-C.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn interrupt(&self) {
        self.signal("-INT");
    }

    /// SIGTERM, which deployments send.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill is there").success(), "no {signal} for {}", self.name);
    }

    /// Waits until it has ended well, and returns what it printed.
    ///
    /// # Panics
    /// When it takes longer than three minutes, or ends with another exit code than 0.
    pub fn end(self) -> Printed {
        self.end_within(EXAMPLE_LIMIT)
    }

    /// As [`end`](Self::end), for what takes longer than most.
    ///
    /// # Panics
    /// When it takes longer than `limit`, or ends with another exit code than 0.
    pub fn end_within(self, limit: Duration) -> Printed {
        let name = self.name.clone();
        let (status, printed) = self.ended_within(limit);
        assert!(status.success(), "{name} ended with {status}: {printed:?}");
        printed
    }

    /// Waits until it has ended with an error, and returns what it printed.
    ///
    /// # Panics
    /// When it takes longer than three minutes, or ends well.
    pub fn fail(self) -> Printed {
        let name = self.name.clone();
        let (status, printed) = self.ended_within(EXAMPLE_LIMIT);
        assert_eq!(status.code(), Some(1), "{name} ended with {status}: {printed:?}");
        printed
    }

    fn ended_within(mut self, limit: Duration) -> (ExitStatus, Printed) {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                break status;
            }
            if started.elapsed() > limit {
                panic!("{} does not end: {:?}", self.name, self.printed());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.stdout.finish();
        self.stderr.finish();
        (status, self.printed())
    }

    fn printed(&self) -> Printed {
        Printed { stdout: self.stdout.so_far(), stderr: self.stderr.so_far() }
    }
}

impl Drop for RunningExample {
    fn drop(&mut self) {
        // Fails where it has ended, which is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an example printed.
#[derive(Clone, Debug)]
pub struct Printed {
    /// What it is about.
    pub stdout: String,
    /// Which cluster it uses, and what differs from run to run.
    pub stderr: String,
}

impl Printed {
    /// The number in front of `text`, such as 7884 before " airports read".
    pub fn number_before(&self, text: &str) -> Option<i64> {
        let (before, _) = self.stdout.split_once(text)?;
        before.rsplit(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
    }

    /// The number behind `text`.
    pub fn number_after(&self, text: &str) -> Option<i64> {
        let (_, after) = self.stdout.split_once(text)?;
        after.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
    }
}

/// The lines of a pipe, read by a thread: a child must not wait for its reader.
#[derive(Debug)]
struct Collected {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn from(pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let mut text = shared.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
            }
        });
        Collected { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
    }
}
