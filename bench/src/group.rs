//! How long a group takes until all its members have partitions to read.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionListElem;

use crate::broker::Broker;
use crate::table::{Better, Table, median};
use crate::topic;

/// How many members the group has, which join at the same time.
const MEMBERS: usize = 4;

/// How many partitions there are to share.
const PARTITIONS: i32 = 12;

const SETTINGS: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("partition.assignment.strategy", "range"),
];

/// How long they may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Lets new groups form and tells the median time.
pub(crate) fn measure(broker: &Broker, runs: u8, table: &mut Table) -> anyhow::Result<()> {
    let topic = topic::create(broker, PARTITIONS)?;
    let mut times = Vec::new();
    for run in 0..runs {
        times.push(form(broker, &topic.name, run)?.as_secs_f64() * 1e3);
    }
    table.line(&format!("a group of {MEMBERS} forms"), median(times), "ms", Better::Less);
    topic.delete()
}

/// The time from the first subscription until every partition belongs to one of the members, each
/// of which has some.
fn form(broker: &Broker, topic: &str, run: u8) -> anyhow::Result<Duration> {
    let group = format!("{topic}-{run}");
    let before = Instant::now();
    let members = (0..MEMBERS)
        .map(|_| -> anyhow::Result<BaseConsumer> {
            let mut config = broker.client(SETTINGS);
            let member: BaseConsumer = config.set("group.id", &group).create()?;
            member.subscribe(&[topic])?;
            Ok(member)
        })
        .collect::<Result<Vec<_>, _>>()?;
    loop {
        broker.check_interrupted()?;
        for member in &members {
            // The topic is empty: what comes is the client's own business.
            if let Some(Err(error)) = member.poll(Duration::from_millis(1)) {
                return Err(error.into());
            }
        }
        if is_shared(&members)? {
            return Ok(before.elapsed());
        }
        if before.elapsed() > LIMIT {
            bail!("the group has not formed within {LIMIT:?}");
        }
    }
}

fn is_shared(members: &[BaseConsumer]) -> anyhow::Result<bool> {
    let mut partitions = BTreeSet::new();
    let mut count = 0;
    for member in members {
        let assignment = member.assignment()?;
        if assignment.count() == 0 {
            return Ok(false);
        }
        count += assignment.count();
        partitions.extend(assignment.elements().iter().map(TopicPartitionListElem::partition));
    }
    Ok(count == partitions.len() && partitions.len() == usize::try_from(PARTITIONS)?)
}
