//! Parses schemas, prints their canonical form, and compares them. Each type is a room; nothing
//! here knows subjects or versions.
//!
//! The registry stores and compares the canonical form, so a schema that was only formatted
//! differently keeps its id. Normalization goes further and also ignores the order of things whose
//! order has no meaning.

mod avro;
mod dependency;
mod json;
mod protobuf;
mod reason;

pub(crate) use dependency::Dependency;
use reason::Reason;

use crate::model::SchemaType;

/// A parsed schema.
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

/// Parses a schema; each of its dependencies comes after the ones it needs itself. In strict mode,
/// which is for new schemas, a default in Avro must have its field's type.
///
/// # Errors
///
/// The problem, for the author of the schema.
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
    /// Returns whether two schemas are equivalent although their texts differ: one may spell out
    /// what the other refers to, and things without an order may be reordered.
    pub(crate) fn is_equivalent(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Avro(one), Kind::Avro(other)) => one.meaning() == other.meaning(),
            _ => false,
        }
    }

    /// Returns why this schema cannot read data written with `writer`; empty if it can.
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

    /// Returns the schema for clients that request `format=serialized`: the base64 text of a
    /// Protobuf file's descriptor. Other types have no such form.
    pub(crate) fn serialized(&self) -> Option<String> {
        match &self.kind {
            Kind::Protobuf(protobuf) => Some(protobuf.serialized()),
            Kind::Avro(_) | Kind::Json(_) => None,
        }
    }
}
