//! The records of the topic `_schemas`, in the format of Confluent's registry.
//!
//! Keys are JSON in a fixed order of fields, because compaction compares their bytes. A record
//! without a value removes what its key names.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Config, Mode, Reference, Schema, SchemaType};

/// An event that a record of the topic contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A version of a subject is registered, or marked as deleted.
    Registered { subject: String, version: i32, id: i32, schema: Arc<Schema>, deleted: bool },
    /// A version is permanently deleted.
    Removed { subject: String, version: i32 },
    /// All versions of a subject up to this one are marked as deleted.
    SubjectDeleted { subject: String, version: i32 },
    /// The soft-deleted versions of a subject are permanently deleted.
    SubjectCleared { subject: String },
    /// A compatibility setting of a subject, or of all; `None` removes it.
    Config { subject: Option<String>, config: Option<Config> },
    /// The mode of a subject, or of all; `None` removes it.
    Mode { subject: Option<String>, mode: Option<Mode> },
    /// A writer has taken over; it has read the whole log when it reaches this record.
    Noop,
}

#[derive(Debug, Serialize, Deserialize)]
struct Key {
    keytype: String,
    // Only Noop has no subject; all other keys have one, which can be null.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    subject: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    version: Option<i32>,
    magic: i32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchemaValue {
    subject: String,
    version: i32,
    id: i32,
    #[serde(skip_serializing_if = "SchemaType::is_avro", default)]
    schema_type: SchemaType,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    references: Vec<Reference>,
    schema: String,
    #[serde(default)]
    deleted: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct SubjectValue {
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    version: Option<i32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ModeValue {
    mode: Mode,
}

impl Event {
    /// Returns the id that a record allocates.
    pub(crate) fn id(&self) -> Option<i32> {
        match self {
            Self::Registered { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// Returns the record's key.
    pub(crate) fn key(&self) -> String {
        let (keytype, subject, version, magic) = match self {
            Self::Registered { subject, version, .. } | Self::Removed { subject, version } => {
                ("SCHEMA", Some(Some(subject.clone())), Some(*version), 1)
            }
            Self::SubjectDeleted { subject, .. } => {
                ("DELETE_SUBJECT", Some(Some(subject.clone())), None, 0)
            }
            Self::SubjectCleared { subject } => {
                ("CLEAR_SUBJECT", Some(Some(subject.clone())), None, 0)
            }
            Self::Config { subject, .. } => ("CONFIG", Some(subject.clone()), None, 0),
            Self::Mode { subject, .. } => ("MODE", Some(subject.clone()), None, 0),
            Self::Noop => ("NOOP", None, None, 0),
        };
        json(&Key { keytype: keytype.to_owned(), subject, version, magic })
    }

    /// Returns the record's value, `None` for a tombstone.
    pub(crate) fn value(&self) -> Option<String> {
        match self {
            Self::Registered { subject, version, id, schema, deleted } => {
                Some(json(&SchemaValue {
                    subject: subject.clone(),
                    version: *version,
                    id: *id,
                    schema_type: schema.schema_type,
                    references: schema.references.clone(),
                    schema: schema.text.clone(),
                    deleted: *deleted,
                }))
            }
            Self::SubjectDeleted { subject, version } => {
                Some(json(&SubjectValue { subject: subject.clone(), version: Some(*version) }))
            }
            Self::SubjectCleared { subject } => {
                Some(json(&SubjectValue { subject: subject.clone(), version: None }))
            }
            Self::Config { config, .. } => config.as_ref().map(json),
            Self::Mode { mode, .. } => mode.map(|mode| json(&ModeValue { mode })),
            Self::Removed { .. } | Self::Noop => None,
        }
    }

    /// Reads the event of a record.
    ///
    /// # Errors
    ///
    /// If its kind is unknown or its content is damaged; the text says which.
    pub(crate) fn read(key: &[u8], value: Option<&[u8]>) -> Result<Self, String> {
        let key: Key = parsed(key)?;
        let subject = || key.subject.clone().flatten().ok_or("the key has no subject");
        let event = match (key.keytype.as_str(), value) {
            ("SCHEMA", None) => {
                let version = key.version.ok_or("the key has no version")?;
                Self::Removed { subject: subject()?, version }
            }
            ("SCHEMA", Some(value)) => registered(parsed(value)?),
            ("DELETE_SUBJECT", Some(value)) => {
                let SubjectValue { subject, version } = parsed(value)?;
                let version = version.ok_or("the value has no version")?;
                Self::SubjectDeleted { subject, version }
            }
            ("CLEAR_SUBJECT", Some(_)) => Self::SubjectCleared { subject: subject()? },
            ("CONFIG", value) => {
                let config = value.map(parsed).transpose()?;
                Self::Config { subject: key.subject.flatten(), config }
            }
            ("MODE", value) => {
                let value: Option<ModeValue> = value.map(parsed).transpose()?;
                let mode = value.map(|value| value.mode);
                Self::Mode { subject: key.subject.flatten(), mode }
            }
            ("NOOP" | "DELETE_SUBJECT" | "CLEAR_SUBJECT", _) => Self::Noop,
            (other, _) => return Err(format!("the key has the unknown type {other}")),
        };
        Ok(event)
    }
}

fn registered(value: SchemaValue) -> Event {
    let schema =
        Schema { schema_type: value.schema_type, text: value.schema, references: value.references };
    Event::Registered {
        subject: value.subject,
        version: value.version,
        id: value.id,
        schema: Arc::new(schema),
        deleted: value.deleted,
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("keys of these maps are strings")
}

fn parsed<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(schema_type: SchemaType) -> Arc<Schema> {
        let text = r#""string""#.to_owned();
        Arc::new(Schema { schema_type, text, references: Vec::new() })
    }

    #[test]
    fn records_are_written_as_by_confluents_registry() {
        let registered = Event::Registered {
            subject: "s".to_owned(),
            version: 1,
            id: 7,
            schema: schema(SchemaType::Avro),
            deleted: false,
        };
        let subject = Some("s".to_owned());
        let rows = [
            (
                registered,
                r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#,
                Some(r#"{"subject":"s","version":1,"id":7,"schema":"\"string\"","deleted":false}"#),
            ),
            (
                Event::Removed { subject: "s".to_owned(), version: 2 },
                r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#,
                None,
            ),
            (
                Event::SubjectDeleted { subject: "s".to_owned(), version: 3 },
                r#"{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}"#,
                Some(r#"{"subject":"s","version":3}"#),
            ),
            (
                Event::SubjectCleared { subject: "s".to_owned() },
                r#"{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}"#,
                Some(r#"{"subject":"s"}"#),
            ),
            (
                Event::Mode { subject, mode: Some(Mode::Import) },
                r#"{"keytype":"MODE","subject":"s","magic":0}"#,
                Some(r#"{"mode":"IMPORT"}"#),
            ),
            (Event::Noop, r#"{"keytype":"NOOP","magic":0}"#, None),
        ];
        for (event, key, value) in rows {
            assert_eq!(event.key(), key);
            assert_eq!(event.value().as_deref(), value);
            assert_eq!(Event::read(key.as_bytes(), value.map(str::as_bytes)), Ok(event));
        }
    }

    #[test]
    fn settings_of_all_subjects_have_a_null_subject() {
        let level = Some(crate::model::Level::FullTransitive);
        let config = Some(Config { level, normalize: None });
        let event = Event::Config { subject: None, config };
        let key = r#"{"keytype":"CONFIG","subject":null,"magic":0}"#;
        let value = r#"{"compatibilityLevel":"FULL_TRANSITIVE"}"#;
        assert_eq!((event.key().as_str(), event.value().as_deref()), (key, Some(value)));
        assert_eq!(Event::read(key.as_bytes(), Some(value.as_bytes())), Ok(event));
    }

    #[test]
    fn fields_that_confluent_adds_to_a_record_are_ignored() {
        let key = br#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#;
        let value = br#"{"subject":"s","version":1,"id":7,"md5Bytes":"x","schemaType":"JSON",
            "metadata":null,"schema":"\"string\"","deleted":true}"#;
        let read = Event::read(key, Some(value)).unwrap();
        let Event::Registered { id: 7, deleted: true, schema: read, .. } = read else {
            panic!("{read:?}")
        };
        assert_eq!(read, schema(SchemaType::Json));
    }

    #[test]
    fn a_key_of_an_unknown_kind_is_an_error_not_a_panic() {
        for key in [r#"{"keytype":"CONTEXT","magic":0}"#, "", "[]", r#"{"keytype":"SCHEMA"}"#] {
            assert!(Event::read(key.as_bytes(), Some(b"{}")).is_err(), "{key}");
        }
    }
}
