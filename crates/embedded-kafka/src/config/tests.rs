//! The responses of Apache Kafka 4.4 to the same settings.

use super::topic_settings::topic_setting;
use super::*;
use crate::log::{Compression, TimestampType};
use crate::rejection::Rejection;

fn set(name: &str, value: &str) -> Result<TopicConfig, Rejection> {
    changed(&TopicConfig::default(), &[(name, Operation::Set, Some(value))])
}

fn changed(
    config: &TopicConfig,
    changes: &[(&str, Operation, Option<&str>)],
) -> Result<TopicConfig, Rejection> {
    let change = |&(name, operation, value)| Change { name, operation: Some(operation), value };
    config.changed(&changes.iter().map(change).collect::<Vec<_>>())
}

/// Returns the value that a setting shows after a change.
fn shown(config: &TopicConfig, name: &str) -> String {
    config.value_of(topic_setting(name).unwrap()).to_owned()
}

/// Lists the rejected values of each setting, with the reason after "Invalid value … for
/// configuration …: ". If Kafka shows the value in another form than it came, that form is in
/// between.
#[test]
fn a_value_is_rejected_in_kafkas_words() {
    let (int, long, double) =
        ("Not a number of type INT", "Not a number of type LONG", "Not a number of type DOUBLE");
    let boolean = "Expected value to be either true or false";
    let policies = "String must be one of: compact, delete";
    let compressions = "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer";
    let timestamps = "String must be one of: CreateTime, LogAppendTime";
    let gzip = "Value must be between 1 and 9 or equal to -1";
    let rows = [
        ("segment.bytes", "abc", "abc", int),
        ("segment.bytes", "", "", int),
        ("segment.bytes", "True ", "True ", int),
        ("segment.bytes", "1.5", "1.5", int),
        ("segment.bytes", "0x10", "0x10", int),
        ("segment.bytes", "99999999999", "99999999999", int),
        ("segment.bytes", "5", "5", "Value must be at least 1048576"),
        ("segment.bytes", " 7 ", "7", "Value must be at least 1048576"),
        ("segment.bytes", "+5", "5", "Value must be at least 1048576"),
        ("segment.bytes", "007", "7", "Value must be at least 1048576"),
        ("segment.ms", "0", "0", "Value must be at least 1"),
        ("segment.jitter.ms", "-1", "-1", "Value must be at least 0"),
        ("segment.index.bytes", "1", "1", "Value must be at least 4"),
        ("flush.messages", "0", "0", "Value must be at least 1"),
        ("flush.ms", "-1", "-1", "Value must be at least 0"),
        ("retention.bytes", "abc", "abc", long),
        ("retention.ms", "", "", long),
        ("retention.ms", " x ", " x ", long),
        ("retention.ms", "-2", "-2", "Value must be at least -1"),
        ("retention.ms", "99999999999999999999", "99999999999999999999", long),
        ("max.message.bytes", "-1", "-1", "Value must be at least 0"),
        ("index.interval.bytes", "-1", "-1", "Value must be at least 0"),
        ("delete.retention.ms", "-1", "-1", "Value must be at least 0"),
        ("min.compaction.lag.ms", "-1", "-1", "Value must be at least 0"),
        ("max.compaction.lag.ms", "0", "0", "Value must be at least 1"),
        ("file.delete.delay.ms", "-1", "-1", "Value must be at least 0"),
        ("min.cleanable.dirty.ratio", "abc", "abc", double),
        ("min.cleanable.dirty.ratio", "inf", "inf", double),
        ("min.cleanable.dirty.ratio", "0x10", "0x10", double),
        ("min.cleanable.dirty.ratio", "-1", "-1.0", "Value must be at least 0"),
        ("min.cleanable.dirty.ratio", "-0.0001", "-1.0E-4", "Value must be at least 0"),
        ("min.cleanable.dirty.ratio", "1.5", "1.5", "Value must be no more than 1"),
        ("min.cleanable.dirty.ratio", "1048576", "1048576.0", "Value must be no more than 1"),
        (
            "min.cleanable.dirty.ratio",
            "99999999999",
            "9.9999999999E10",
            "Value must be no more than 1",
        ),
        (
            "min.cleanable.dirty.ratio",
            "99999999999999999999",
            "1.0E20",
            "Value must be no more than 1",
        ),
        ("min.cleanable.dirty.ratio", "Infinity", "Infinity", "Value must be no more than 1"),
        ("cleanup.policy", "abc", "abc", policies),
        ("cleanup.policy", "True ", "True", policies),
        ("cleanup.policy", "delete,x", "x", policies),
        ("cleanup.policy", "none,delete", "none", policies),
        ("cleanup.policy", "x,,compact", "x", policies),
        ("unclean.leader.election.enable", "1", "1", boolean),
        ("min.insync.replicas", "0", "0", "Value must be at least 1"),
        ("compression.type", "", "", compressions),
        ("compression.type", "LZ4", "LZ4", compressions),
        ("compression.type", " compact , delete", "compact , delete", compressions),
        ("compression.gzip.level", "0", "0", gzip),
        ("compression.gzip.level", "10", "10", gzip),
        ("compression.lz4.level", "0", "0", "Value must be at least 1"),
        ("compression.lz4.level", "18", "18", "Value must be no more than 17"),
        ("compression.zstd.level", "23", "23", "Value must be no more than 22"),
        ("compression.zstd.level", "-131073", "-131073", "Value must be at least -131072"),
        ("preallocate", "", "", boolean),
        ("preallocate", " x ", " x ", boolean),
        ("message.timestamp.type", "logappendtime", "logappendtime", timestamps),
        ("message.timestamp.before.max.ms", "-1", "-1", "Value must be at least 0"),
        ("message.timestamp.after.max.ms", "-1", "-1", "Value must be at least 0"),
        ("local.retention.ms", "-3", "-3", "Value must be at least -2"),
        ("local.retention.bytes", "-3", "-3", "Value must be at least -2"),
    ];
    for (name, value, shown, reason) in rows {
        let message = format!("Invalid value {shown} for configuration {name}: {reason}");
        assert_eq!(set(name, value), Err(Rejection::invalid_config(message)));
    }
}

#[test]
fn a_list_is_rejected_in_kafkas_words() {
    for list in [",", "compact,,x", "compact,"] {
        let message = "Configuration 'cleanup.policy' values must not be empty.";
        assert_eq!(set("cleanup.policy", list), Err(Rejection::invalid_config(message)));
    }
    let name = "leader.replication.throttled.replicas";
    for (list, shown) in [("abc", "abc"), ("0:a", "0:a"), (" 1:1 ,*", "1:1, *"), ("1", "1")] {
        let message = format!(
            "Invalid value [{shown}] for configuration {name}: {name} must be the literal '*' or \
             a list of replicas in the following format: \
             [partitionId]:[brokerId],[partitionId]:[brokerId],..."
        );
        assert_eq!(set(name, list), Err(Rejection::invalid_config(message)));
    }
}

#[test]
fn a_value_is_shown_as_kafka_shows_it() {
    let throttled = "follower.replication.throttled.replicas";
    let rows = [
        ("segment.bytes", "1048576", "1048576"),
        ("retention.ms", " 7 ", "7"),
        ("retention.ms", "+5", "5"),
        ("retention.ms", "007", "7"),
        ("retention.ms", "-1", "-1"),
        ("retention.bytes", "-3", "-3"),
        ("preallocate", "True ", "true"),
        ("preallocate", "TRUE", "true"),
        ("cleanup.policy", " compact , delete", "compact,delete"),
        ("cleanup.policy", "delete,delete", "delete"),
        ("cleanup.policy", "", ""),
        ("cleanup.policy", " ", ""),
        ("min.cleanable.dirty.ratio", "1e-1", "0.1"),
        ("min.cleanable.dirty.ratio", " 0.25 ", "0.25"),
        ("min.cleanable.dirty.ratio", "0.0001", "1.0E-4"),
        ("min.cleanable.dirty.ratio", "0.5d", "0.5"),
        ("min.cleanable.dirty.ratio", "0", "0.0"),
        ("compression.gzip.level", "-1", "-1"),
        ("compression.zstd.level", "-3", "-3"),
        (throttled, "*", "*"),
        (throttled, "*,", "*,"),
        (throttled, ",", ","),
        (throttled, "0:1 , 1:1,0:1", "0:1,1:1,0:1"),
    ];
    for (name, value, expected) in rows {
        let config = set(name, value).unwrap();
        assert_eq!(shown(&config, name), expected, "{name}={value}");
    }
}

#[test]
fn the_first_error_is_the_one_that_kafka_finds_first() {
    let set = |name, value| (name, Operation::Set, Some(value));
    let rejected = |changes: &[_]| changed(&TopicConfig::default(), changes).unwrap_err().message;
    let unknown = "Unknown topic config name: nope";
    assert_eq!(rejected(&[set("segment.ms", "0"), set("nope", "1")]), unknown);
    assert_eq!(
        rejected(&[set("retention.ms", "-5"), set("segment.ms", "0")]),
        "Invalid value 0 for configuration segment.ms: Value must be at least 1"
    );
    assert_eq!(
        rejected(&[set("compression.type", "q"), set("cleanup.policy", "q")]),
        "Invalid value q for configuration cleanup.policy: String must be one of: compact, delete"
    );
}

#[test]
fn values_that_contradict_each_other_are_rejected() {
    let set = |name, value| (name, Operation::Set, Some(value));
    let lags = [set("min.compaction.lag.ms", "10"), set("max.compaction.lag.ms", "5")];
    let message = "conflict topic config setting min.compaction.lag.ms (10) > \
                   max.compaction.lag.ms (5)";
    let expected = Err(Rejection::invalid_config(message));
    assert_eq!(changed(&TopicConfig::default(), &lags), expected);
    let message = "Tiered Storage functionality is disabled in the broker. \
                   Topic cannot be configured with remote log storage.";
    let remote = changed(&TopicConfig::default(), &[set("remote.storage.enable", "true")]);
    assert_eq!(remote, Err(Rejection::invalid_config(message)));
}

#[test]
fn lists_alone_are_appended_to() {
    for (name, operation, verb) in [
        ("retention.ms", Operation::Append, "APPEND"),
        ("retention.ms", Operation::Subtract, "SUBTRACT"),
        ("nope", Operation::Append, "APPEND"),
    ] {
        let message = format!("Can't {verb} to key {name} because its type is not LIST.");
        assert_eq!(
            changed(&TopicConfig::default(), &[(name, operation, Some("5"))]),
            Err(Rejection::invalid_config(message))
        );
    }
}

#[test]
fn a_list_is_edited_element_by_element() {
    let policy = "cleanup.policy";
    let steps = [
        (Operation::Append, Some("compact"), "delete,compact"),
        (Operation::Append, Some("compact"), "delete,compact"),
        (Operation::Append, Some(" compact "), "delete,compact"),
        (Operation::Subtract, Some("delete"), "compact"),
        (Operation::Subtract, Some("delete"), "compact"),
        (Operation::Subtract, Some("compact"), ""),
        (Operation::Delete, None, "delete"),
        (Operation::Set, Some(" compact , delete"), "compact,delete"),
        (Operation::Append, Some("compact,delete"), "compact,delete"),
        (Operation::Delete, Some("whatever"), "delete"),
        (Operation::Subtract, Some("delete"), ""),
    ];
    let mut config = TopicConfig::default();
    for (operation, value, expected) in steps {
        config = changed(&config, &[(policy, operation, value)]).unwrap();
        assert_eq!(shown(&config, policy), expected, "{operation:?} {value:?}");
    }
    let bad = changed(&TopicConfig::default(), &[(policy, Operation::Append, Some("bad"))]);
    let message = "Invalid value bad for configuration cleanup.policy: \
                   String must be one of: compact, delete";
    assert_eq!(bad, Err(Rejection::invalid_config(message)));
    let empty = changed(&TopicConfig::default(), &[(policy, Operation::Append, Some(""))]);
    let message = "Configuration 'cleanup.policy' values must not be empty.";
    assert_eq!(empty, Err(Rejection::invalid_config(message)));
}

#[test]
fn nulls_and_duplicate_names_are_malformed_requests() {
    let set = |name| (name, Operation::Set, None);
    assert_eq!(
        changed(&TopicConfig::default(), &[set("retention.ms"), set("cleanup.policy")]),
        Err(Rejection::invalid_request(
            "Null value not supported for : retention.ms, cleanup.policy"
        ))
    );
    let twice =
        [("retention.ms", Operation::Set, Some("5")), ("retention.ms", Operation::Delete, None)];
    assert_eq!(
        changed(&TopicConfig::default(), &twice),
        Err(Rejection::invalid_request("Error due to duplicate config keys"))
    );
}

#[test]
fn deleting_what_does_not_exist_changes_nothing() {
    for name in ["nope", "retention.ms"] {
        let config = changed(&TopicConfig::default(), &[(name, Operation::Delete, None)]);
        assert_eq!(config, Ok(TopicConfig::default()));
    }
}

#[test]
fn a_rejected_change_changes_nothing() {
    let config = set("retention.ms", "1000").unwrap();
    let changes = [
        ("retention.ms", Operation::Set, Some("3000")),
        ("segment.bytes", Operation::Set, Some("5")),
    ];
    assert!(changed(&config, &changes).is_err());
    assert_eq!(config.retention_ms(), 1000);
}

#[test]
fn a_new_topic_takes_no_null_and_the_last_of_duplicate_names() {
    let doubled = [("retention.ms", Some("1")), ("retention.ms", Some("2"))];
    let create = |entries| TopicConfig::create(entries, Inherited::default());
    assert_eq!(create(doubled).unwrap().retention_ms(), 2);
    let nulls = [("segment.bytes", None), ("nope", None)];
    let message = "Null value not supported for topic configs: segment.bytes,nope";
    assert_eq!(create(nulls), Err(Rejection::invalid_config(message)));
    let message = "Unknown topic config name: nope";
    let unknown = TopicConfig::create([("nope", Some("1"))], Inherited::default());
    assert_eq!(unknown, Err(Rejection::invalid_config(message)));
}

#[test]
fn every_default_is_a_value_in_its_final_form() {
    for setting in TOPIC_SETTINGS {
        let normal = setting.kind.normalize(setting.name, setting.default);
        assert_eq!(normal.as_deref(), Ok(setting.default), "{}", setting.name);
    }
}

/// Compares with the defaults and types that Apache Kafka 4.4 describes, and the values that it
/// accepts.
#[test]
fn the_table_agrees_with_kafkas() {
    let kafka: Vec<_> = apache::definitions(apache::Of::Topic)
        .map(|it| (it.name.as_str(), it.kind, it.default.as_deref().unwrap_or_default()))
        .collect();
    let mut ours: Vec<_> = TOPIC_SETTINGS.iter().map(|it| (it.name, it.kind, it.default)).collect();
    ours.sort_by_key(|(name, ..)| *name);
    assert_eq!(ours, kafka);
}

#[test]
fn a_topic_inherits_what_it_does_not_set() {
    let of_all = [("log.retention.ms", "5000"), ("message.max.bytes", "77")];
    let of_all = of_all.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let inherited = Inherited::of(&Layers { of_all, ..Layers::default() });
    let config = set("retention.ms", "1000").unwrap().inheriting(inherited);
    assert_eq!((config.retention_ms(), config.max_message_bytes()), (1000, 77));
    assert_eq!(config.overrides().len(), 1);
    let config = changed(&config, &[("retention.ms", Operation::Delete, None)]).unwrap();
    assert_eq!(config.retention_ms(), 5000);
}

#[test]
fn a_getter_reads_what_is_set() {
    let own = [
        ("cleanup.policy", Some("compact,delete")),
        ("compression.type", Some("zstd")),
        ("message.timestamp.type", Some("LogAppendTime")),
        ("min.cleanable.dirty.ratio", Some("0.0001")),
        ("unclean.leader.election.enable", Some("TRUE")),
        ("segment.bytes", Some("2000000")),
    ];
    let config = TopicConfig::create(own, Inherited::default()).unwrap();
    assert_eq!(config.cleanup_policy(), CleanupPolicy { delete: true, compact: true });
    assert_eq!(config.compression_type(), Some(Compression::Zstd));
    assert_eq!(config.message_timestamp_type(), TimestampType::LogAppendTime);
    assert!((config.min_cleanable_dirty_ratio() - 0.0001).abs() < 1e-12);
    assert!(config.unclean_leader_election_enable());
    assert_eq!(config.segment_bytes(), 2_000_000);
}

#[test]
fn a_getter_reads_the_default_of_what_is_not_set() {
    let config = TopicConfig::default();
    assert_eq!(config.cleanup_policy(), CleanupPolicy { delete: true, compact: false });
    assert_eq!(config.compression_type(), None);
    assert_eq!(config.max_message_bytes(), 1_048_588);
    assert_eq!(config.retention_ms(), 604_800_000);
    assert_eq!(config.max_compaction_lag_ms(), i64::MAX);
    assert_eq!(config.min_insync_replicas(), 1);
}

#[test]
fn settings_survive_being_stored_and_read_again() {
    let config = set("min.cleanable.dirty.ratio", "0.0001").unwrap();
    let again = TopicConfig::from_overrides(config.overrides().clone(), Inherited::default());
    assert_eq!(again, Ok(config));
}
