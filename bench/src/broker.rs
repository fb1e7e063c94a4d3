//! The cluster that is measured: ours in a child process, or one that runs already.
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
use embedded_kafka::Cluster;
use rdkafka::ClientConfig;

use crate::process::Process;
use crate::table::{Table, megabytes};
use crate::topic;

/// How long the cluster is left alone before its rest is measured, and while it is.
const REST: Duration = Duration::from_secs(1);

/// A cluster. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Broker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bootstrap_servers: String,
    embedded: Option<Embedded>,
    /// The topics that exist because of us.
    topics: Mutex<BTreeSet<String>>,
    is_interrupted: AtomicBool,
}

#[derive(Debug)]
struct Embedded {
    nodes: usize,
    started_in: Duration,
    process: Process,
    /// Taken to end it.
    child: Mutex<Option<Child>>,
}

impl Broker {
    /// The cluster that `KAFKA_BOOTSTRAP_SERVERS` names, or a new one with `nodes` nodes.
    pub(crate) async fn find_or_start(nodes: usize) -> anyhow::Result<Self> {
        let (bootstrap_servers, embedded) = match std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
            Ok(named) if !named.is_empty() => (named, None),
            _ => {
                let started = tokio::task::spawn_blocking(move || start_child(nodes)).await?;
                let (bootstrap_servers, embedded) = started?;
                (bootstrap_servers, Some(embedded))
            }
        };
        let topics = Mutex::default();
        let is_interrupted = AtomicBool::new(false);
        Ok(Self(Arc::new(Inner { bootstrap_servers, embedded, topics, is_interrupted })))
    }

    /// What is measured, for the reader.
    pub(crate) fn description(&self) -> String {
        match &self.0.embedded {
            Some(embedded) => format!("embedded cluster of {} node(s)", embedded.nodes),
            None => format!("cluster at {}", self.0.bootstrap_servers),
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
        self.0.embedded.as_ref().map(|embedded| embedded.process)
    }

    /// Remembers a topic that is to be removed whatever happens.
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
        let Some(embedded) = &self.0.embedded else {
            let left = std::mem::take(&mut *self.topics());
            for name in left {
                if let Err(error) = topic::remove(self, &name).await {
                    eprintln!("the topic {name} is left behind: {error:#}");
                }
            }
            return;
        };
        let child = embedded.child.lock().unwrap_or_else(PoisonError::into_inner).take();
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
fn start_child(nodes: usize) -> anyhow::Result<(String, Embedded)> {
    let program = std::env::current_exe().context("this program's own path")?;
    let mut child = Command::new(program)
        .args(["--serve", "--nodes", &nodes.to_string()])
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
    let embedded = Embedded { nodes, started_in, process, child: Mutex::new(Some(child)) };
    Ok((bootstrap_servers.to_owned(), embedded))
}

/// The child's part: runs a cluster until stdin ends.
pub(crate) async fn serve(nodes: usize) -> anyhow::Result<()> {
    let before = Instant::now();
    let cluster = Cluster::builder().nodes(nodes).start().await?;
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
    cluster.shutdown().await;
    Ok(())
}

/// How long the start took, and what the cluster uses before the first client comes.
pub(crate) fn at_rest(broker: &Broker, table: &mut Table) {
    let embedded = broker.0.embedded.as_ref();
    let started_in = embedded.map(|embedded| embedded.started_in.as_secs_f64() * 1e3);
    table.line("start", started_in, "ms");
    let process = broker.process();
    let cpu = || process.and_then(Process::cpu_time);
    let memory = process.and_then(|process| {
        std::thread::sleep(REST);
        process.memory()
    });
    table.line("memory at rest", memory.map(megabytes), "MB");
    let before = cpu();
    if process.is_some() {
        std::thread::sleep(REST);
    }
    let used = cpu().zip(before).map(|(after, before)| (after - before).as_secs_f64() * 1e3);
    table.line("CPU at rest", used.map(|ms| ms / REST.as_secs_f64()), "ms per s");
}

/// What the cluster used during a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) elapsed: Duration,
    pub(crate) cpu_time: Option<Duration>,
    /// CPU time of the client, which is this process.
    pub(crate) client_cpu_time: Option<Duration>,
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
    let client = Process::new(std::process::id());
    let cpu_times = || (process.and_then(Process::cpu_time), client.cpu_time());
    let cpu_before = cpu_times();
    let before = Instant::now();
    let result = measurement()?;
    let elapsed = before.elapsed();
    let cpu_after = cpu_times();
    let difference = |after: Option<Duration>, before| Some(after?.saturating_sub(before?));
    let used = Used {
        elapsed,
        cpu_time: difference(cpu_after.0, cpu_before.0),
        client_cpu_time: difference(cpu_after.1, cpu_before.1),
        peak_memory: process.and_then(Process::peak_memory),
    };
    Ok((result, used))
}
