//! The exercises, in the order in which the workshop goes through them.
//!
//! Each `check.rs` is next to its exercise. A new one needs its two lines here.

use crate::exercise::Exercise;

#[path = "../11-abort-and-rewind/check.rs"]
mod abort_and_rewind;
#[path = "../13-alarms/check.rs"]
mod alarms;
#[path = "../16-avro-key/check.rs"]
mod avro_key;
#[path = "../22-changelog/check.rs"]
mod changelog;
#[path = "../08-count-with-offset/check.rs"]
mod count_with_offset;
#[path = "../01-departures-topic/check.rs"]
mod departures_topic;
#[path = "../03-full-queue/check.rs"]
mod full_queue;
#[path = "../06-gate-changes/check.rs"]
mod gate_changes;
#[path = "../02-health-report/check.rs"]
mod health_report;
#[path = "../03-high-airports/check.rs"]
mod high_airports;
#[path = "../08-idempotent-board/check.rs"]
mod idempotent_board;
#[path = "../12-json-lines/check.rs"]
mod json_lines;
#[path = "../24-lag-seconds/check.rs"]
mod lag_seconds;
#[path = "../04-landings/check.rs"]
mod landings;
#[path = "../11-milestones/check.rs"]
mod milestones;
#[path = "../18-minutes-late/check.rs"]
mod minutes_late;
#[path = "../15-mixed-messages/check.rs"]
mod mixed_messages;
#[path = "../04-outage/check.rs"]
mod outage;
#[path = "../07-partition-counts/check.rs"]
mod partition_counts;
#[path = "../06-predict-partition/check.rs"]
mod predict_partition;
#[path = "../17-protobuf-delay/check.rs"]
mod protobuf_delay;
#[path = "../25-selective-redrive/check.rs"]
mod selective_redrive;
#[path = "../14-slow-lookups/check.rs"]
mod slow_lookups;
#[path = "../07-static-members/check.rs"]
mod static_members;
#[path = "../05-test-topics/check.rs"]
mod test_topics;
#[path = "../09-time-window/check.rs"]
mod time_window;
#[path = "../10-transfer/check.rs"]
mod transfer;
#[path = "../09-try-again/check.rs"]
mod try_again;
#[path = "../21-two-brokers-down/check.rs"]
mod two_brokers_down;
#[path = "../00-two-readers/check.rs"]
mod two_readers;
#[path = "../10-zombie/check.rs"]
mod zombie;

static ALL: &[Exercise] = &[
    two_readers::EXERCISE,
    departures_topic::EXERCISE,
    health_report::EXERCISE,
    high_airports::EXERCISE,
    full_queue::EXERCISE,
    landings::EXERCISE,
    outage::EXERCISE,
    test_topics::EXERCISE,
    gate_changes::EXERCISE,
    predict_partition::EXERCISE,
    partition_counts::EXERCISE,
    static_members::EXERCISE,
    idempotent_board::EXERCISE,
    count_with_offset::EXERCISE,
    time_window::EXERCISE,
    try_again::EXERCISE,
    transfer::EXERCISE,
    zombie::EXERCISE,
    milestones::EXERCISE,
    abort_and_rewind::EXERCISE,
    json_lines::EXERCISE,
    alarms::EXERCISE,
    slow_lookups::EXERCISE,
    mixed_messages::EXERCISE,
    avro_key::EXERCISE,
    protobuf_delay::EXERCISE,
    minutes_late::EXERCISE,
    two_brokers_down::EXERCISE,
    changelog::EXERCISE,
    lag_seconds::EXERCISE,
    selective_redrive::EXERCISE,
];

/// Returns all exercises, in the order of the chapters.
pub fn all() -> &'static [Exercise] {
    ALL
}

/// Finds exercises by a chapter's number (`3`, `03`), a slug (`high-airports`), or both
/// (`03-high-airports`, `03_high_airports`). A chapter may have several.
pub fn find(name: &str) -> Vec<&'static Exercise> {
    let name = name.trim().replace('_', "-");
    let chapter = name.parse::<u8>().ok();
    let is_named = |it: &&Exercise| {
        chapter == Some(it.chapter) || name == it.slug || name == it.directory_name()
    };
    ALL.iter().filter(is_named).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn an_exercise_is_found_by_chapter_slug_and_directory() {
        for name in ["3", "03", "high-airports", "03-high-airports", "03_high_airports"] {
            assert!(find(name).iter().any(|it| it.slug == "high-airports"), "{name}");
        }
        assert!(find("99").is_empty() && find("no-such").is_empty() && find("").is_empty());
    }

    #[test]
    fn slugs_are_unique_and_the_list_has_every_directory_in_order() {
        let slugs: BTreeSet<&str> = ALL.iter().map(|it| it.slug).collect();
        assert_eq!(slugs.len(), ALL.len(), "two exercises have one slug");
        let listed: Vec<String> = ALL.iter().map(Exercise::directory_name).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(root).unwrap().map(|it| it.unwrap().path());
        let directories = entries.filter(|it| it.join("check.rs").exists());
        let names = directories.map(|it| it.file_name().unwrap().to_str().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        let mut sorted = listed.clone();
        sorted.sort();
        assert_eq!(sorted, names);
        assert!(ALL.is_sorted_by_key(|it| it.chapter), "{listed:?}");
    }
}
