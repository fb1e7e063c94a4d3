//! What can run beside a cluster that is up: a worker of Kafka Connect, and a command.

use std::process::{Command, ExitCode};

use anyhow::Context;
use engines::{Connect, ConnectOptions};

use crate::interrupt::Interrupt;
use crate::up::Arguments;

/// The port of a Connect worker's REST interface, where it is free.
const CONNECT_PORT: u16 = 8083;

/// Starts the worker, where one is asked for.
pub(crate) async fn connect(
    arguments: &Arguments,
    servers: &str,
) -> anyhow::Result<Option<Connect>> {
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

/// Prints where the worker is.
pub(crate) fn describe_connect(connect: Option<&Connect>) {
    if let Some(connect) = connect {
        println!("  Connect http://{}", connect.address());
    }
}

/// Waits for Ctrl-C, or for the end of the command that was given; its exit code is the answer.
pub(crate) async fn until_the_end(
    arguments: &Arguments,
    servers: &str,
    interrupted: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let Some((program, rest)) = arguments.command.split_first() else {
        interrupted.wait().await;
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Command::new(program);
    command.args(rest).env("KAFKA_BOOTSTRAP_SERVERS", servers);
    let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
    let ended = tokio::task::spawn_blocking(move || child.wait());
    // Ctrl-C in a terminal reaches the command as well, and it ends in its own way.
    let status = ended.await?.with_context(|| format!("cannot wait for {program}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
