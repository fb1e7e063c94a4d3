//! `/config`: the compatibility level, of all subjects and of one.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::subjects::writable;
use super::{App, Params, Reply, body, subject, subject_or_all};
use crate::error::ApiError;
use crate::log::Log;
use crate::model::{Config, Level};
use crate::operation::Operation;
use crate::record::Event;
use crate::store::Store;

#[derive(Debug, Deserialize)]
struct ConfigRequest {
    #[serde(alias = "compatibilityLevel")]
    compatibility: Option<String>,
    normalize: Option<bool>,
}

pub(super) async fn of_all(State(shared): App) -> Reply {
    Reply::new(shared.log.ask(of_all_now))
}

fn of_all_now(store: &Store) -> Config {
    let normalize = store.config(None).and_then(|config| config.normalize);
    Config { level: Some(store.level(None)), normalize }
}

pub(super) async fn of_one(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    let Some(name) = subject_or_all(&name)? else {
        return Ok(of_all(State(shared)).await);
    };
    shared.log.ask(|store| match store.config(Some(name)) {
        Some(config) => Ok(Reply::new(config)),
        None if params.flag("defaultToGlobal") => Ok(Reply::new(of_all_now(store))),
        None => Err(ApiError::no_own_level(name)),
    })
}

pub(super) async fn set_for_all(State(shared): App, bytes: Bytes) -> Result<Reply, ApiError> {
    shared.run(move |log| set(log, None, &bytes)).await
}

pub(super) async fn set_for_one(
    State(shared): App,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared.run(move |log| set(log, subject_or_all(&name)?, &bytes)).await
}

fn set(log: &Log, name: Option<&str>, bytes: &[u8]) -> Result<Reply, ApiError> {
    let request: ConfigRequest = body(bytes)?;
    let level = request.compatibility.as_deref().map(level).transpose()?;
    if level.is_none() && request.normalize.is_none() {
        return Err(ApiError::invalid_level());
    }
    log.write(&Operation::UpdateConfig, |store| {
        allowed(store, name)?;
        let mut config = store.config(name).cloned().unwrap_or_default();
        config.level = level.or(config.level);
        config.normalize = request.normalize.or(config.normalize);
        let subject = name.map(str::to_owned);
        Ok((vec![Event::Config { subject, config: Some(config) }], ()))
    })?;
    let mut answer = json!({});
    if let Some(level) = level {
        answer["compatibility"] = json!(level);
    }
    if let Some(normalize) = request.normalize {
        answer["normalize"] = json!(normalize);
    }
    Ok(Reply(answer))
}

fn level(name: &str) -> Result<Level, ApiError> {
    serde_json::from_value(Value::String(name.to_uppercase()))
        .map_err(|_| ApiError::invalid_level())
}

fn allowed(store: &Store, name: Option<&str>) -> Result<(), ApiError> {
    match name {
        Some(name) => writable(store, name),
        None if store.mode(None).is_read_only() => {
            Err(ApiError::not_permitted("All subjects are in read-only mode"))
        }
        None => Ok(()),
    }
}

pub(super) async fn reset_for_all(State(shared): App) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            let was = log.write(&Operation::DeleteConfig, |store| {
                allowed(store, None)?;
                let event = Event::Config { subject: None, config: None };
                Ok((vec![event], of_all_now(store)))
            })?;
            Ok(Reply::new(was))
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
            let was = log.write(&Operation::DeleteConfig, |store| {
                allowed(store, Some(name))?;
                let was = store.config(Some(name)).cloned();
                let was = was.ok_or_else(|| ApiError::subject_not_found(name))?;
                let subject = Some(name.to_owned());
                Ok((vec![Event::Config { subject, config: None }], was))
            })?;
            Ok(Reply::new(was))
        })
        .await
}
