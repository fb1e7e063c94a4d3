//! `cargo workshop up`: a cluster and its schema registry in the foreground, until Ctrl-C.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;
use clap::value_parser;
use embedded_registry::Registry;
use workshop::{Choice, DataDirectory, Host, HostOptions};

/// Run a cluster and a schema registry in this terminal until Ctrl-C.
///
/// Examples in other terminals find it by themselves. What it stores stays for the
/// next run, and `cargo workshop reset` removes it.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop up
  cargo workshop up --nodes 1 --port 19092
  cargo workshop up --data /tmp/lab     a second cluster; its examples need WORKSHOP_DATA=/tmp/lab
  cargo workshop up --registry-port 18081
  WORKSHOP_WIRE=1 cargo workshop up     print each request that it answers"
)]
pub(crate) struct Arguments {
    /// How many nodes the cluster has, 1 to 9.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u16).range(1..=9))]
    nodes: u16,

    /// The port of the first node; the others take the ports after it.
    ///
    /// A port that is taken is replaced by a free one; 0 means free ones for all.
    #[arg(long, default_value_t = 9092)]
    port: u16,

    /// The port of the schema registry; a free one where it is taken, or 0.
    #[arg(long, default_value_t = 8081, value_name = "PORT")]
    registry_port: u16,

    /// Run no schema registry beside the cluster.
    #[arg(long)]
    no_registry: bool,
}

pub(crate) async fn run(arguments: &Arguments, data: &DataDirectory) -> anyhow::Result<()> {
    let interrupted = Interrupt::listen()?;
    let choice = Choice::from_environment()?;
    let ports = wanted_ports(arguments)?;
    let options =
        HostOptions { nodes: arguments.nodes.into(), ports: ports.clone(), wire: choice.wire };
    let host = Host::start(data, &options).await?;
    let registry = match arguments.no_registry {
        true => None,
        false => start_registry(&host, arguments.registry_port).await,
    };
    describe(&host, data, &ports, registry.as_ref().map(|it| (it, arguments.registry_port)));
    if let Some(servers) = choice.bootstrap_servers {
        println!(
            "\nKAFKA_BOOTSTRAP_SERVERS is {servers} in this shell: examples that see it go there, \
             not here."
        );
    }
    interrupted.wait().await;
    if host.has_guests()? {
        println!("\nA program still uses this cluster and loses it now.");
    }
    println!("\nShutting down. What the cluster stored stays in {}", data.shown());
    if let Some(registry) = registry {
        registry.shutdown().await;
    }
    host.shutdown().await?;
    Ok(())
}

fn wanted_ports(arguments: &Arguments) -> anyhow::Result<Vec<u16>> {
    if arguments.port == 0 {
        return Ok(Vec::new());
    }
    (0..arguments.nodes)
        .map(|node| arguments.port.checked_add(node))
        .collect::<Option<Vec<u16>>>()
        .with_context(|| {
            format!(
                "there are no {} ports from {} on: choose a lower --port",
                arguments.nodes, arguments.port
            )
        })
}

/// Starts the registry on its port, or on a free one where somebody has that. The cluster is of
/// use without it, so a failure is said and does not end the command.
async fn start_registry(host: &Host, port: u16) -> Option<Registry> {
    let servers = host.running().bootstrap_servers();
    let start = |port| Registry::builder(&servers).port(port).start();
    let started = match is_answered(port) {
        true => start(0).await,
        false => match start(port).await {
            Err(embedded_registry::Error::Listen { .. }) if port != 0 => start(0).await,
            other => other,
        },
    };
    let announced = match started {
        Ok(mut registry) => registry.announce().await.map(|()| registry),
        Err(error) => Err(error),
    };
    let error = match announced {
        Ok(registry) => return Some(registry),
        Err(error) => anyhow::Error::from(error),
    };
    eprintln!("The schema registry does not start: {error:#}");
    None
}

/// Whether somebody listens on this port of this machine already.
fn is_answered(port: u16) -> bool {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    port != 0 && TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

fn describe(host: &Host, data: &DataDirectory, wanted: &[u16], registry: Option<(&Registry, u16)>) {
    let addresses = &host.running().addresses;
    let nodes = if addresses.len() == 1 {
        "1 node".to_owned()
    } else {
        format!("{} nodes", addresses.len())
    };
    println!("Cluster of {nodes}, data in {}", data.shown());
    for (index, address) in addresses.iter().enumerate() {
        let replaced = match wanted.get(index) {
            Some(port) if *port != address.port() => format!("  (port {port} is taken)"),
            _ => String::new(),
        };
        println!("  node {}  {address}{replaced}", index + 1);
    }
    let mut of_registry = String::new();
    if let Some((registry, wanted)) = registry {
        let replaced = match wanted {
            0 => String::new(),
            port if port == registry.address().port() => String::new(),
            port => format!("  (port {port} is taken)"),
        };
        println!("  schema registry  {}{replaced}", registry.url());
        of_registry = format!("\n  export SCHEMA_REGISTRY_URL={}", registry.url());
    }
    let servers = host.running().bootstrap_servers();
    let first = addresses.first().map(ToString::to_string).unwrap_or_default();
    println!(
        "
Examples in other terminals find it by themselves:
  cargo run --example 03_producer

Other programs take its address:
  export KAFKA_BOOTSTRAP_SERVERS={servers}{of_registry}
  kafka-topics --bootstrap-server {first} --list

Ctrl-C ends it."
    );
}

/// The wish to end: Ctrl-C, or on Unix the signal that `kill` sends. Listening starts before the
/// cluster does, so that neither can hit it unprepared.
struct Interrupt {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupt {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Interrupt {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
