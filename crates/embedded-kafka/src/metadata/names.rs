//! The rules for names of topics.
//!
//! The error messages are Apache Kafka's, since users search the web for them.

/// Names the topic of committed offsets.
pub(crate) const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// Names the topic of the states of transactions.
pub(crate) const TRANSACTION_STATE: &str = "__transaction_state";

/// The longest name, in characters: a directory is named after the topic and a partition's number.
const LONGEST: usize = 249;

/// Returns whether the cluster itself owns the topic; clients see that in the metadata.
pub(crate) fn is_internal(name: &str) -> bool {
    name == CONSUMER_OFFSETS || name == TRANSACTION_STATE
}

/// Returns the partition of an internal topic that a group or a transactional id belongs to: Java's
/// `String.hashCode` of its name, without its sign, modulo the number of partitions.
pub(crate) fn partition_of(name: &str, partitions: i32) -> i32 {
    let hash = name
        .encode_utf16()
        .fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka takes zero for the one number that has no positive counterpart.
    hash.checked_abs().unwrap_or(0) % partitions.max(1)
}

/// Checks the name of a topic.
///
/// # Errors
///
/// The message for INVALID_TOPIC_EXCEPTION.
pub(crate) fn validate(name: &str) -> Result<(), String> {
    let rejected = |reason: &str| Err(format!("Topic name is invalid: {reason}"));
    // Kafka measures in UTF-16 units. Only names of ASCII get past the last check anyway.
    let is_too_long = name.encode_utf16().count() > LONGEST;
    match name {
        "" => rejected("the empty string is not allowed"),
        "." => rejected("'.' is not allowed"),
        ".." => rejected("'..' is not allowed"),
        _ if is_too_long => rejected(&format!(
            "the length of '{name}' is longer than the max allowed length {LONGEST}"
        )),
        _ if !name.bytes().all(is_legal) => rejected(&format!(
            "'{name}' contains one or more characters other than \
             ASCII alphanumerics, '.', '_' and '-'"
        )),
        _ => Ok(()),
    }
}

/// Checks that no existing topic differs from `name` in '.' against '_' alone: the names of
/// Kafka's metrics replace the one by the other, so that such topics would share theirs.
///
/// # Errors
///
/// The message for INVALID_TOPIC_EXCEPTION.
pub(crate) fn check_collision<'a>(
    name: &str,
    existing: impl IntoIterator<Item = &'a str>,
) -> Result<(), String> {
    if !name.contains(['.', '_']) {
        return Ok(());
    }
    match existing.into_iter().find(|other| collide(name, other)) {
        Some(other) => Err(format!("Topic '{name}' collides with existing topic: {other}")),
        None => Ok(()),
    }
}

fn collide(name: &str, other: &str) -> bool {
    let unified = |byte: u8| if byte == b'.' { b'_' } else { byte };
    name != other && name.bytes().map(unified).eq(other.bytes().map(unified))
}

fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with the responses of Apache Kafka 4.3 to CreateTopics.
    #[test]
    fn a_name_is_rejected_in_kafkas_words() {
        let other =
            "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
        let rows = [
            ("", "the empty string is not allowed".to_owned()),
            (".", "'.' is not allowed".to_owned()),
            ("..", "'..' is not allowed".to_owned()),
            ("a b", format!("'a b' {other}")),
            ("a/b", format!("'a/b' {other}")),
            ("a:b", format!("'a:b' {other}")),
            ("a,b", format!("'a,b' {other}")),
            ("a\n", format!("'a\n' {other}")),
            ("ü", format!("'ü' {other}")),
        ];
        for (name, reason) in rows {
            assert_eq!(validate(name), Err(format!("Topic name is invalid: {reason}")));
        }
    }

    #[test]
    fn a_name_has_at_most_249_characters() {
        assert_eq!(validate(&"x".repeat(249)), Ok(()));
        let name = "x".repeat(250);
        let message = format!(
            "Topic name is invalid: the length of '{name}' is longer than the max allowed length 249"
        );
        assert_eq!(validate(&name), Err(message));
    }

    #[test]
    fn dots_underscores_and_dashes_are_legal() {
        for name in ["...", "_", "-", "a.b", "A-1_b", CONSUMER_OFFSETS, TRANSACTION_STATE] {
            assert_eq!(validate(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_dot_collides_with_an_underscore() {
        let existing = ["airports", "a.b_c"];
        assert_eq!(
            check_collision("a_b.c", existing),
            Err("Topic 'a_b.c' collides with existing topic: a.b_c".to_owned())
        );
        // The same name is no collision: that the topic exists is another error.
        assert_eq!(check_collision("a.b_c", existing), Ok(()));
        assert_eq!(check_collision("a-b_c", existing), Ok(()));
        assert_eq!(check_collision("abc", existing), Ok(()));
    }

    #[test]
    fn the_clusters_own_topics_are_internal() {
        assert!(is_internal(CONSUMER_OFFSETS) && is_internal(TRANSACTION_STATE));
        assert!(!is_internal("__mine"));
    }
}
