//! The schema of a request: parsing it, resolving its references, and checking its compatibility.

use serde::Deserialize;

use crate::error::ApiError;
use crate::lenient;
use crate::model::{Level, Reference, Schema, SchemaType};
use crate::schema::{self, Dependency, Parsed};
use crate::store::{Store, Version, VersionFilter};

/// The body of a request with a schema. Other attributes are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaRequest {
    #[serde(default, deserialize_with = "lenient::text")]
    schema: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    schema_type: Option<String>,
    #[serde(default, deserialize_with = "lenient::references")]
    references: Option<Vec<Reference>>,
    /// The id, only in mode IMPORT.
    #[serde(default, deserialize_with = "lenient::number")]
    pub(crate) id: Option<i32>,
    /// The version: in mode IMPORT any, otherwise the next one.
    #[serde(default, deserialize_with = "lenient::number")]
    pub(crate) version: Option<i32>,
}

impl SchemaRequest {
    /// Returns whether it contains no schema.
    pub(crate) fn is_empty(&self) -> bool {
        self.schema.as_deref().unwrap_or_default().trim().is_empty()
    }

    /// Returns the requested version, if there is one.
    pub(crate) fn wanted_version(&self) -> Option<i32> {
        self.version.filter(|version| *version > 0)
    }
}

/// A parsed schema, and the form to compare it by.
pub(crate) struct Candidate {
    pub(crate) schema: Schema,
    parsed: Parsed,
}

impl Candidate {
    /// Parses the schema of a request; strictly if it may be a new one.
    ///
    /// # Errors
    ///
    /// 42201 if it is invalid or a reference cannot be resolved.
    pub(crate) fn read(
        store: &Store,
        request: &SchemaRequest,
        normalize: bool,
        strict: bool,
    ) -> Result<Self, ApiError> {
        if request.is_empty() {
            return Err(ApiError::invalid_schema("Empty schema"));
        }
        let text = request.schema.as_deref().unwrap_or_default();
        let name = request.schema_type.as_deref().unwrap_or("AVRO");
        let schema_type: SchemaType = name
            .parse()
            .map_err(|()| ApiError::invalid_schema(format!("Invalid schema type {name}")))?;
        let invalid = |details: String| {
            ApiError::invalid_schema(format!(
                "Invalid schema of type {}, details: {details}",
                schema_type.name()
            ))
        };
        let references = with_versions(store, request.references.as_deref().unwrap_or_default())
            .map_err(invalid)?;
        let dependencies = dependencies(store, &references).map_err(invalid)?;
        let parsed =
            schema::parse(schema_type, text, &dependencies, normalize, strict).map_err(invalid)?;
        let schema = Schema { schema_type, text: parsed.text.clone(), references };
        Ok(Self { schema, parsed })
    }

    /// Returns the subject's latest version with this schema: the same text, or else an equivalent
    /// one.
    pub(crate) fn find(
        &self,
        store: &Store,
        subject: &str,
        which: VersionFilter,
    ) -> Option<Version> {
        if let Some(found) = store.find(subject, &self.schema, which) {
            return Some(found);
        }
        let mut versions = store.versions(subject, which).into_iter().rev();
        versions.find(|version| {
            let (ours, theirs) = (&self.schema.references, &version.schema.references);
            (ours == theirs || ours.is_empty())
                && version.schema.schema_type == self.schema.schema_type
                && parsed(store, &version.schema)
                    .is_ok_and(|parsed| self.parsed.is_equivalent(&parsed))
        })
    }

    /// Returns the reasons against registering it after these versions; empty if it is compatible.
    pub(crate) fn objections(
        &self,
        store: &Store,
        earlier: &[Version],
        level: Level,
    ) -> Vec<String> {
        let counted = if level.is_transitive() { earlier.len() } else { 1 };
        for old in earlier.iter().rev().take(counted) {
            let mut objections = self.against(store, old, level);
            if !objections.is_empty() {
                objections.push(format!("{{oldSchemaVersion: {}}}", old.version));
                objections.push(format!("{{oldSchema: '{}'}}", old.schema.text));
                objections.push(format!("{{compatibility: '{level}'}}"));
                return objections;
            }
        }
        Vec::new()
    }

    fn against(&self, store: &Store, old: &Version, level: Level) -> Vec<String> {
        if !level.is_backward() && !level.is_forward() {
            return Vec::new();
        }
        let old = match parsed(store, &old.schema) {
            Ok(old) => old,
            Err(reason) => return vec![format!("the older schema is not valid: {reason}")],
        };
        let mut objections = Vec::new();
        if level.is_backward() {
            let reasons = self.parsed.reads(&old).into_iter();
            objections.extend(reasons.map(|it| format!("the new schema reading the old: {it}")));
        }
        if level.is_forward() {
            let reasons = old.reads(&self.parsed).into_iter();
            objections.extend(reasons.map(|it| format!("the old schema reading the new: {it}")));
        }
        objections
    }
}

/// Parses a registered schema with its references.
pub(crate) fn parsed(store: &Store, schema: &Schema) -> Result<Parsed, String> {
    let dependencies = dependencies(store, &schema.references)?;
    schema::parse(schema.schema_type, &schema.text, &dependencies, false, false)
}

/// Resolves the versions of the references: −1 means the latest.
fn with_versions(store: &Store, references: &[Reference]) -> Result<Vec<Reference>, String> {
    let settle = |reference: &Reference| {
        let wanted = (reference.version != -1).then_some(reference.version);
        let found = store.version(&reference.subject, wanted, VersionFilter::Live);
        let version = found.ok_or_else(|| unknown(reference))?.version;
        Ok(Reference { version, ..reference.clone() })
    };
    references.iter().map(settle).collect()
}

fn unknown(reference: &Reference) -> String {
    format!(
        "No schema reference found for subject \"{}\" and version {}",
        reference.subject, reference.version
    )
}

/// Returns all schemas that these references lead to, each after the ones it refers to.
fn dependencies(store: &Store, references: &[Reference]) -> Result<Vec<Dependency>, String> {
    let mut found: Vec<Dependency> = Vec::new();
    // The references still to visit, and whether their own references were visited.
    let mut open: Vec<(Reference, bool)> =
        references.iter().rev().map(|it| (it.clone(), false)).collect();
    let mut entered: Vec<Reference> = Vec::new();
    while let Some((reference, is_ready)) = open.pop() {
        let version =
            store.version(&reference.subject, Some(reference.version), VersionFilter::All);
        let schema = version.ok_or_else(|| unknown(&reference))?.schema;
        if is_ready {
            if !found.iter().any(|known| known.name == reference.name) {
                found.push(Dependency { name: reference.name, text: schema.text.clone() });
            }
        } else if !entered.contains(&reference) {
            entered.push(reference.clone());
            open.push((reference, true));
            open.extend(schema.references.iter().rev().map(|it| (it.clone(), false)));
        }
    }
    Ok(found)
}
