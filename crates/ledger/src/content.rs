//! What makes a record the same record: key, value and headers, within its partition.

use std::hash::{DefaultHasher, Hash, Hasher};

use embedded_kafka::Record;

/// A hash of a record's key, value and headers. Among four million records, two that differ have
/// the same one with a probability below one in a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Content(u64);

impl Content {
    pub(crate) fn of(record: &Record) -> Self {
        let mut hasher = DefaultHasher::new();
        (&record.key, &record.value, &record.headers).hash(&mut hasher);
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_value_and_headers_count_and_offset_and_timestamp_do_not() {
        let record = Record {
            offset: 0,
            timestamp: 0,
            key: Some("a".into()),
            value: Some("b".into()),
            headers: vec![("h".to_owned(), None)],
        };
        let content = Content::of(&record);
        let elsewhere = Record { offset: 7, timestamp: 8, ..record.clone() };
        assert_eq!(Content::of(&elsewhere), content);
        let others = [
            Record { key: None, ..record.clone() },
            Record { key: Some("".into()), ..record.clone() },
            Record { key: Some("ab".into()), value: Some("".into()), ..record.clone() },
            Record { value: None, ..record.clone() },
            Record { headers: vec![("h".to_owned(), Some("".into()))], ..record.clone() },
            Record { headers: Vec::new(), ..record },
        ];
        for other in others {
            assert_ne!(Content::of(&other), content, "{other:?}");
        }
    }
}
