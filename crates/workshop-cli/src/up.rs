//! `cargo workshop up`: a cluster and its schema registry in the foreground, until Ctrl-C.

pub(crate) mod arguments;
pub(crate) mod greeting;

use std::process::ExitCode;

use anyhow::Context;
use engines::Engine;
use workshop::{Choice, DataDirectory, Host, HostOptions};

use crate::companions::{self, Companions};
use crate::foreign;
use crate::interrupt::Interrupt;
use arguments::Arguments;
use greeting::{count, describe, greet};

pub(crate) async fn run(arguments: &Arguments, data: &DataDirectory) -> anyhow::Result<ExitCode> {
    let engine = arguments.engine.map_or_else(Engine::from_environment, Ok)?;
    let mut interrupted = Interrupt::listen()?;
    let choice = Choice::from_environment()?;
    let ports = wanted_ports(arguments)?;
    arguments.wanted.check(arguments.nodes)?;
    if engine != Engine::Embedded {
        return foreign::run(arguments, engine, data, &ports, &mut interrupted).await;
    }
    let options = HostOptions {
        nodes: arguments.nodes.into(),
        ports: ports.clone(),
        wire: choice.wire,
        properties: arguments.wanted.properties(),
        topics: arguments.wanted.topics().to_vec(),
        ..HostOptions::default()
    };
    let host = Host::start(data, &options).await?;
    let running = host.running();
    let servers = running.bootstrap_servers();
    let companions = Companions::start(arguments, &servers).await?;
    println!("Cluster of {}, data in {}", count(running.addresses.len()), data.shown());
    describe(&running.addresses, &ports);
    arguments.wanted.describe();
    companions.describe();
    greet(&running.addresses, &servers, &companions, &choice, data);
    let code =
        companions::until_the_end(arguments, &servers, &companions, &mut interrupted).await?;
    if host.has_guests()? {
        println!("\nA program still uses this cluster and loses it now.");
    }
    println!("\nShutting down. What the cluster stored stays in {}", data.shown());
    companions.stop().await;
    host.shutdown().await?;
    Ok(code)
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
