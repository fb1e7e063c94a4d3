//! What can run with a cluster that is up: a schema registry, a worker of Kafka Connect, and a
//! command.

use std::process::{Command, ExitCode};

use anyhow::Context;
use embedded_registry::Registry;
use engines::{Connect, ConnectOptions};

use crate::interrupt::Interrupt;
use crate::registry;
use crate::up::arguments::Arguments;

/// The port of a Connect worker's REST interface, where it is free.
const CONNECT_PORT: u16 = 8083;

/// What runs with the cluster of one `up`.
#[derive(Debug)]
pub(crate) struct Companions {
    registry: Option<Registry>,
    /// The port that was asked for.
    registry_port: u16,
    connect: Option<Connect>,
}

impl Companions {
    /// Starts what the arguments ask for.
    ///
    /// # Errors
    /// Where a worker of Connect is asked for and does not start.
    pub(crate) async fn start(arguments: &Arguments, servers: &str) -> anyhow::Result<Self> {
        let registry_port = arguments.registry_port;
        let registry = match arguments.no_registry {
            true => None,
            false => registry::start(servers, registry_port).await,
        };
        Ok(Self { registry, registry_port, connect: connect(arguments, servers).await? })
    }

    /// Prints where it is.
    pub(crate) fn describe(&self) {
        if let Some(registry) = &self.registry {
            let replaced = match self.registry_port {
                0 => String::new(),
                port if port == registry.address().port() => String::new(),
                port => format!("  (port {port} is taken)"),
            };
            println!("  schema registry  {}{replaced}", registry.url());
        }
        if let Some(connect) = &self.connect {
            println!("  Connect http://{}", connect.address());
        }
    }

    /// Where the registry is, for `SCHEMA_REGISTRY_URL`.
    pub(crate) fn registry_url(&self) -> Option<String> {
        self.registry.as_ref().map(|registry| registry.url().to_string())
    }

    pub(crate) async fn stop(self) {
        if let Some(registry) = self.registry {
            registry.shutdown().await;
        }
    }
}

/// Starts the worker, where one is asked for.
async fn connect(arguments: &Arguments, servers: &str) -> anyhow::Result<Option<Connect>> {
    if !arguments.connect {
        return Ok(None);
    }
    let options = ConnectOptions {
        bootstrap_servers: servers.to_owned(),
        replication_factor: usize::from(arguments.nodes.min(3)),
        port: if arguments.port == 0 { 0 } else { CONNECT_PORT },
    };
    Ok(Some(Connect::start(&options).await?))
}

/// Waits for Ctrl-C, or for the end of the command that was given; its exit code is the answer.
pub(crate) async fn until_the_end(
    arguments: &Arguments,
    servers: &str,
    companions: &Companions,
    interrupted: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let Some((program, rest)) = arguments.command.split_first() else {
        interrupted.wait().await;
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Command::new(program);
    command.args(rest).env("KAFKA_BOOTSTRAP_SERVERS", servers);
    if let Some(url) = companions.registry_url() {
        command.env("SCHEMA_REGISTRY_URL", url);
    }
    let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
    let ended = tokio::task::spawn_blocking(move || child.wait());
    // Ctrl-C in a terminal reaches the command as well, and it ends in its own way.
    let status = ended.await?.with_context(|| format!("cannot wait for {program}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
