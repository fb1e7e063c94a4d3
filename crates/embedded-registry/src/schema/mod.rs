//! Schemas as text: whether they are valid, their canonical form, and whether one reads what
//! another wrote. One file per type; nothing here knows subjects or versions.
//!
//! The canonical form is what the registry stores and compares, so that a schema that was only
//! laid out differently keeps its id. Normalizing goes further, and also ignores the order of
//! things whose order means nothing.

mod avro;
mod dependency;
mod json;
mod protobuf;
mod reason;

pub(crate) use dependency::Dependency;
use reason::Reason;

use crate::model::SchemaType;

/// A schema that was understood.
pub(crate) struct Parsed {
    /// The canonical form.
    pub(crate) text: String,
    kind: Kind,
}

enum Kind {
    Avro(avro::Avro),
    Json(json::Json),
    Protobuf(protobuf::Protobuf),
}

/// Reads a schema whose dependencies come before what needs them. Strictly, which is what a new
/// schema is read, a default in Avro must be of its field's type.
///
/// # Errors
///
/// What is wrong with it, for the person who wrote it.
pub(crate) fn parse(
    schema_type: SchemaType,
    text: &str,
    dependencies: &[Dependency],
    normalize: bool,
    strict: bool,
) -> Result<Parsed, String> {
    match schema_type {
        SchemaType::Avro => {
            let avro = avro::Avro::parse(text, dependencies, strict)?;
            Ok(Parsed { text: avro.canonical(normalize)?, kind: Kind::Avro(avro) })
        }
        SchemaType::Json => {
            let json = json::Json::parse(text, dependencies)?;
            Ok(Parsed { text: json.canonical(normalize), kind: Kind::Json(json) })
        }
        SchemaType::Protobuf => {
            let protobuf = protobuf::Protobuf::parse(text, dependencies, normalize)?;
            Ok(Parsed { text: protobuf.canonical(), kind: Kind::Protobuf(protobuf) })
        }
    }
}

impl Parsed {
    /// Whether the two mean the same though their texts differ: one may write out what the other
    /// refers to, and what has no order may be in another one.
    pub(crate) fn is_equivalent(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Avro(one), Kind::Avro(other)) => one.meaning() == other.meaning(),
            _ => false,
        }
    }

    /// Why this schema cannot read what `writer` wrote; empty where it can.
    pub(crate) fn reads(&self, writer: &Self) -> Vec<Reason> {
        match (&self.kind, &writer.kind) {
            (Kind::Avro(reader), Kind::Avro(writer)) => avro::differences(reader, writer),
            (Kind::Json(reader), Kind::Json(writer)) => json::differences(reader, writer),
            (Kind::Protobuf(reader), Kind::Protobuf(writer)) => {
                protobuf::differences(reader, writer)
            }
            _ => vec![Reason {
                kind: "SCHEMA_TYPE_CHANGED",
                path: "/".to_owned(),
                description: "the schemas are of different types, such as AVRO and JSON".to_owned(),
            }],
        }
    }

    /// The schema as clients take it that ask for `format=serialized`: a Protobuf file as the
    /// base64 text of its descriptor. The other types have no such form.
    pub(crate) fn serialized(&self) -> Option<String> {
        match &self.kind {
            Kind::Protobuf(protobuf) => Some(protobuf.serialized()),
            Kind::Avro(_) | Kind::Json(_) => None,
        }
    }
}
