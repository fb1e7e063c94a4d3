//! Subjects: the names under which a registry keeps the versions of a schema.

use crate::error::Error;
use schema_registry_converter::schema_registry_common::SubjectNameStrategy;

/// A part of a record: its key or its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// The naming of subjects. The registry checks compatibility within a subject, so the name decides
/// which schemas must be compatible with each other.
///
/// The same as Confluent's `key.subject.name.strategy` and `value.subject.name.strategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectNames {
    /// `departures-key` and `departures-value`: one schema for a topic. The default.
    #[default]
    TopicName,
    /// `aero.Departure`: one schema for a type, regardless of the topic.
    RecordName,
    /// `departures-aero.Departure`: several types in a topic, each with its own versions.
    TopicRecordName,
}

impl SubjectNames {
    /// Returns the subject for a part of a topic's records, where `record` is the full name of the
    /// type.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if the subject needs the name of the type and the schema has none, such
    /// as a JSON Schema without a `title`.
    pub fn subject(self, topic: &str, part: Part, record: Option<&str>) -> Result<String, Error> {
        let named = || {
            record.map(str::to_owned).ok_or_else(|| {
                let reason = "the subject is named after the record, and the schema has no name: \
                              give it one (in a JSON Schema, `title`)";
                Error::Settings(reason.to_owned())
            })
        };
        let topic = topic.to_owned();
        let strategy = match self {
            SubjectNames::TopicName => {
                SubjectNameStrategy::TopicNameStrategy(topic, part == Part::Key)
            }
            SubjectNames::RecordName => SubjectNameStrategy::RecordNameStrategy(named()?),
            SubjectNames::TopicRecordName => {
                SubjectNameStrategy::TopicRecordNameStrategy(topic, named()?)
            }
        };
        strategy.get_subject().map_err(|error| Error::Settings(error.error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_have_the_same_names_as_in_java() {
        let name = Some("aero.Departure");
        let rows = [
            (SubjectNames::TopicName, Part::Value, None, "departures-value"),
            (SubjectNames::TopicName, Part::Key, name, "departures-key"),
            (SubjectNames::RecordName, Part::Value, name, "aero.Departure"),
            (SubjectNames::TopicRecordName, Part::Key, name, "departures-aero.Departure"),
        ];
        for (names, part, record, expected) in rows {
            assert_eq!(names.subject("departures", part, record).unwrap(), expected);
        }
        let nameless = SubjectNames::RecordName.subject("departures", Part::Value, None);
        assert!(nameless.unwrap_err().to_string().contains("`title`"));
    }
}
