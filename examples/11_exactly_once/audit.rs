//! Compares what came out with what must come out.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::departures::{AIRPORTS, Departure};
use crate::output::{Counts, read};

/// What is in an output topic.
pub(crate) struct Audit {
    counts: Counts,
    /// Departures that are not in the output.
    lost: usize,
    /// Departures that are in the output once more than they should be.
    twice: usize,
    /// All records, those of aborted transactions too.
    in_the_log: usize,
}

impl Audit {
    // ANCHOR: audit
    pub(crate) async fn of(brokers: &str, output: &str, departures: &[Departure]) -> Result<Audit> {
        let mut seen: BTreeMap<&str, usize> =
            departures.iter().map(|departure| (departure.flight.as_str(), 0)).collect();
        for counted in &read(brokers, output, "read_committed").await? {
            if let Some(times) = seen.get_mut(counted.flight.as_str()) {
                *times += 1;
            }
        }
        Ok(Audit {
            counts: Counts::rebuild(brokers, output).await?,
            lost: seen.values().filter(|times| **times == 0).count(),
            twice: seen.values().map(|times| times.saturating_sub(1)).sum(),
            in_the_log: read(brokers, output, "read_uncommitted").await?.len(),
        })
    }
    // ANCHOR_END: audit
}

/// Both outputs next to what they must be.
pub(crate) fn print(departures: &[Departure], audits: &[Audit; 2], kills: [usize; 2]) {
    println!("{:<22} must be   exactly once   at least once", "departures of");
    for airport in AIRPORTS {
        let must_be = departures.iter().filter(|it| it.from == airport).count();
        let [once, at_least] = audits.each_ref().map(|it| it.counts.of(airport));
        println!("{airport:<22} {must_be:>7}   {once:>12}   {at_least:>13}");
    }
    let line = |what: &str, of: fn(&Audit) -> usize| {
        let [once, at_least] = audits.each_ref().map(of);
        println!("{what:<22} {:>7}   {once:>12}   {at_least:>13}", "");
    };
    println!();
    line("lost", |audit| audit.lost);
    line("twice", |audit| audit.twice);
    line("records in the log", |audit| audit.in_the_log);
    println!("{:<22} {:>7}   {:>12}   {:>13}", "kills", "", kills[0], kills[1]);
}
