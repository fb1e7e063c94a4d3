//! Many clients at once: connections that do nothing, producers side by side, and a consumer of
//! many partitions.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;

use crate::broker::{Broker, watch};
use crate::process::Process;
use crate::produce::{self, Load, Run};
use crate::table::{Table, megabytes};
use crate::{consume, topic};

/// How many connections stay idle.
const IDLE: usize = 1000;

/// How many producers send at the same time, each its share of the records.
const PRODUCERS: u64 = 64;

/// How many partitions they write to.
const PARTITIONS: i32 = 100;

/// How long connections are given to be accepted before their cost is read.
const SETTLE: Duration = Duration::from_secs(1);

/// Measures all three, one after the other.
pub(crate) fn measure(broker: &Broker, load: Load, table: &mut Table) -> anyhow::Result<()> {
    let idle = idle_connections(broker, table)?;
    let topic = topic::create(broker, PARTITIONS)?;
    let share = Load { records: load.records.div_ceil(PRODUCERS), ..load };
    let all = Load { records: share.records * PRODUCERS, ..load };
    let ((), used) = watch(broker, || {
        std::thread::scope(|scope| {
            let producers: Vec<_> = (0..PRODUCERS)
                .map(|_| scope.spawn(|| produce::send(broker, &topic.name, share)))
                .collect();
            producers.into_iter().try_for_each(|producer| {
                producer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    })?;
    let produced = Run { bytes: all.bytes(), used };
    produce::report(
        &format!("produce, {PRODUCERS} at once to {PARTITIONS} partitions"),
        &[produced],
        table,
    );
    let consumed = consume::measure(broker, &topic, all)?;
    produce::report(&format!("consume, {PARTITIONS} partitions"), &[consumed], table);
    drop(idle);
    topic.delete()
}

/// Opens connections to the first node and keeps them.
fn idle_connections(broker: &Broker, table: &mut Table) -> anyhow::Result<Vec<TcpStream>> {
    let memory = || broker.process().and_then(Process::memory);
    let before = memory();
    let servers = broker.bootstrap_servers();
    let node = servers.split(',').next().unwrap_or(servers).trim();
    let connections = (0..IDLE)
        .map(|_| TcpStream::connect(node))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{IDLE} connections to {node} are too many"))?;
    std::thread::sleep(SETTLE);
    let grown = memory().zip(before).map(|(after, before)| megabytes(after) - megabytes(before));
    table.line(&format!("{IDLE} idle connections, memory"), grown, "MB");
    Ok(connections)
}
