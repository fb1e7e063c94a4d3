//! `/compatibility`: checks whether a schema could be registered, without registering it.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde_json::json;

use super::app::App;
use super::body::body;
use super::params::{Params, subject, version};
use super::reply::Reply;
use crate::candidate::{Candidate, SchemaRequest};
use crate::error::ApiError;
use crate::log::Log;
use crate::store::{Store, Version, VersionFilter};

/// Compares with the versions that a registration would be compared with.
pub(super) async fn with_all(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let name = subject(&name)?;
            check(log, name, &params, &bytes, |store| Ok(store.versions(name, VersionFilter::Live)))
        })
        .await
}

/// Compares with one version. The latest version does not have to exist.
pub(super) async fn with_one(
    State(shared): App,
    Path((name, number)): Path<(String, String)>,
    Query(params): Query<Params>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let name = subject(&name)?;
            let wanted = version(&number)?;
            check(log, name, &params, &bytes, |store| {
                let found = store.version(name, wanted, VersionFilter::Live);
                match (&found, wanted) {
                    (None, Some(number)) => Err(ApiError::version_not_found(number)),
                    _ => Ok(found.into_iter().collect()),
                }
            })
        })
        .await
}

fn check(
    log: &Log,
    name: &str,
    params: &Params,
    bytes: &[u8],
    earlier: impl FnOnce(&Store) -> Result<Vec<Version>, ApiError>,
) -> Result<Reply, ApiError> {
    let request: SchemaRequest = body(bytes)?;
    log.query(|store| {
        let earlier = earlier(store)?;
        let normalize = params.flag("normalize") || store.normalizes(name);
        let candidate = Candidate::read(store, &request, normalize, true)?;
        let objections = candidate.objections(store, &earlier, store.level(Some(name)));
        let mut answer = json!({ "is_compatible": objections.is_empty() });
        if params.flag("verbose") {
            answer["messages"] = json!(objections);
        }
        Ok(Reply(answer))
    })
}
