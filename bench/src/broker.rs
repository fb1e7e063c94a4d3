//! The cluster that is measured: one of an engine in a child process, or one that runs already.
//!
//! The child is this program with `--serve`. It ends when its stdin does, so it cannot outlive the
//! measuring process, however that ends.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use engines::{Engine, Lifetime, Options};
use rdkafka::ClientConfig;

use crate::admin;
use crate::process::Process;
use crate::table::{Better, Table, megabytes};

/// How long the cluster is left alone before its rest is measured, and while it is.
const REST: Duration = Duration::from_secs(1);

/// A cluster. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Broker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bootstrap_servers: String,
    own: Option<Own>,
    /// The topics that exist because of us.
    topics: Mutex<BTreeSet<String>>,
    is_interrupted: AtomicBool,
}

/// A cluster that was started for this.
#[derive(Debug)]
struct Own {
    engine: Engine,
    started_in: Duration,
    process: Process,
    /// Taken to end it.
    child: Mutex<Option<Child>>,
}

impl Broker {
    /// A new cluster with `nodes` nodes.
    pub(crate) async fn start(engine: Engine, nodes: usize) -> anyhow::Result<Self> {
        engine.prepare().await?;
        let started = tokio::task::spawn_blocking(move || start_child(engine, nodes)).await?;
        let (bootstrap_servers, own) = started?;
        Ok(Self::new(bootstrap_servers, Some(own)))
    }

    /// A cluster that runs already.
    pub(crate) fn at(bootstrap_servers: String) -> Self {
        Self::new(bootstrap_servers, None)
    }

    fn new(bootstrap_servers: String, own: Option<Own>) -> Self {
        let topics = Mutex::default();
        let is_interrupted = AtomicBool::new(false);
        Self(Arc::new(Inner { bootstrap_servers, own, topics, is_interrupted }))
    }

    /// What is measured, in a word.
    pub(crate) fn name(&self) -> String {
        match &self.0.own {
            Some(own) => own.engine.to_string(),
            None => "named".to_owned(),
        }
    }

    /// The addresses to connect to, separated by commas.
    pub(crate) fn bootstrap_servers(&self) -> &str {
        &self.0.bootstrap_servers
    }

    /// A client's settings: where the cluster is, and `settings`.
    pub(crate) fn client(&self, settings: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.0.bootstrap_servers);
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config
    }

    /// The process of the cluster, where it is on this machine and ours.
    pub(crate) fn process(&self) -> Option<Process> {
        self.0.own.as_ref().map(|own| own.process)
    }

    /// Remembers a topic that must be removed whatever happens.
    pub(crate) fn own_topic(&self, name: &str) {
        self.topics().insert(name.to_owned());
    }

    /// Forgets a topic that has been removed.
    pub(crate) fn disown_topic(&self, name: &str) {
        self.topics().remove(name);
    }

    /// Tells the measurements to stop.
    pub(crate) fn interrupt(&self) {
        self.0.is_interrupted.store(true, Ordering::Relaxed);
    }

    /// An error once the measurements are to stop: asked where one may run for long.
    pub(crate) fn check_interrupted(&self) -> anyhow::Result<()> {
        if self.0.is_interrupted.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// Removes what is left of the measurements: our cluster as a whole, or from another one the
    /// topics.
    pub(crate) async fn clean_up(&self) {
        let Some(own) = &self.0.own else {
            let left = std::mem::take(&mut *self.topics());
            for name in left {
                if let Err(error) = admin::remove(&self.client(&[]), &name).await {
                    eprintln!("the topic {name} is left behind: {error:#}");
                }
            }
            return;
        };
        let child = own.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = child {
            drop(child.stdin.take());
            if let Err(error) = child.wait() {
                eprintln!("the cluster's process did not end: {error}");
            }
        }
    }

    fn topics(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts this program once more, as the cluster, and waits for its one line: how long the start
/// took in µs, and where it listens.
fn start_child(engine: Engine, nodes: usize) -> anyhow::Result<(String, Own)> {
    let program = std::env::current_exe().context("this program's own path")?;
    let mut child = Command::new(program)
        .args(["--serve", &engine.to_string(), "--nodes", &nodes.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the cluster's process cannot be started")?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let Some((micros, bootstrap_servers)) = line.trim().split_once(' ') else {
        child.wait()?;
        bail!("the cluster did not start");
    };
    let started_in = Duration::from_micros(micros.parse()?);
    let process = Process::new(child.id());
    let own = Own { engine, started_in, process, child: Mutex::new(Some(child)) };
    Ok((bootstrap_servers.to_owned(), own))
}

/// The child's part: runs a cluster until stdin ends.
pub(crate) async fn serve(engine: Engine, nodes: usize) -> anyhow::Result<()> {
    let options = Options { nodes, lifetime: Lifetime::Long, ..Options::default() };
    let before = Instant::now();
    let cluster = engine.start(&options).await?;
    let micros = before.elapsed().as_micros();
    println!("{micros} {}", cluster.bootstrap_servers());
    std::io::stdout().flush()?;
    // A terminal's Ctrl-C reaches this process too. It is heard here so that it does not kill the
    // cluster before its directory is removed; the parent decides when that is.
    let _ctrl_c = tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
    cluster.stop().await?;
    Ok(())
}

/// How long the start took, and what the cluster uses before the first client comes.
pub(crate) fn at_rest(broker: &Broker, table: &mut Table) {
    let started_in = broker.0.own.as_ref().map(|own| own.started_in.as_secs_f64() * 1e3);
    table.line("start", started_in, "ms", Better::Less);
    let process = broker.process();
    let cpu = || process.and_then(Process::cpu_time);
    let memory = process.and_then(|process| {
        std::thread::sleep(REST);
        process.memory()
    });
    table.line("memory at rest", memory.map(megabytes), "MB", Better::Less);
    let before = cpu();
    if process.is_some() {
        std::thread::sleep(REST);
    }
    let used = cpu().zip(before).map(|(after, before)| (after - before).as_secs_f64() * 1e3);
    table.line("CPU at rest", used.map(|ms| ms / REST.as_secs_f64()), "ms per s", Better::Less);
}

/// What the cluster used during a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) elapsed: Duration,
    pub(crate) cpu_time: Option<Duration>,
    /// The most memory at once, in bytes.
    pub(crate) peak_memory: Option<u64>,
}

/// Runs a measurement and tells what the cluster used for it.
pub(crate) fn watch<T>(
    broker: &Broker,
    measurement: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Used)> {
    let process = broker.process();
    if let Some(process) = process {
        process.forget_peak();
    }
    let cpu_time = || process.and_then(Process::cpu_time);
    let cpu_before = cpu_time();
    let before = Instant::now();
    let result = measurement()?;
    let used = Used {
        elapsed: before.elapsed(),
        cpu_time: cpu_time().zip(cpu_before).map(|(after, before)| after.saturating_sub(before)),
        peak_memory: process.and_then(Process::peak_memory),
    };
    Ok((result, used))
}
