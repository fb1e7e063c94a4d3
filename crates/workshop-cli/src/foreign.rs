//! `cargo workshop up --engine apache|docker`: Apache Kafka in the place of the embedded cluster.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use engines::{Engine, Options};
use workshop::{Announcement, Choice, DataDirectory};

use crate::companions::{self, Companions};
use crate::interrupt::Interrupt;
use crate::orders::ForeignControl;
use crate::up::arguments::Arguments;
use crate::up::greeting::{count, describe, greet};

/// Runs a cluster on `engine` and announces it on `data` until Ctrl-C.
pub(crate) async fn run(
    arguments: &Arguments,
    engine: Engine,
    data: &DataDirectory,
    ports: &[u16],
    interrupted: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let choice = Choice::from_environment()?;
    let options = Options {
        nodes: arguments.nodes.into(),
        ports: ports.to_vec(),
        properties: arguments.wanted.properties(),
        ..Options::default()
    };
    // What takes long the first time comes before the place: arrivals would wait for it.
    let started = async {
        engine.prepare().await?;
        let place = Announcement::prepare(data).await?;
        let cluster = engine.start(&options).await?;
        let nodes = cluster.nodes().iter().map(|node| node.address).collect();
        arguments.wanted.create_topics(nodes).await?;
        let companions = Companions::start(arguments, cluster.bootstrap_servers()).await?;
        anyhow::Ok((place, cluster, companions))
    };
    let (mut place, cluster, companions) = tokio::select! {
        started = started => started?,
        // What has been started so far ends with the future that held it.
        () = interrupted.wait() => return Ok(ExitCode::SUCCESS),
    };
    let cluster = Arc::new(cluster);
    place.take_orders(Arc::new(ForeignControl(Arc::clone(&cluster))))?;
    let addresses: Vec<SocketAddr> = cluster.nodes().iter().map(|node| node.address).collect();
    let servers = place.announce(cluster.cluster_id(), addresses.clone())?.bootstrap_servers();
    println!("Apache Kafka with {}, whose data goes when it ends", count(addresses.len()));
    describe(&addresses, ports);
    arguments.wanted.describe();
    companions.describe();
    greet(&addresses, &servers, &companions, &choice, data);
    if choice.wire {
        println!("\nWORKSHOP_WIRE shows the requests of the embedded cluster only.");
    }
    let code = companions::until_the_end(arguments, &servers, &companions, interrupted).await?;
    if place.has_guests()? {
        println!("\nA program still uses this cluster and loses it now.");
    }
    println!("\nShutting down.");
    companions.stop().await;
    // A start of a node at this moment gives up first.
    place.end_orders();
    if let Some(cluster) = Arc::into_inner(cluster) {
        cluster.stop().await?;
    }
    Ok(code)
}
