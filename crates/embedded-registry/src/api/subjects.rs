//! `/subjects`: lists them, looks up a schema under one, and deletes one.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde_json::json;

use super::app::App;
use super::body::body;
use super::params::{Params, subject};
use super::paths::in_default_context;
use super::permission::writable;
use super::reply::Reply;
use super::view::{VersionView, serialized};
use crate::candidate::{Candidate, SchemaRequest};
use crate::error::ApiError;
use crate::operation::Operation;
use crate::record::Event;
use crate::store::{Store, Version, VersionFilter};

pub(super) async fn list(
    State(shared): App,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    let which = match (params.flag("deletedOnly"), params.flag("deleted")) {
        (true, _) => VersionFilter::Deleted,
        (false, true) => VersionFilter::All,
        (false, false) => VersionFilter::Live,
    };
    let mut subjects = shared.log.query(|store| store.subjects(which));
    if let Some(prefix) = params.text("subjectPrefix") {
        subjects.retain(|subject| subject.starts_with(in_default_context(prefix)));
    }
    Ok(Reply::new(params.page(subjects)?))
}

/// Looks up the version that has this schema.
pub(super) async fn look_up(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let name = subject(&name)?;
            let request: SchemaRequest = body(&bytes)?;
            let which =
                if params.flag("deleted") { VersionFilter::All } else { VersionFilter::Live };
            log.query(|store| {
                if store.versions(name, which).is_empty() {
                    return Err(ApiError::subject_not_found(name));
                }
                if request.is_empty() {
                    return Err(ApiError::schema_not_found());
                }
                let normalize = params.flag("normalize") || store.normalizes(name);
                let candidate = Candidate::read(store, &request, normalize, false)?;
                let found = candidate.find(store, name, which);
                let found = found.ok_or_else(ApiError::schema_not_found)?;
                let mut view = json!(VersionView::new(name, &found));
                if let Some(serialized) = serialized(store, &found.schema, &params)? {
                    view["schema"] = json!(serialized);
                }
                Ok(Reply(view))
            })
        })
        .await
}

pub(super) async fn delete(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let name = subject(&name)?;
            let permanent = params.flag("permanent");
            let versions = log.write(&Operation::DeleteSubject(name), |store| {
                writable(store, Some(name))?;
                if permanent { delete_permanently(store, name) } else { soft_delete(store, name) }
            })?;
            Ok(Reply::new(versions))
        })
        .await
}

/// Marks all versions as deleted. Their records stay readable, because the schemas can still be
/// found by id.
fn soft_delete(store: &Store, name: &str) -> Result<(Vec<Event>, Vec<i32>), ApiError> {
    let versions = numbers(&store.versions(name, VersionFilter::Live));
    let Some(last) = versions.last().copied() else {
        let is_known = !store.versions(name, VersionFilter::All).is_empty();
        return Err(if is_known {
            ApiError::subject_soft_deleted(name)
        } else {
            ApiError::subject_not_found(name)
        });
    };
    for version in &versions {
        if !store.referenced_by(name, *version).is_empty() {
            return Err(ApiError::referenced(name, *version));
        }
    }
    let mut events = vec![Event::SubjectDeleted { subject: name.to_owned(), version: last }];
    events.extend(removed_settings(store, name));
    Ok((events, versions))
}

fn delete_permanently(store: &Store, name: &str) -> Result<(Vec<Event>, Vec<i32>), ApiError> {
    let all = store.versions(name, VersionFilter::All);
    if all.is_empty() {
        return Err(ApiError::subject_not_found(name));
    }
    if all.iter().any(|version| !version.deleted) {
        return Err(ApiError::subject_not_soft_deleted(name));
    }
    let versions = numbers(&all);
    let removed = |version: &i32| Event::Removed { subject: name.to_owned(), version: *version };
    let mut events: Vec<Event> = versions.iter().map(removed).collect();
    events.extend(removed_settings(store, name));
    Ok((events, versions))
}

fn removed_settings(store: &Store, name: &str) -> Vec<Event> {
    let subject = Some(name.to_owned());
    let mut events = Vec::new();
    if store.config(Some(name)).is_some() {
        events.push(Event::Config { subject: subject.clone(), config: None });
    }
    if store.own_mode(Some(name)).is_some() {
        events.push(Event::Mode { subject, mode: None });
    }
    events
}

fn numbers(versions: &[Version]) -> Vec<i32> {
    versions.iter().map(|version| version.version).collect()
}
