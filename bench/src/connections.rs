//! Many connections that do nothing, and what they cost a client that works meanwhile.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;

use crate::broker::Broker;
use crate::latency;
use crate::process::Process;
use crate::produce::{self, Load};
use crate::table::{Better, Table, megabytes};
use crate::topic;

/// How many connections stay idle.
const IDLE: usize = 5_000;

/// How many of them are opened before the cluster is given a moment to accept them: more than that
/// at once overflow the queue of the socket, and then the kernel tries again after a second.
const AT_ONCE: usize = 40;

/// How long connections are given to be accepted.
const SETTLE: Duration = Duration::from_millis(2);

/// How long the last ones are given before their memory is read.
const REST: Duration = Duration::from_secs(1);

/// Opens them, and measures with them open.
pub(crate) fn measure(
    broker: &Broker,
    load: Load,
    latency_records: u32,
    table: &mut Table,
) -> anyhow::Result<()> {
    let _idle = open(broker)?;
    std::thread::sleep(REST);
    let memory = broker.process().and_then(Process::memory).map(megabytes);
    table.line(&format!("{IDLE} idle connections: memory"), memory, "MB", Better::Less);
    let topic = topic::create(broker, 1)?;
    let run = produce::measure(broker, &topic, load)?;
    table.line(
        &format!("{IDLE} idle connections: produce"),
        Some(run.megabytes_per_second()),
        "MB/s",
        Better::More,
    );
    topic.delete()?;
    let what = format!("{IDLE} idle connections: latency");
    latency::measure(broker, latency_records, &what, table)
}

/// Opens connections to the first node.
fn open(broker: &Broker) -> anyhow::Result<Vec<TcpStream>> {
    let servers = broker.bootstrap_servers();
    let node = servers.split(',').next().unwrap_or(servers).trim();
    let mut connections = Vec::with_capacity(IDLE);
    while connections.len() < IDLE {
        broker.check_interrupted()?;
        let connection = TcpStream::connect(node).with_context(|| {
            format!(
                "{} connections to {node} are open and one more is refused: \
                 `ulimit -n` tells how many files a process may open",
                connections.len()
            )
        })?;
        connections.push(connection);
        if connections.len() % AT_ONCE == 0 {
            std::thread::sleep(SETTLE);
        }
    }
    Ok(connections)
}
