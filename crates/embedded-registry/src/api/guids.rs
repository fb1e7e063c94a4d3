//! `/schemas/guids`: schemas by their hash, which is the same in every registry.

use axum::extract::{Path, Query, State};
use serde_json::json;

use super::app::App;
use super::params::Params;
use super::reply::Reply;
use super::view::{schema_view, serialized};
use crate::error::ApiError;
use crate::log::Log;

/// Returns the schema with this hash.
pub(super) async fn schema(
    State(shared): App,
    Path(guid): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let id = id(log, &guid)?;
            log.query(|store| {
                let schema = store.schema(id).ok_or_else(|| ApiError::guid_not_found(&guid))?;
                let mut view = schema_view(&schema);
                if let Some(serialized) = serialized(store, &schema, &params)? {
                    view["schema"] = json!(serialized);
                }
                Ok(Reply(view))
            })
        })
        .await
}

/// Returns the ids of the schema, one for each context; there is one context.
pub(super) async fn ids(State(shared): App, Path(guid): Path<String>) -> Result<Reply, ApiError> {
    let id = id(&shared.log, &guid)?;
    Ok(Reply(json!([{ "context": ".", "id": id }])))
}

fn id(log: &Log, guid: &str) -> Result<i32, ApiError> {
    log.query(|store| store.id_of_guid(guid)).ok_or_else(|| ApiError::guid_not_found(guid))
}
