//! The model of a registry: schemas, references, compatibility levels, and modes.

use std::fmt;
use std::str::FromStr;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// The type of a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum SchemaType {
    #[default]
    Avro,
    Json,
    Protobuf,
}

impl SchemaType {
    /// Returns whether it is Avro, which requests and responses omit.
    pub(crate) fn is_avro(&self) -> bool {
        *self == Self::Avro
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Json => "JSON",
            Self::Protobuf => "PROTOBUF",
        }
    }
}

impl FromStr for SchemaType {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Avro, Self::Json, Self::Protobuf]
            .into_iter()
            .find(|schema_type| schema_type.name() == name)
            .ok_or(())
    }
}

/// A reference to another registered schema, by the name that the schema uses for it: a full name
/// in Avro, a `$ref` in JSON Schema, an import in Protobuf.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) subject: String,
    pub(crate) version: i32,
}

/// The schema of an id. Two registrations of an equal schema share their id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Schema {
    pub(crate) schema_type: SchemaType,
    /// In canonical form, see `schema`.
    pub(crate) text: String,
    pub(crate) references: Vec<Reference>,
}

impl Schema {
    /// Returns its hash, written as a UUID, as Confluent's registry computes it: the same in every
    /// registry.
    pub(crate) fn guid(&self) -> String {
        let mut hash = Md5::new();
        hash.update(self.text.as_bytes());
        for Reference { name, subject, version } in &self.references {
            hash.update(name.as_bytes());
            hash.update(subject.as_bytes());
            hash.update(version.to_be_bytes());
        }
        let hash = u128::from_be_bytes(hash.finalize().into());
        let digits = format!("{hash:032x}");
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        parts.join("-")
    }
}

/// The compatibility level: which older versions a new one is compared with, and in which
/// direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Level {
    None,
    #[default]
    Backward,
    BackwardTransitive,
    Forward,
    ForwardTransitive,
    Full,
    FullTransitive,
}

impl Level {
    /// Returns whether the new schema must be able to read older data.
    pub(crate) fn is_backward(self) -> bool {
        use Level::{Backward, BackwardTransitive, Full, FullTransitive};
        matches!(self, Backward | BackwardTransitive | Full | FullTransitive)
    }

    /// Returns whether older schemas must be able to read new data.
    pub(crate) fn is_forward(self) -> bool {
        use Level::{Forward, ForwardTransitive, Full, FullTransitive};
        matches!(self, Forward | ForwardTransitive | Full | FullTransitive)
    }

    /// Returns whether all older versions count, not only the latest.
    pub(crate) fn is_transitive(self) -> bool {
        use Level::{BackwardTransitive, ForwardTransitive, FullTransitive};
        matches!(self, BackwardTransitive | ForwardTransitive | FullTransitive)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_value(self).unwrap_or_default();
        formatter.write_str(name.as_str().unwrap_or_default())
    }
}

/// The settings of `/config`, for all subjects or for one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    #[serde(rename = "compatibilityLevel", skip_serializing_if = "Option::is_none")]
    pub(crate) level: Option<Level>,
    /// Whether schemas are normalized even if the request does not ask for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) normalize: Option<bool>,
}

/// The mode: who may write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Mode {
    #[default]
    ReadWrite,
    ReadOnly,
    /// As the mode of all subjects, it overrides a subject's own mode.
    #[serde(rename = "READONLY_OVERRIDE")]
    ReadOnlyOverride,
    /// Registrations set their own ids and versions, and compatibility is not checked.
    Import,
}

impl Mode {
    pub(crate) fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly | Self::ReadOnlyOverride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_equals_the_one_in_confluents_own_test() {
        let text = r#"{"type":"record","name":"myrecord","fields":[{"type":"string","default":null,"name":"f"}]}"#;
        let mut schema =
            Schema { schema_type: SchemaType::Avro, text: text.to_owned(), references: Vec::new() };
        assert_eq!(schema.guid(), "1d20cbb9-e5e3-5e97-54e7-da170b6e5ddb");
        let (name, subject) = ("a".to_owned(), "b".to_owned());
        schema.references.push(Reference { name, subject, version: 1 });
        assert_eq!(schema.guid(), "ba7a5862-7835-11f7-eabd-e18d3de269c3");
    }

    #[test]
    fn levels_modes_and_types_have_confluents_names() {
        assert_eq!(Level::BackwardTransitive.to_string(), "BACKWARD_TRANSITIVE");
        let modes = [Mode::ReadWrite, Mode::ReadOnly, Mode::ReadOnlyOverride, Mode::Import];
        let written = serde_json::to_string(&modes).unwrap();
        assert_eq!(written, r#"["READWRITE","READONLY","READONLY_OVERRIDE","IMPORT"]"#);
        assert_eq!("PROTOBUF".parse(), Ok(SchemaType::Protobuf));
    }
}
