//! The types of schemas.

use std::fmt;

use schema_registry_converter::schema_registry_common as wire;

/// The type of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaType {
    /// Avro.
    Avro,
    /// JSON Schema.
    Json,
    /// Protobuf.
    Protobuf,
}

impl SchemaType {
    /// Returns its name in the registry's REST API.
    pub fn name(self) -> &'static str {
        match self {
            SchemaType::Avro => "AVRO",
            SchemaType::Json => "JSON",
            SchemaType::Protobuf => "PROTOBUF",
        }
    }

    pub(crate) fn from_wire(found: &wire::SchemaType) -> Option<Self> {
        match found {
            wire::SchemaType::Avro => Some(SchemaType::Avro),
            wire::SchemaType::Json => Some(SchemaType::Json),
            wire::SchemaType::Protobuf => Some(SchemaType::Protobuf),
            _ => None,
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
