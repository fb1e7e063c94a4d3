//! `/subjects/{subject}/versions`: registers schemas, and reads and deletes versions.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde_json::json;

use super::app::App;
use super::body::body;
use super::params::{Params, subject, version};
use super::permission::writable;
use super::reply::{self, Reply};
use super::view::{VersionView, serialized};
use crate::candidate::{Candidate, SchemaRequest};
use crate::error::ApiError;
use crate::model::Mode;
use crate::operation::Operation;
use crate::record::Event;
use crate::store::{Store, Version, VersionFilter};

pub(super) async fn list(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    let name = subject(&name)?;
    let which = match (params.flag("deletedOnly"), params.flag("deleted")) {
        (true, _) => VersionFilter::Deleted,
        (false, true) => VersionFilter::All,
        (false, false) => VersionFilter::Live,
    };
    let versions = shared.log.query(|store| store.versions(name, which));
    if versions.is_empty() {
        return Err(ApiError::subject_not_found(name));
    }
    let numbers = versions.iter().map(|version| version.version).collect();
    Ok(Reply::new(params.page::<i32>(numbers)?))
}

pub(super) async fn register(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let name = subject(&name)?;
            let request: SchemaRequest = body(&bytes)?;
            let normalize = params.flag("normalize");
            // Most schemas are registered already, which needs no permission to write.
            let known = log.query(|store| known(store, name, &request, normalize))?;
            let found = match known {
                Some(found) => found,
                None => log.write(&Operation::Register, |store| {
                    decide(store, name, &request, normalize)
                })?,
            };
            let mut view = json!(VersionView::new(name, &found));
            // The client knows the subject.
            view.as_object_mut().map(|view| view.remove("subject"));
            Ok(Reply(view))
        })
        .await
}

/// Returns the version that already has the schema; a request without a schema means the latest
/// one.
fn known(
    store: &Store,
    name: &str,
    request: &SchemaRequest,
    normalize: bool,
) -> Result<Option<Version>, ApiError> {
    if request.is_empty() && store.mode(Some(name)) != Mode::Import {
        return match store.version(name, None, VersionFilter::Live) {
            Some(latest) => Ok(Some(latest)),
            None => Err(ApiError::invalid_schema("Empty schema")),
        };
    }
    let candidate = read(store, name, request, normalize)?;
    registered(store, name, request, &candidate)
}

fn read(
    store: &Store,
    name: &str,
    request: &SchemaRequest,
    normalize: bool,
) -> Result<Candidate, ApiError> {
    Candidate::read(store, request, normalize || store.normalizes(name), true)
}

/// Returns the subject's version with the schema, unless the request is for another version.
fn registered(
    store: &Store,
    name: &str,
    request: &SchemaRequest,
    candidate: &Candidate,
) -> Result<Option<Version>, ApiError> {
    let Some(found) = candidate.find(store, name, VersionFilter::Live) else {
        return Ok(None);
    };
    if request
        .wanted_version()
        .is_some_and(|wanted| wanted != found.version || request.id.is_none())
    {
        return Ok(None);
    }
    match request.id {
        Some(id) if id >= 0 && id != found.id => Err(ApiError::id_does_not_match(format!(
            "Schema already registered with id {} instead of input id {id}",
            found.id
        ))),
        _ => Ok(Some(found)),
    }
}

fn decide(
    store: &Store,
    name: &str,
    request: &SchemaRequest,
    normalize: bool,
) -> Result<(Vec<Event>, Version), ApiError> {
    let candidate = read(store, name, request, normalize)?;
    if let Some(found) = registered(store, name, request, &candidate)? {
        return Ok((Vec::new(), found));
    }
    writable(store, Some(name))?;
    let is_import = store.mode(Some(name)) == Mode::Import;
    let (id, version) = match request.id.filter(|id| *id >= 0) {
        Some(_) if !is_import => {
            let message = format!("Subject {name} in context  is not in import mode");
            return Err(ApiError::not_permitted(message));
        }
        None if is_import => {
            let message = format!("Subject {name} in context  is not in read-write mode");
            return Err(ApiError::not_permitted(message));
        }
        Some(id) => imported(store, name, id, request.version, &candidate)?,
        None => {
            let earlier = store.versions(name, VersionFilter::Live);
            let objections = candidate.objections(store, &earlier, store.level(Some(name)));
            if !objections.is_empty() {
                return Err(ApiError::incompatible(name, &objections));
            }
            let next = store.next_version(name);
            if request.wanted_version().is_some_and(|wanted| wanted != next) {
                let message = "Version is not one more than previous version";
                return Err(ApiError::invalid_schema(message));
            }
            (store.id_for(&candidate.schema), next)
        }
    };
    let schema = Arc::new(candidate.schema);
    let (subject, deleted) = (name.to_owned(), false);
    let event = Event::Registered { subject, version, id, schema: schema.clone(), deleted };
    Ok((vec![event], Version { version, id, schema, deleted }))
}

/// Returns the id and the version of an import, if they are free.
fn imported(
    store: &Store,
    name: &str,
    id: i32,
    version: Option<i32>,
    candidate: &Candidate,
) -> Result<(i32, i32), ApiError> {
    if store.schema(id).is_some_and(|known| *known != candidate.schema) {
        let message = format!("Overwrite new schema with id {id} in context  is not permitted.");
        return Err(ApiError::not_permitted(message));
    }
    let version = match version.filter(|version| *version > 0) {
        None => store.next_version(name),
        Some(version) if store.version(name, Some(version), VersionFilter::Live).is_some() => {
            let message = format!("Overwrite version {version} of {name} is not permitted.");
            return Err(ApiError::not_permitted(message));
        }
        Some(version) => version,
    };
    Ok((id, version))
}

pub(super) async fn by_number(
    State(shared): App,
    Path((name, number)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            log.query(|store| {
                let found = find(store, &name, &number, &params)?;
                let mut view = json!(VersionView::new(subject(&name)?, &found));
                if let Some(serialized) = serialized(store, &found.schema, &params)? {
                    view["schema"] = json!(serialized);
                }
                Ok(Reply(view))
            })
        })
        .await
}

pub(super) async fn text(
    State(shared): App,
    Path((name, number)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    shared
        .run(move |log| {
            log.query(|store| {
                let found = find(store, &name, &number, &params)?;
                let serialized = serialized(store, &found.schema, &params)?;
                Ok(reply::text(serialized.unwrap_or_else(|| found.schema.text.clone())))
            })
        })
        .await
}

pub(super) async fn referenced_by(
    State(shared): App,
    Path((name, number)): Path<(String, String)>,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            log.query(|store| {
                let deleted_too = Params([("deleted".into(), "true".into())].into());
                let found = find(store, &name, &number, &deleted_too)?;
                Ok(Reply::new(store.referenced_by(subject(&name)?, found.version)))
            })
        })
        .await
}

fn find(store: &Store, name: &str, number: &str, params: &Params) -> Result<Version, ApiError> {
    let name = subject(name)?;
    let wanted = version(number)?;
    let which = if params.flag("deleted") { VersionFilter::All } else { VersionFilter::Live };
    if store.versions(name, which).is_empty() {
        return Err(ApiError::subject_not_found(name));
    }
    let found = store.version(name, wanted, which);
    found.ok_or_else(|| ApiError::version_not_found(wanted.unwrap_or(-1)))
}

pub(super) async fn delete(
    State(shared): App,
    Path((name, number)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let name = subject(&name)?;
            let wanted = version(&number)?;
            let permanent = params.flag("permanent");
            let deleted = log.write(&Operation::DeleteVersion, |store| {
                writable(store, Some(name))?;
                let which = if permanent { VersionFilter::All } else { VersionFilter::Live };
                if store.versions(name, VersionFilter::All).is_empty() {
                    return Err(ApiError::subject_not_found(name));
                }
                let found = store
                    .version(name, wanted, which)
                    .or_else(|| store.version(name, wanted, VersionFilter::All))
                    .ok_or_else(|| ApiError::version_not_found(wanted.unwrap_or(-1)))?;
                let number = found.version;
                Ok((vec![deletion(store, name, found, permanent)?], number))
            })?;
            Ok(Reply::new(deleted))
        })
        .await
}

fn deletion(store: &Store, name: &str, found: Version, permanent: bool) -> Result<Event, ApiError> {
    let Version { version, id, schema, deleted } = found;
    match (permanent, deleted) {
        (false, true) => Err(ApiError::version_soft_deleted(name, version)),
        (true, false) => Err(ApiError::version_not_soft_deleted(name, version)),
        _ if !store.referenced_by(name, version).is_empty() => {
            Err(ApiError::referenced(name, version))
        }
        (true, true) => Ok(Event::Removed { subject: name.to_owned(), version }),
        (false, false) => {
            let subject = name.to_owned();
            Ok(Event::Registered { subject, version, id, schema, deleted: true })
        }
    }
}
