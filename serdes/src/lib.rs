//! Serializers and deserializers for Avro, JSON Schema, and Protobuf with a schema registry.
//!
//! | For | Look in |
//! |---|---|
//! | the registry's address, registration, lookups, compatibility | [`RegistryClient`] |
//! | writing and reading values of a Rust type | [`mod@avro`], [`mod@json`], [`mod@protobuf`] |
//! | subject names, and unregistered schemas | [`SubjectNames`], [`Registration`] |
//! | the five-byte prefix of every message | [`mod@prefix`] |
//! | the same in a header, as an option | [`mod@header`] |
//! | errors, and what to do about them | [`Error`] |
//!
//! A value is checked against the schema before it is written. If it does not match, the error
//! names the field but not its value, because many people read logs.
//!
//! The client uses schema_registry_converter without its encoders: they would add a second
//! apache-avro, jsonschema, and protox, and their JSON errors contain the whole value. The bytes
//! are the same as those of Confluent's serializers.
//!
//! Data contracts (rules, metadata) and encryption are not supported.

pub mod avro;
mod cache;
mod compound;
mod deserializer;
mod error;
pub mod header;
pub mod json;
pub mod prefix;
pub mod protobuf;
mod registry;
mod schema;
mod schema_type;
mod serializer;
mod subject;

pub use avro::{AvroDeserializer, AvroSerializer};
pub use deserializer::Deserializer;
pub use error::{Error, Violation};
pub use json::{JsonDeserializer, JsonSerializer};
pub use prefix::{PrefixError, SchemaId};
pub use protobuf::{ProtobufDeserializer, ProtobufSerializer};
pub use registry::{Builder, Compatibility, RegistryClient};
pub use schema::{Reference, Registered, Schema};
pub use schema_type::SchemaType;
pub use serializer::{Options, Registration, Serializer};
pub use subject::{Part, SubjectNames};
