//! `/schemas`: schemas by id, which is what readers of records request.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde_json::json;

use super::app::App;
use super::params::{Params, id};
use super::paths::in_default_context;
use super::reply::{Reply, text};
use super::view::{VersionView, schema_view, serialized};
use crate::error::ApiError;
use crate::log::Log;
use crate::model::Schema;
use crate::store::{Store, VersionFilter};

pub(super) async fn types() -> Reply {
    Reply(json!(["JSON", "PROTOBUF", "AVRO"]))
}

pub(super) async fn list(
    State(shared): App,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let which =
                if params.flag("deleted") { VersionFilter::All } else { VersionFilter::Live };
            let prefix = params.text("subjectPrefix").unwrap_or_default();
            let prefix = in_default_context(prefix);
            let views = log.query(|store| {
                let subjects = store.subjects(which).into_iter();
                let versions = subjects.filter(|it| it.starts_with(prefix)).flat_map(|subject| {
                    let mut versions = store.versions(&subject, which);
                    if params.flag("latestOnly") {
                        versions.drain(..versions.len().saturating_sub(1));
                    }
                    let view = |version| json!(VersionView::new(&subject, &version));
                    versions.into_iter().map(view).collect::<Vec<_>>()
                });
                versions.collect::<Vec<_>>()
            });
            Ok(Reply::new(params.page(views)?))
        })
        .await
}

pub(super) async fn by_id(
    State(shared): App,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let schema = schema(log, self::id(&id)?)?;
            let mut view = schema_view(&schema);
            if let Some(serialized) = log.query(|store| serialized(store, &schema, &params))? {
                view["schema"] = json!(serialized);
            }
            if params.flag("fetchMaxId") {
                view["maxId"] = json!(log.query(Store::highest_id));
            }
            Ok(Reply(view))
        })
        .await
}

pub(super) async fn text_by_id(
    State(shared): App,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    shared
        .run(move |log| {
            let schema = schema(log, self::id(&id)?)?;
            let serialized = log.query(|store| serialized(store, &schema, &params))?;
            Ok(text(serialized.unwrap_or_else(|| schema.text.clone())))
        })
        .await
}

pub(super) async fn subjects(
    State(shared): App,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    let mut subjects: Vec<String> = uses(&shared.log, self::id(&id)?, &params)?
        .into_iter()
        .map(|(subject, _)| subject)
        .collect();
    subjects.dedup();
    Ok(Reply::new(params.page(subjects)?))
}

pub(super) async fn versions(
    State(shared): App,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    let uses = uses(&shared.log, self::id(&id)?, &params)?.into_iter();
    let uses = uses.map(|(subject, version)| json!({ "subject": subject, "version": version }));
    Ok(Reply::new(params.page(uses.collect())?))
}

fn uses(log: &Log, id: i32, params: &Params) -> Result<Vec<(String, i32)>, ApiError> {
    let which = if params.flag("deleted") { VersionFilter::All } else { VersionFilter::Live };
    log.query(|store| store.uses(id, which)).ok_or_else(|| ApiError::id_not_found(id))
}

fn schema(log: &Log, id: i32) -> Result<Arc<Schema>, ApiError> {
    log.query(|store| store.schema(id)).ok_or_else(|| ApiError::id_not_found(id))
}
