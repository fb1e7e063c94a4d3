//! `/mode`: who may write, for all subjects and for one.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, Params, Reply, body, subject, subject_or_all};
use crate::error::ApiError;
use crate::log::Log;
use crate::model::Mode;
use crate::operation::Operation;
use crate::record::Event;
use crate::store::{Store, Which};

#[derive(Debug, Deserialize)]
struct ModeRequest {
    mode: Option<String>,
}

pub(super) async fn of_all(State(shared): App) -> Reply {
    view(shared.log.ask(|store| store.mode(None)))
}

pub(super) async fn of_one(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    let Some(name) = subject_or_all(&name)? else {
        return Ok(of_all(State(shared)).await);
    };
    shared.log.ask(|store| match store.own_mode(Some(name)) {
        Some(mode) => Ok(view(mode)),
        None if params.flag("defaultToGlobal") => Ok(view(store.mode(None))),
        None => Err(ApiError::no_own_mode(name)),
    })
}

pub(super) async fn set_for_all(
    State(shared): App,
    Query(params): Query<Params>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared.run(move |log| set(log, None, &params, &bytes)).await
}

pub(super) async fn set_for_one(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared.run(move |log| set(log, subject_or_all(&name)?, &params, &bytes)).await
}

fn set(log: &Log, name: Option<&str>, params: &Params, bytes: &[u8]) -> Result<Reply, ApiError> {
    let request: ModeRequest = body(bytes)?;
    let wanted = request.mode.unwrap_or_default().to_uppercase();
    let mode: Mode =
        serde_json::from_value(Value::String(wanted)).map_err(|_| ApiError::invalid_mode())?;
    let force = params.flag("force");
    log.write(&Operation::UpdateMode, |store| {
        let becomes_import = mode == Mode::Import && store.own_mode(name) != Some(Mode::Import);
        if becomes_import && !force && holds_schemas(store, name) {
            // Imports bring ids along, which could be those of other schemas.
            let message = "Cannot import since found existing subjects";
            return Err(ApiError::not_permitted(message));
        }
        let subject = name.map(str::to_owned);
        Ok((vec![Event::Mode { subject, mode: Some(mode) }], ()))
    })?;
    Ok(view(mode))
}

fn holds_schemas(store: &Store, name: Option<&str>) -> bool {
    match name {
        Some(name) => !store.versions(name, Which::Live).is_empty(),
        None => !store.subjects(Which::Live).is_empty(),
    }
}

pub(super) async fn reset_for_all(State(shared): App) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            log.write(&Operation::DeleteMode, |store| {
                let event = Event::Mode { subject: None, mode: None };
                Ok((vec![event], view(store.mode(None))))
            })
        })
        .await
}

pub(super) async fn reset_for_one(
    State(shared): App,
    Path(name): Path<String>,
) -> Result<Reply, ApiError> {
    if subject_or_all(&name)?.is_none() {
        return reset_for_all(State(shared)).await;
    }
    shared
        .run(move |log| {
            let name = subject(&name)?;
            log.write(&Operation::DeleteMode, |store| {
                let was = store.own_mode(Some(name)).ok_or_else(|| ApiError::no_own_mode(name))?;
                let subject = Some(name.to_owned());
                Ok((vec![Event::Mode { subject, mode: None }], view(was)))
            })
        })
        .await
}

fn view(mode: Mode) -> Reply {
    Reply(json!({ "mode": mode }))
}
