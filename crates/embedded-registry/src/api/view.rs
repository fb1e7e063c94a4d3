//! Versions and schemas as clients see them.

use serde::Serialize;
use serde_json::{Value, json};

use super::params::Params;
use crate::candidate::parsed;
use crate::error::ApiError;
use crate::model::{Reference, Schema, SchemaType};
use crate::store::{Store, Version};

/// A version as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VersionView<'a> {
    subject: &'a str,
    version: i32,
    id: i32,
    guid: String,
    #[serde(skip_serializing_if = "SchemaType::is_avro")]
    schema_type: SchemaType,
    #[serde(skip_serializing_if = "no_references")]
    references: &'a [Reference],
    schema: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    deleted: bool,
}

fn no_references(references: &&[Reference]) -> bool {
    references.is_empty()
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> VersionView<'a> {
    pub(super) fn new(subject: &'a str, version: &'a Version) -> Self {
        Self {
            subject,
            version: version.version,
            id: version.id,
            guid: version.schema.guid(),
            schema_type: version.schema.schema_type,
            references: &version.schema.references,
            schema: &version.schema.text,
            deleted: version.deleted,
        }
    }
}

/// Returns a schema as clients see it when they request it by id.
pub(super) fn schema_view(schema: &Schema) -> Value {
    let mut view = json!({ "schema": schema.text, "guid": schema.guid() });
    if !schema.schema_type.is_avro() {
        view["schemaType"] = json!(schema.schema_type);
    }
    if !schema.references.is_empty() {
        view["references"] = json!(schema.references);
    }
    view
}

/// Returns the schema in its serialized form if `format=serialized` requests it and its type has
/// one.
pub(super) fn serialized(
    store: &Store,
    schema: &Schema,
    params: &Params,
) -> Result<Option<String>, ApiError> {
    if params.text("format") != Some("serialized") {
        return Ok(None);
    }
    Ok(parsed(store, schema).map_err(ApiError::invalid_schema)?.serialized())
}
