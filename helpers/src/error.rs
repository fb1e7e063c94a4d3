//! The errors of the helpers, each with the next thing to try.
//!
//! Kafka's admin responses carry a code and a text; rdkafka passes on only the code, so the texts
//! here come from the code and the request. What a code means for *your* program is your decision:
//! match on the variant.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::advice::advice;

/// Every way in which a helper fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The string of bootstrap servers is empty.
    #[error("no broker is named: give host:port, for example in KAFKA_BOOTSTRAP_SERVERS")]
    NoBootstrapServers,

    /// librdkafka would misread an address of the bootstrap servers.
    #[error("{address:?} is not an address of a broker: {reason}")]
    Address {
        /// The address, as it was given.
        address: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },

    /// No broker responded within the limit.
    #[error(
        "no Kafka broker responded at {brokers} within {:.1} s{}. \
         Is Kafka running there? Check KAFKA_BOOTSTRAP_SERVERS (and KAFKA_SECURITY_PROTOCOL)",
        waited.as_secs_f32(),
        reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
    )]
    NoResponse {
        /// The bootstrap servers.
        brokers: String,
        /// How long the helper waited.
        waited: Duration,
        /// The last thing that librdkafka reported about the connection, if anything.
        reason: Option<String>,
    },

    /// The cluster is reachable, but the one broker that has to respond does not.
    #[error(
        "{broker} did not respond within {:.1} s when asked {question}, although the cluster is \
         reachable. Is this broker paused, overloaded, or advertised at an address that cannot be \
         reached from here (advertised.listeners)? Look at its log, and try again when it is \
         back or another has taken over",
        waited.as_secs_f32()
    )]
    BrokerTimedOut {
        /// The broker with its address, or its role and the cluster's bootstrap servers if only the
        /// cluster knows which broker has that role.
        broker: String,
        /// The request, as "for the offsets of topic airports".
        question: String,
        /// How long the helper waited.
        waited: Duration,
    },

    /// TLS or SCRAM is required, but librdkafka was built without OpenSSL.
    #[error(
        "{setting}={value} needs TLS, and this program was built without it: build with \
         `--features tls` of the crate helpers (it compiles OpenSSL), or rdkafka's `ssl-vendored`"
    )]
    TlsNotBuilt {
        /// The librdkafka setting that needs it.
        setting: &'static str,
        /// Its value.
        value: String,
    },

    /// librdkafka rejected a setting.
    #[error(
        "the setting {key} is rejected: {reason}. librdkafka's CONFIGURATION.md lists them all"
    )]
    Setting {
        /// The name of the setting.
        key: String,
        /// librdkafka's reason, without the value if that may be a secret.
        reason: String,
    },

    /// Each setting is valid, but librdkafka cannot create a client from them together.
    #[error("librdkafka cannot make a client of these settings: {reason}")]
    SettingsTogether {
        /// librdkafka's reason.
        reason: String,
    },

    /// The program authenticates, but the environment names no user.
    #[error("authentication is on, but the environment lacks {missing}: set it, or turn auth off")]
    NoCredentials {
        /// The environment variables that are missing.
        missing: String,
    },

    /// A commit failed with a fatal error.
    #[error("the commit was rejected: {code}. {}", commit_advice(*code))]
    CommitRejected {
        /// Kafka's or librdkafka's error code.
        code: RDKafkaErrorCode,
    },

    /// The topic does not exist.
    #[error("topic {topic} does not exist: create it first, or check its spelling")]
    UnknownTopic {
        /// The name in the request.
        topic: String,
    },

    /// The name is not valid for a topic.
    #[error("{topic:?} is not a valid topic name: {reason}")]
    InvalidTopicName {
        /// The name in the request.
        topic: String,
        /// Which rule it breaks.
        reason: String,
    },

    /// More replicas than brokers, or none.
    #[error(
        "topic {topic} cannot have a replication factor of {asked}: {}",
        replication_reason(*asked, *brokers)
    )]
    InvalidReplicationFactor {
        /// The topic to create.
        topic: String,
        /// The replication factor in the request.
        asked: i32,
        /// How many brokers the cluster has.
        brokers: usize,
    },

    /// The number of partitions is not one that Kafka accepts.
    #[error(
        "topic {topic} cannot have {asked} partitions: ask for at least 1, or for -1 to take the \
         broker's default"
    )]
    InvalidPartitions {
        /// The topic to create.
        topic: String,
        /// The number of partitions in the request.
        asked: i32,
    },

    /// The broker does not know the topic setting, or rejects its value.
    #[error(
        "topic {topic} is rejected with the settings {configs}: one of them is not a topic setting \
         of this cluster, or has a value that it does not accept"
    )]
    InvalidTopicConfig {
        /// The topic to create.
        topic: String,
        /// The settings in the request, as `name=value, …`.
        configs: String,
    },

    /// The cluster's ACLs do not allow this user to do it.
    #[error("the cluster does not allow this user to {action}: ask for an ACL ({code})")]
    NotAuthorized {
        /// What was tried.
        action: String,
        /// Kafka's error code.
        code: RDKafkaErrorCode,
    },

    /// The cluster rejected the request for another reason.
    #[error("the cluster rejected the request to {action}: {code}")]
    Rejected {
        /// What was tried.
        action: String,
        /// Kafka's error code.
        code: RDKafkaErrorCode,
    },

    /// The cluster accepted the change, but a broker did not show it in time.
    #[error(
        "the controller accepted the request to {action}, but after {} s broker {broker} still \
         reports: {state}. Check again later, and look at the broker's log if that does not change",
        waited.as_secs()
    )]
    NotVisible {
        /// What was tried.
        action: String,
        /// The broker that does not show it, as host:port.
        broker: String,
        /// What it reports instead.
        state: String,
        /// How long the helper waited.
        waited: Duration,
    },

    /// librdkafka did not queue the record. A full queue is not among the reasons: the helper waits
    /// for room.
    #[error("a record for topic {topic} could not be queued: {source}")]
    NotQueued {
        /// The topic of the record.
        topic: String,
        /// librdkafka's reason.
        source: KafkaError,
    },

    /// A client error whose own text does not say what to do.
    #[error("{source}: {advice}")]
    Advised {
        /// librdkafka's error.
        source: KafkaError,
        /// The next thing to try.
        advice: &'static str,
    },

    /// Any other error of the client.
    #[error(transparent)]
    Kafka(KafkaError),
}

impl From<KafkaError> for Error {
    /// Keeps values that may be secrets out of the message: rdkafka's own text for a rejected
    /// setting repeats the value, and the one of a misspelled `sasl.pasword` would end up in a log.
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::ClientConfig(_, reason, key, _) => {
                let secret = is_secret(&key) && !reason.starts_with("No such");
                let reason = match missing_feature(&reason) {
                    Some(feature) => format!(
                        "this program was built without what it needs, rdkafka's Cargo feature \
                         `{feature}` ({reason})"
                    ),
                    None if secret => "its value is not accepted".to_owned(),
                    None => reason,
                };
                Error::Setting { key, reason }
            }
            KafkaError::ClientCreation(reason) => Error::SettingsTogether { reason },
            source => match advice(&source) {
                Some(advice) => Error::Advised { source, advice },
                None => Error::Kafka(source),
            },
        }
    }
}

/// Returns the Cargo feature of rdkafka that adds what librdkafka was built without.
fn missing_feature(reason: &str) -> Option<&'static str> {
    if !reason.contains("at build time") {
        return None;
    }
    let features = [
        ("libzstd", "zstd"),
        ("zlib", "libz"),
        ("libsasl2", "gssapi-vendored"),
        ("libcurl", "curl"),
        ("OpenSSL", "ssl-vendored"),
    ];
    features.into_iter().find(|(library, _)| reason.contains(library)).map(|(_, feature)| feature)
}

fn commit_advice(code: RDKafkaErrorCode) -> &'static str {
    use RDKafkaErrorCode as Code;
    match code {
        Code::GroupAuthorizationFailed => "Ask for an ACL that lets this user read with this group",
        Code::TopicAuthorizationFailed => "Ask for an ACL that lets this user read the topic",
        Code::FencedInstanceId => {
            "Another member has taken this one's group.instance.id: give each its own"
        }
        Code::UnknownTopicOrPartition => "Was the topic deleted while it was read?",
        Code::Fatal => "The client has a fatal error: drop this consumer and build another",
        _ => "What was processed since the last commit comes again after a restart",
    }
}

fn is_secret(key: &str) -> bool {
    ["password", "pasword", "secret", "pem", "token"].iter().any(|word| key.contains(word))
}

fn replication_reason(asked: i32, brokers: usize) -> String {
    if asked < 1 {
        return "ask for at least 1, or for -1 to take the broker's default".to_owned();
    }
    let noun = if brokers == 1 { "broker" } else { "brokers" };
    format!("the cluster has {brokers} {noun}, and each replica needs one of its own")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;

    fn setting_error(key: &str, value: &str) -> String {
        let rejected = ClientConfig::new().set(key, value).create_native_config().err();
        Error::from(rejected.expect("the setting is wrong")).to_string()
    }

    #[test]
    fn a_rejected_setting_names_itself_and_why() {
        let message = setting_error("linger.ms", "soon");
        assert!(message.contains("linger.ms"), "{message}");
        assert!(message.contains("Invalid value"), "{message}");
    }

    #[test]
    fn a_value_that_was_left_out_of_the_build_names_the_feature_that_brings_it() {
        let message = setting_error("compression.type", "zstd");
        assert!(message.contains("compression.type"), "{message}");
        assert!(message.contains("feature `zstd`"), "{message}");
    }

    #[test]
    fn a_misspelled_password_is_not_repeated() {
        let message = setting_error("sasl.pasword", "swordfish");
        assert!(message.contains("sasl.pasword"), "{message}");
        assert!(!message.contains("swordfish"), "{message}");
    }

    #[test]
    fn a_silent_broker_is_named_with_what_to_check() {
        let error = Error::NoResponse {
            brokers: "127.0.0.1:1".to_owned(),
            waited: Duration::from_millis(4500),
            reason: Some("Connection refused".to_owned()),
        };
        assert_eq!(
            error.to_string(),
            "no Kafka broker responded at 127.0.0.1:1 within 4.5 s (Connection refused). Is Kafka \
             running there? Check KAFKA_BOOTSTRAP_SERVERS (and KAFKA_SECURITY_PROTOCOL)"
        );
    }

    #[test]
    fn an_impossible_replication_factor_says_how_many_brokers_there_are() {
        let error =
            Error::InvalidReplicationFactor { topic: "airports".to_owned(), asked: 4, brokers: 3 };
        assert!(error.to_string().contains("the cluster has 3 brokers"), "{error}");
    }
}
