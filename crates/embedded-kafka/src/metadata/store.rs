//! The cluster's metadata on disk: `cluster.json`, and a file for each topic.
//!
//! A file is written next to its place and renamed into it, so a crash leaves the old one or the
//! new one. Creating the thousandth topic writes one small file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The layout that this version reads and writes.
const FORMAT: u32 = 1;

/// The extension of a file that is being written, next to the one that it will replace.
const TEMPORARY_EXTENSION: &str = "new";

/// The settings of the whole cluster.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(crate) struct ClusterRecord {
    format: u32,
    /// Chosen once, when the directory is first used.
    pub(crate) cluster_id: String,
    /// Producer ids below this one may have been allocated.
    pub(crate) next_producer_id: i64,
    /// The number of elections because of a node. No leader epoch is above it, except in a log, so
    /// that no epoch decreases when the cluster starts again.
    #[serde(default)]
    pub(crate) elections: i32,
    /// The dynamic settings of the nodes, by the node's id; those of all nodes have an empty name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) node_overrides: BTreeMap<String, BTreeMap<String, String>>,
    /// The settings of consumer groups, by the group's id. A group need not exist.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) group_overrides: BTreeMap<String, BTreeMap<String, String>>,
    /// The settings of subscriptions to clients' metrics, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metrics_overrides: BTreeMap<String, BTreeMap<String, String>>,
}

/// The settings of one topic.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(crate) struct TopicRecord {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    /// The nodes that hold each partition, the preferred leader first.
    pub(crate) replicas: Vec<Vec<i32>>,
    /// The settings that differ from the defaults.
    pub(crate) config: BTreeMap<String, String>,
}

/// An error that makes a data directory unusable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("{path} cannot be used: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{path} does not have the format of this version ({reason}): choose another data directory, or empty this one"
    )]
    Format { path: PathBuf, reason: String },
}

/// The files under a data directory.
#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
    /// The number of persisted changes, plus one.
    changes: AtomicI64,
}

impl Store {
    /// Opens the directory, and creates it if there is none.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        let store = Self { directory: directory.to_owned(), changes: AtomicI64::new(1) };
        let topics = store.topics();
        fs::create_dir_all(&topics).map_err(|source| StoreError::Io { path: topics, source })?;
        Ok(store)
    }

    /// Reads `cluster.json`, or writes a new one with a new cluster id.
    pub(crate) fn cluster(&self) -> Result<ClusterRecord, StoreError> {
        let path = self.directory.join("cluster.json");
        match fs::read(&path) {
            Ok(bytes) => {
                let record: ClusterRecord = parse(&path, &bytes)?;
                if record.format != FORMAT {
                    let reason = format!("format {}, not {FORMAT}", record.format);
                    return Err(StoreError::Format { path, reason });
                }
                Ok(record)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let cluster_id = new_cluster_id();
                let record = ClusterRecord {
                    format: FORMAT,
                    cluster_id,
                    next_producer_id: 0,
                    elections: 0,
                    node_overrides: BTreeMap::new(),
                    group_overrides: BTreeMap::new(),
                    metrics_overrides: BTreeMap::new(),
                };
                self.write_cluster(&record).map_err(|source| StoreError::Io { path, source })?;
                Ok(record)
            }
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }

    pub(crate) fn write_cluster(&self, record: &ClusterRecord) -> io::Result<()> {
        replace(&self.directory.join("cluster.json"), record)?;
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Returns all topics, by name.
    pub(crate) fn read_topics(&self) -> Result<Vec<TopicRecord>, StoreError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        let topics = self.topics();
        let mut records = Vec::new();
        for entry in fs::read_dir(&topics).map_err(at(&topics))? {
            let path = entry.map_err(at(&topics))?.path();
            match path.extension().and_then(OsStr::to_str) {
                Some("json") => {
                    records.push(read_topic(&path, &fs::read(&path).map_err(at(&path))?)?);
                }
                // A crash between writing a file and renaming it left this.
                Some(TEMPORARY_EXTENSION) => fs::remove_file(&path).map_err(at(&path))?,
                _ => {}
            }
        }
        records.sort_by(|a: &TopicRecord, b| a.name.cmp(&b.name));
        Ok(records)
    }

    pub(crate) fn write_topic(&self, record: &TopicRecord) -> io::Result<()> {
        replace(&self.topic(&record.name), record)?;
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn remove_topic(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.topic(name))?;
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Returns the number of persisted changes since the cluster started, plus one.
    pub(crate) fn changes(&self) -> i64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Returns the directory of a partition's log, with the name that Kafka gives it.
    pub(crate) fn partition_directory(&self, topic: &str, partition: i32) -> PathBuf {
        self.logs().join(format!("{topic}-{partition}"))
    }

    /// Returns the directory of all logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    fn topics(&self) -> PathBuf {
        self.directory.join("topics")
    }

    /// Returns the path of a topic's file. A topic's name has only letters, digits, `.`, `_` and
    /// `-`, so it is a valid file name.
    fn topic(&self, name: &str) -> PathBuf {
        self.topics().join(format!("{name}.json"))
    }
}

/// Reads a topic's file, which must be about the topic that it is named for: a damaged one could
/// make a topic disappear, and its logs would be taken for those of a deleted one.
fn read_topic(path: &Path, bytes: &[u8]) -> Result<TopicRecord, StoreError> {
    let record: TopicRecord = parse(path, bytes)?;
    let reject = |reason: String| Err(StoreError::Format { path: path.to_owned(), reason });
    if path.file_stem() != Some(OsStr::new(&record.name)) {
        return reject(format!("it is about a topic {}", record.name));
    }
    if record.replicas.is_empty() {
        return reject("the topic has no partitions".into());
    }
    Ok(record)
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StoreError::Format { path: path.to_owned(), reason: error.to_string() })
}

fn replace(path: &Path, record: &impl Serialize) -> io::Result<()> {
    let temporary = path.with_extension(TEMPORARY_EXTENSION);
    fs::write(&temporary, serde_json::to_vec_pretty(record)?)?;
    fs::rename(&temporary, path)
}

/// Creates a cluster id: 22 characters of URL-safe base64 without padding over a random UUID, as
/// Kafka's own.
fn new_cluster_id() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let random = Uuid::new_v4().as_u128();
    // 128 bits are 21 digits of six bits and a last one of two, shifted to the left.
    (0..22)
        .map(|digit| {
            let shift = 122 - 6 * digit;
            let bits = if shift >= 0 { random >> shift } else { random << -shift };
            char::from(ALPHABET[(bits & 63) as usize])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> TopicRecord {
        TopicRecord {
            name: name.into(),
            id: Uuid::new_v4(),
            replicas: vec![vec![1, 2], vec![2, 1]],
            config: BTreeMap::from([("retention.ms".into(), "1000".into())]),
        }
    }

    #[test]
    fn persisted_metadata_is_read_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (topic("one"), topic("two"));
        let store = Store::open(directory.path()).unwrap();
        let mut cluster = store.cluster().unwrap();
        cluster.next_producer_id = 1000;
        store.write_cluster(&cluster).unwrap();
        store.write_topic(&two).unwrap();
        store.write_topic(&one).unwrap();

        let store = Store::open(directory.path()).unwrap();
        assert_eq!(store.cluster().unwrap(), cluster);
        assert_eq!(store.read_topics().unwrap(), [one, two.clone()]);
        store.remove_topic("one").unwrap();
        assert_eq!(store.read_topics().unwrap(), [two]);
    }

    #[test]
    fn a_half_written_file_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        fs::write(directory.path().join("topics/one.new"), "{\"na").unwrap();
        assert_eq!(store.read_topics().unwrap(), []);
        assert!(!directory.path().join("topics/one.new").exists());
    }

    #[test]
    fn a_directory_of_another_format_is_rejected_with_a_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        fs::write(
            directory.path().join("cluster.json"),
            r#"{"format":99,"cluster_id":"x","next_producer_id":0}"#,
        )
        .unwrap();
        let rejected = store.cluster().unwrap_err().to_string();
        assert!(rejected.contains("format 99"), "{rejected}");
        assert!(rejected.contains("another data directory"), "{rejected}");
    }

    #[test]
    fn a_cluster_id_has_kafkas_format() {
        let id = new_cluster_id();
        assert_eq!(id.len(), 22);
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert!("AQgw".contains(&id[21..]), "the last digit has two bits: {id}");
    }
}
