//! The settings of Apache Kafka 4.4, as its own definitions and DescribeConfigs give them: type,
//! default, accepted values, whether it can be changed at run time, and its documentation.
//!
//! Tools and configuration files name all of them and expect them to be known, so the table is
//! complete. Other modules apply the settings.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::kinds::Kind;

const TABLE: &str = include_str!("apache-4.4.jsonl");

/// The owner of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Of {
    Broker,
    Topic,
    Group,
    ClientMetrics,
}

/// The scope in which a broker's setting can be changed while the broker runs (KIP-226).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Update {
    /// Read-only: the broker reads it when it starts.
    #[default]
    ReadOnly,
    /// For one broker at a time.
    PerBroker,
    /// For one broker, or for all that have no value of their own.
    ClusterWide,
}

/// One setting.
#[derive(Debug, Deserialize)]
pub(crate) struct Definition {
    pub(crate) of: Of,
    pub(crate) name: String,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(default)]
    pub(crate) default: Option<String>,
    /// Kafka's own words for the accepted values.
    #[serde(default)]
    takes: Option<String>,
    #[serde(default)]
    pub(crate) update: Update,
    /// Tells whether DescribeConfigs leaves it out unless it was set.
    #[serde(default)]
    pub(crate) hidden: bool,
    /// The broker's setting that the default comes from.
    #[serde(default)]
    pub(crate) node: Option<String>,
    #[serde(default)]
    pub(crate) doc: Option<String>,
    #[serde(skip, default = "any_text")]
    pub(crate) kind: Kind,
}

fn any_text() -> Kind {
    Kind::Text
}

type Table = BTreeMap<(Of, String), Definition>;

fn table() -> &'static Table {
    static PARSED: OnceLock<Table> = OnceLock::new();
    PARSED.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| {
                let mut definition: Definition =
                    serde_json::from_str(line).expect("each line of the table is a definition");
                definition.kind = kind(&definition.type_name, definition.takes.as_deref());
                ((definition.of, definition.name.clone()), definition)
            })
            .collect()
    })
}

/// Returns the setting called `name`.
pub(crate) fn definition(of: Of, name: &str) -> Option<&'static Definition> {
    table().get(&(of, name.to_owned()))
}

/// Returns every setting of this kind, by name.
pub(crate) fn definitions(of: Of) -> impl Iterator<Item = &'static Definition> {
    table().values().filter(move |definition| definition.of == of)
}

fn kind(type_name: &str, takes: Option<&str>) -> Kind {
    let takes = takes.unwrap_or_default();
    let (least, most) = range(takes);
    let int = |limit: Option<&str>, or| limit.and_then(|it| it.parse().ok()).unwrap_or(or);
    match type_name {
        "BOOLEAN" => Kind::Boolean,
        "INT" if takes.ends_with("or -1") => Kind::GzipLevel,
        "INT" => Kind::Int(int(least, i32::MIN), int(most, i32::MAX)),
        "SHORT" => Kind::Short,
        "LONG" => Kind::Long(least.and_then(|it| it.parse().ok()).unwrap_or(i64::MIN)),
        "DOUBLE" if least.is_some() => Kind::Ratio,
        "DOUBLE" => Kind::Double,
        "PASSWORD" => Kind::Password,
        "CLASS" => Kind::Class,
        "LIST" if takes.contains("partitionId") => Kind::Replicas,
        "LIST" => words(takes).map_or(Kind::Texts, Kind::Choices),
        _ if takes.contains("by_duration") || takes.contains("insensitive") => Kind::Text,
        _ => words(takes).map_or(Kind::Text, Kind::Choice),
    }
}

/// `[1,...]` and `[0,...,100]`.
fn range(takes: &str) -> (Option<&str>, Option<&str>) {
    let inner = takes.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inner.and_then(|inner| inner.split_once(",...")) {
        Some((least, "")) => (Some(least), None),
        Some((least, most)) => (Some(least), most.strip_prefix(',')),
        None => (None, None),
    }
}

/// `[compact, delete]`. The table lives as long as the process, and so do its words.
fn words(takes: &str) -> Option<&'static [&'static str]> {
    let inner = takes.strip_prefix('[')?.strip_suffix(']')?;
    let words = inner.split(", ").map(|word| &*word.to_owned().leak());
    Some(words.collect::<Vec<&'static str>>().leak())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_definition() {
        let count = |of| definitions(of).filter(|it| !it.hidden).count();
        assert_eq!((count(Of::Broker), count(Of::Topic)), (350, 37));
        assert_eq!((count(Of::Group), count(Of::ClientMetrics)), (21, 3));
    }

    #[test]
    fn accepted_values_are_read_from_kafkas_own_words() {
        let kind = |name| definition(Of::Broker, name).expect("it is a broker's").kind;
        assert_eq!(kind("log.segment.bytes"), Kind::Int(1_048_576, i32::MAX));
        assert_eq!(kind("compression.lz4.level"), Kind::Int(1, 17));
        assert_eq!(kind("compression.gzip.level"), Kind::GzipLevel);
        assert_eq!(kind("log.retention.ms"), Kind::Long(i64::MIN));
        assert_eq!(kind("log.cleaner.min.cleanable.ratio"), Kind::Ratio);
        assert_eq!(kind("log.cleanup.policy"), Kind::Choices(&["compact", "delete"]));
        assert_eq!(
            kind("log.message.timestamp.type"),
            Kind::Choice(&["CreateTime", "LogAppendTime"])
        );
        assert_eq!(kind("listeners"), Kind::Texts);
    }

    #[test]
    fn defaults_are_values_that_their_settings_take() {
        for of in [Of::Broker, Of::Topic, Of::Group, Of::ClientMetrics] {
            for it in definitions(of) {
                let Some(default) = &it.default else { continue };
                if it.kind != Kind::Class {
                    assert_eq!(it.kind.normalize(&it.name, default).as_ref(), Ok(default));
                }
            }
        }
    }
}
