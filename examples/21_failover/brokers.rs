//! Stops and starts the brokers: this program does, on a cluster of its own, or you do.
//!
//! You should not break a cluster that others use, so this example starts one for itself alone, on
//! the engine that `WORKSHOP_ENGINE` names. If `KAFKA_BOOTSTRAP_SERVERS` names a cluster, you stop
//! the brokers, and the example says what to do and when.

use std::io::{BufRead, IsTerminal, stdin};

use anyhow::{Result, bail, ensure};
use engines::{Engine, Options};
use helpers::topic_metadata;

pub(crate) enum Brokers {
    Ours(Box<dyn engines::Cluster>),
    Yours { cluster: workshop::Cluster, nodes: [i32; 3] },
}

impl Brokers {
    /// Returns `None` if the brokers are yours and there is no terminal for you to use.
    pub(crate) async fn find() -> Result<Option<Brokers>> {
        workshop::show_log();
        if std::env::var("KAFKA_BOOTSTRAP_SERVERS").is_ok_and(|named| !named.is_empty()) {
            return Self::yours().await;
        }
        let engine = Engine::from_environment()?;
        let cluster = engine.start(&Options::default()).await?;
        let servers = cluster.bootstrap_servers();
        eprintln!("workshop: {engine} cluster of 3 nodes on {servers}, for this run alone");
        Ok(Some(Brokers::Ours(cluster)))
    }

    async fn yours() -> Result<Option<Brokers>> {
        let cluster = workshop::cluster().await?;
        println!("This example stops brokers, and those of this cluster are in your hands.");
        println!("It says what to do and when, for example with docker compose:\n");
        println!("  docker compose pause kafka-2 kafka-3");
        println!("  docker compose kill kafka-1 && docker compose unpause kafka-2 kafka-3");
        println!("  docker compose stop kafka-3");
        println!("  docker compose start kafka-1 kafka-3\n");
        println!(
            "Have the second ready before you say the first: a broker that is paused for nine"
        );
        println!(
            "seconds is taken for dead (broker.session.timeout.ms), and then nothing is lost.\n"
        );
        if !stdin().is_terminal() {
            println!("There is no terminal to tell it when that is done, so nothing was done.");
            cluster.close().await?;
            return Ok(None);
        }
        let nodes = nodes_of(cluster.bootstrap_servers()).await?;
        Ok(Some(Brokers::Yours { cluster, nodes }))
    }

    pub(crate) fn bootstrap_servers(&self) -> &str {
        match self {
            Brokers::Ours(cluster) => cluster.bootstrap_servers(),
            Brokers::Yours { cluster, .. } => cluster.bootstrap_servers(),
        }
    }

    /// The ids of three brokers.
    pub(crate) fn nodes(&self) -> [i32; 3] {
        match self {
            Brokers::Ours(cluster) => [0, 1, 2].map(|place| cluster.nodes()[place].id),
            Brokers::Yours { nodes, .. } => *nodes,
        }
    }

    // ANCHOR: ours
    /// Halts brokers as a long garbage collection does: they neither respond nor fetch.
    pub(crate) async fn pause(&self, nodes: &[i32]) -> Result<()> {
        let Brokers::Ours(cluster) = self else {
            return wait_for_enter(&format!("pause {nodes:?}")).await;
        };
        for node in nodes {
            cluster.pause_node(*node).await?;
        }
        Ok(())
    }

    /// Kills a broker (SIGKILL), and resumes the others.
    pub(crate) async fn kill_and_resume(&self, killed: i32, paused: &[i32]) -> Result<()> {
        let Brokers::Ours(cluster) = self else {
            return wait_for_enter(&format!("kill {killed}, unpause {paused:?}")).await;
        };
        cluster.kill_node(killed).await?;
        for node in paused {
            cluster.resume_node(*node).await?;
        }
        Ok(())
    }
    // ANCHOR_END: ours

    /// Shuts a broker down in order: it hands over first.
    pub(crate) async fn stop(&self, node: i32) -> Result<()> {
        match self {
            Brokers::Ours(cluster) => Ok(cluster.stop_node(node).await?),
            Brokers::Yours { .. } => wait_for_enter(&format!("stop {node}")).await,
        }
    }

    pub(crate) async fn start(&self, nodes: &[i32]) -> Result<()> {
        let Brokers::Ours(cluster) = self else {
            return wait_for_enter(&format!("start {nodes:?}")).await;
        };
        for node in nodes {
            cluster.start_node(*node).await?;
        }
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<()> {
        match self {
            Brokers::Ours(cluster) => Ok(cluster.stop().await?),
            Brokers::Yours { cluster, .. } => Ok(cluster.close().await?),
        }
    }
}

/// Returns the ids of three brokers of your cluster.
async fn nodes_of(servers: &str) -> Result<[i32; 3]> {
    let topic = helpers::unique_name("departures");
    helpers::create_topic(servers, &topic, 1, 3).await?;
    let metadata = topic_metadata(servers, &topic).await;
    helpers::delete_topic(servers, &topic).await?;
    let mut nodes = metadata?.partitions.swap_remove(0).replicas;
    nodes.sort_unstable();
    let Ok(nodes) = nodes.try_into() else {
        bail!("this takes a cluster of three brokers");
    };
    Ok(nodes)
}

async fn wait_for_enter(what: &str) -> Result<()> {
    println!("   > now {what}, then press Enter");
    let read = tokio::task::spawn_blocking(|| stdin().lock().read_line(&mut String::new()));
    ensure!(read.await?? > 0, "the terminal was closed");
    Ok(())
}
