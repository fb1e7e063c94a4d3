//! `/config`: the compatibility level, of all subjects and of one.

use serde::Deserialize;
use serde_json::{Value, json};

use super::body::body;
use super::params::Params;
use super::permission::writable;
use super::reply::Reply;
use super::settings::Setting;
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

/// The compatibility level, and whether schemas are normalized even without a request for it.
pub(super) enum Compatibility {}

impl Setting for Compatibility {
    const DELETE: Operation<'static> = Operation::DeleteConfig;

    fn of_all(store: &Store) -> Value {
        let normalize = store.config(None).and_then(|config| config.normalize);
        json!(Config { level: Some(store.level(None)), normalize })
    }

    fn of_one(store: &Store, subject: &str) -> Option<Value> {
        store.config(Some(subject)).map(|config| json!(config))
    }

    fn set(
        log: &Log,
        subject: Option<&str>,
        _params: &Params,
        bytes: &[u8],
    ) -> Result<Reply, ApiError> {
        let request: ConfigRequest = body(bytes)?;
        let level = request.compatibility.as_deref().map(level).transpose()?;
        if level.is_none() && request.normalize.is_none() {
            return Err(ApiError::invalid_level());
        }
        log.write(&Operation::UpdateConfig, |store| {
            writable(store, subject)?;
            let mut config = store.config(subject).cloned().unwrap_or_default();
            config.level = level.or(config.level);
            config.normalize = request.normalize.or(config.normalize);
            let subject = subject.map(str::to_owned);
            Ok((vec![Event::Config { subject, config: Some(config) }], ()))
        })?;
        let mut response = json!({});
        if let Some(level) = level {
            response["compatibility"] = json!(level);
        }
        if let Some(normalize) = request.normalize {
            response["normalize"] = json!(normalize);
        }
        Ok(Reply(response))
    }

    fn removal(subject: Option<String>) -> Event {
        Event::Config { subject, config: None }
    }

    fn check_removal(store: &Store, subject: Option<&str>) -> Result<(), ApiError> {
        writable(store, subject)
    }

    fn missing(subject: &str) -> ApiError {
        ApiError::no_own_level(subject)
    }

    fn missing_at_removal(subject: &str) -> ApiError {
        ApiError::subject_not_found(subject)
    }
}

fn level(name: &str) -> Result<Level, ApiError> {
    serde_json::from_value(Value::String(name.to_uppercase()))
        .map_err(|_| ApiError::invalid_level())
}
