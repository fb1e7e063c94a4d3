//! The sentences that explain a topic's numbers.

use std::collections::BTreeMap;

use embedded_kafka::{ResponseError, error_name};

use crate::account::{Account, Cause};
use crate::books::Reply;

/// Explains lost, duplicated and out of order, each with one sentence if it is not 0.
pub(crate) fn explain(topic: &str, accounts: &[Account]) -> Vec<String> {
    let lines = [lost(topic, accounts), duplicated(topic, accounts), out_of_order(topic, accounts)];
    lines.into_iter().flatten().collect()
}

/// Names the partitions with a number that is not 0, and returns their sum.
fn affected(topic: &str, accounts: &[Account], of: impl Fn(&Account) -> u64) -> (String, u64) {
    let affected = accounts.iter().filter(|account| of(account) > 0);
    let names: Vec<_> = affected.map(|it| format!("{topic}/{}", it.partition)).collect();
    (names.join(", "), accounts.iter().map(of).sum())
}

fn lost(topic: &str, accounts: &[Account]) -> Option<String> {
    let (names, count) = affected(topic, accounts, |account| account.numbers.lost);
    let account = accounts.iter().find(|account| account.numbers.lost > 0)?;
    let (acknowledgement, _) = account.lost.iter().max_by_key(|(_, count)| **count)?;
    let by = acknowledgement.node;
    let why = match account.leader {
        Some(leader) if leader != by => {
            format!(
                "node {by} acknowledged them, and node {leader}, which leads now, never had them"
            )
        }
        _ => format!("node {by} acknowledged them, and its log no longer has them"),
    };
    let advice = if acknowledgement.acks == 1 {
        "with acks=1 a leader does not wait for its followers, and with acks=all it does"
    } else {
        "acks=all waits for in-sync replicas only, and min.insync.replicas=2 demands two of them"
    };
    Some(format!("lost {count}, in {names}: {why}; {advice}."))
}

fn duplicated(topic: &str, accounts: &[Account]) -> Option<String> {
    let (names, count) = affected(topic, accounts, |account| account.numbers.duplicated);
    let (cause, is_idempotent) = main_cause(accounts.iter().map(|it| &it.duplicated))?;
    let why = match cause {
        Some(reply) => format!(
            "the node had appended them, but their producer {}, and sent them again",
            learned(reply)
        ),
        None => "the log has more copies than their producer sent".to_owned(),
    };
    let advice = if is_idempotent {
        "the second copy has another producer id or epoch, so no node could recognize it"
    } else {
        "with enable.idempotence=true the node recognizes the second copy"
    };
    Some(format!("duplicated {count}, in {names}: {why}; {advice}."))
}

fn out_of_order(topic: &str, accounts: &[Account]) -> Option<String> {
    let (names, count) = affected(topic, accounts, |account| account.numbers.out_of_order);
    let (cause, is_idempotent) = main_cause(accounts.iter().map(|it| &it.out_of_order))?;
    let why = match cause {
        Some(reply) => format!(
            "their producer {}, and sent them again after later ones had been appended",
            learned(reply)
        ),
        None => "the node appended records of their producer that it sent later first".to_owned(),
    };
    let advice = if is_idempotent {
        "an idempotent producer keeps the order unless its epoch changes"
    } else {
        "enable.idempotence=true keeps the order, and so does \
         max.in.flight.requests.per.connection=1"
    };
    Some(format!("out of order {count}, in {names}: {why}; {advice}."))
}

fn main_cause<'a>(
    causes: impl Iterator<Item = &'a BTreeMap<(Cause, bool), u64>>,
) -> Option<(Cause, bool)> {
    let mut sums: BTreeMap<(Cause, bool), u64> = BTreeMap::new();
    for (cause, count) in causes.flatten() {
        *sums.entry(*cause).or_default() += count;
    }
    sums.into_iter().max_by_key(|(_, count)| *count).map(|(cause, _)| cause)
}

/// Describes what a producer learned of a batch: `its producer …`.
fn learned(reply: Reply) -> String {
    match reply {
        Reply::Acknowledged => "got the acknowledgement".to_owned(),
        Reply::NotAwaited => "did not wait for a response (acks=0)".to_owned(),
        Reply::Lost => "got no response".to_owned(),
        Reply::Rejected(code) => format!("got {}", named(code)),
    }
}

fn named(code: i16) -> String {
    ResponseError::try_from_code(code).map_or_else(|| "no error".to_owned(), error_name)
}

/// Describes how many records were sent again, by what their producers had learned.
pub(crate) fn resent(accounts: &[&Account]) -> Option<String> {
    let mut sums: BTreeMap<Reply, u64> = BTreeMap::new();
    for (reply, count) in accounts.iter().flat_map(|account| &account.resent) {
        *sums.entry(*reply).or_default() += count;
    }
    let total: u64 = sums.values().sum();
    let parts: Vec<String> = sums
        .iter()
        .map(|(reply, count)| match reply {
            Reply::Rejected(code) => format!("{count} after {}", named(*code)),
            Reply::Lost => format!("{count} after a lost response"),
            Reply::Acknowledged => format!("{count} after an acknowledgement"),
            Reply::NotAwaited => format!("{count} without waiting for a response"),
        })
        .collect();
    (total > 0).then(|| format!("Sent again by producers: {}.", parts.join(", ")))
}

/// Names the partitions that have records and no leader: their records are not lost, because the
/// node that has them may return, but no consumer can read them.
pub(crate) fn leaderless(topics: &[(String, Vec<Account>)]) -> Option<String> {
    let (mut names, mut count) = (Vec::new(), 0);
    for (topic, accounts) in topics {
        for account in accounts.iter().filter(|it| it.leader.is_none()) {
            let records = account.numbers.on_the_cluster;
            if records > 0 {
                names.push(format!("{topic}/{}", account.partition));
                count += records;
            }
        }
    }
    let names = names.join(", ");
    let end = "can be read until a node returns that has them.";
    (count > 0)
        .then(|| format!("Without a leader: {names}. None of the {count} records there {end}"))
}
