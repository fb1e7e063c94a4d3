//! A partition's directory as a whole: its creation, the topic that owns it, and its name while it
//! is deleted.

use std::io;
use std::path::Path;

use uuid::Uuid;

use super::error::LogError;
use super::files::{read_if_there, replace};

/// Kafka's file that ties a directory to a topic.
const METADATA_FILE: &str = "partition.metadata";
/// The suffix of a directory that is being removed, as in Kafka.
const DELETED_SUFFIX: &str = "-delete";

/// The longest name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;

/// Creates the directory and records the topic that it belongs to.
pub(super) fn create_directory(directory: &Path, topic_id: Uuid) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let text = format!("version: 0\ntopic_id: {}", encode(topic_id));
    replace(&directory.join(METADATA_FILE), text.as_bytes())
}

/// Returns whether a directory is that of a partition, or the remains of one that was being
/// removed.
pub(crate) fn is_partition_directory(directory: &Path) -> bool {
    directory.join(METADATA_FILE).exists() || is_being_deleted(directory)
}

/// Returns whether the name is one that `Log::delete` gives.
fn is_being_deleted(directory: &Path) -> bool {
    let name = directory.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    let marked = name.strip_suffix(DELETED_SUFFIX).and_then(|name| name.rsplit_once('.'));
    marked.is_some_and(|(_, id)| Uuid::try_parse(id).is_ok()) && directory.is_dir()
}

/// Checks that the directory belongs to the topic, or to none yet.
pub(super) fn check_topic(directory: &Path, topic_id: Uuid) -> Result<(), LogError> {
    match owner(directory)? {
        Some(stored) if stored != encode(topic_id) => {
            Err(LogError::OtherTopic { directory: directory.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Returns whether the directory says that it belongs to the topic.
pub(crate) fn owns(topic_id: Uuid, directory: &Path) -> bool {
    owner(directory).is_ok_and(|stored| stored == Some(encode(topic_id)))
}

/// Returns the id of the topic that the directory belongs to, as Kafka prints it.
fn owner(directory: &Path) -> io::Result<Option<String>> {
    let contents = read_if_there(&directory.join(METADATA_FILE))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&contents);
    let stored = text.lines().find_map(|line| line.strip_prefix("topic_id: "));
    Ok(stored.map(|id| id.trim().to_owned()))
}

/// Returns a name that no partition has. A topic's name may be as long as a file's: then the new
/// name holds only its beginning, as in Kafka.
pub(super) fn deleted_name(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let suffix = format!(".{}{DELETED_SUFFIX}", Uuid::new_v4().simple());
    let beginning: String = name.chars().take(LONGEST_NAME - suffix.len()).collect();
    beginning + &suffix
}

/// Returns the id as Kafka prints it: base 64 in the alphabet for URLs, without padding.
fn encode(id: Uuid) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // 128 bits are 21 digits of six bits, and two bits that a last digit begins with.
    let bits = id.as_u128();
    let digits = (0..21).map(|index| (bits >> (122 - 6 * index)) as usize & 63);
    let last = (bits as usize & 3) << 4;
    digits.chain([last]).map(|digit| char::from(ALPHABET[digit])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_of_a_partition_can_still_be_deleted() {
        let name = format!("{}-9999", "x".repeat(249));
        let deleted = deleted_name(Path::new(&name));
        assert_eq!(deleted.len(), LONGEST_NAME);
        assert!(deleted.ends_with(DELETED_SUFFIX));
    }

    #[test]
    fn topic_ids_read_as_kafka_prints_them() {
        assert_eq!(encode(Uuid::from_u128(0)), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(encode(Uuid::from_u128(1)), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(encode(Uuid::from_u128(u128::MAX)), "_____________________w");
    }
}
