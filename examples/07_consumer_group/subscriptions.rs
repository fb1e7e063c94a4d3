//! Subscriptions to one topic, several, and all whose names match; and more members than
//! partitions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::runtime::Handle;

use crate::board::{Board, Step};
use crate::member::{Member, classic_member};
use crate::topics::Topics;

const POLL: Duration = Duration::from_millis(50);
const LIMIT: Duration = Duration::from_secs(20);

/// Three groups, each with another subscription.
pub(crate) fn show(brokers: &str, topics: &Topics) -> Result<Vec<String>> {
    let subscribed = |group: &str, names: &[&str]| -> Result<BaseConsumer> {
        let builder = classic_member(brokers, &topics.group(group), "a");
        let consumer = Handle::current().block_on(builder.build_polled())?;
        consumer.subscribe(names)?;
        Ok(consumer)
    };
    let ([asia, europe], all) = (&topics.regions, &topics.main);
    // ANCHOR: subscribe
    let name = subscribed("name", &[asia])?;
    let several = subscribed("several", &[asia, europe])?;
    // A name that begins with ^ is a regular expression. It fits topics that come later, too.
    let pattern = subscribed("pattern", &[&format!("^{all}-.*")])?;
    // ANCHOR_END: subscribe

    let mut lines = Vec::new();
    for (what, consumer) in [("a name", name), ("several", several), ("a pattern", pattern)] {
        // What is the same in all names is of this run only.
        let partitions = assigned(&consumer)?.join("  ").replace(all, "departures");
        lines.push(format!("  {what:<9}  {partitions}"));
    }
    Ok(lines)
}

/// Polls until the consumer has partitions, and says which.
fn assigned(consumer: &BaseConsumer) -> Result<Vec<String>> {
    let started = Instant::now();
    loop {
        consumer.poll(POLL);
        let assignment = consumer.assignment()?;
        if assignment.count() > 0 {
            let partitions = assignment.elements();
            let named = partitions.iter().map(|it| format!("{}/{}", it.topic(), it.partition()));
            let mut named: Vec<String> = named.collect();
            named.sort();
            return Ok(named);
        }
        ensure!(started.elapsed() < LIMIT, "nothing was assigned within {LIMIT:?}");
    }
}

/// Three members for a topic of two partitions.
pub(crate) fn show_too_many(brokers: &str, topics: &Topics) -> Result<Vec<Step>> {
    let (topic, group) = (&topics.regions[0], topics.group("crowd"));
    let board = Arc::new(Board::default());
    let join = |name| Member::join(name, classic_member(brokers, &group, name), topic, &board);
    let a = join("a")?;
    board.step("a joins", "a", &[("a", 2)], || Ok(()))?;
    let mut others = Vec::new();
    let crowd = board.step("b and c join", "b", &[("a", 1), ("b", 1), ("c", 0)], || {
        others.push(join("b")?);
        others.push(join("c")?);
        Ok(())
    })?;
    let fewer = board.step("a leaves", "a", &[("b", 1), ("c", 1)], || a.leave().map(|_| ()))?;
    for member in others {
        member.leave()?;
    }
    Ok(vec![crowd, fewer])
}
