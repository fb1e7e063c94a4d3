//! Computes how long each stage took, from a history.

use chrono::TimeDelta;

use crate::format::format_kafka_ref;
use crate::history::History;

/// The time between a record and what was made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageLatency {
    /// The service that made something of the record.
    pub service: String,
    /// The service that had made the record.
    pub source: String,
    /// The record, as `topic:partition:offset:key`.
    pub record: String,
    /// The time from when the record was made until `service` had made something of it: transport,
    /// waiting and processing. It is negative if the services' clocks differ by more.
    pub latency: TimeDelta,
}

/// Returns the latency of each stage of a history, the last stage first. If a record was made from
/// several, each of them is a stage of its own. A record without history has none.
pub fn calc_ref_latencies(history: &History) -> Vec<StageLatency> {
    let mut stages = Vec::new();
    for one in &history.refs {
        let Some(hist) = &one.hist else {
            continue;
        };
        stages.push(StageLatency {
            service: history.service.clone(),
            source: hist.service.clone(),
            record: format_kafka_ref(one),
            latency: history.at - hist.at,
        });
        stages.extend(calc_ref_latencies(hist));
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ref;

    fn history(service: &str, second: &str, refs: Vec<Ref>) -> History {
        let at = format!("2026-11-21T12:00:{second}Z").parse().unwrap();
        History { service: service.to_owned(), at, refs }
    }

    fn record(topic: &str, hist: Option<History>) -> Ref {
        Ref { topic: topic.to_owned(), partition: 0, offset: 7, key: None, hist }
    }

    #[test]
    fn each_edge_of_a_history_is_a_stage() {
        let airports = record("airports", Some(history("airports", "00.5", vec![])));
        let departures = record("departures", Some(history("departures", "01", vec![])));
        let unknown = record("weather", None);
        let delays = history("delays", "03", vec![airports, departures, unknown]);
        let boards = history("boards", "02.9", vec![record("delays", Some(delays))]);
        let found: Vec<_> = calc_ref_latencies(&boards)
            .into_iter()
            .map(|it| (it.service, it.source, it.record, it.latency.num_milliseconds()))
            .collect();
        let stage = |service: &str, source: &str, milliseconds| {
            (service.to_owned(), source.to_owned(), format!("{source}:0:7:null"), milliseconds)
        };
        assert_eq!(
            found,
            [
                stage("boards", "delays", -100),
                stage("delays", "airports", 2500),
                stage("delays", "departures", 2000),
            ]
        );
    }
}
