//! `/mode`: the mode of all subjects and of one, which says whether they can be written.

use serde::Deserialize;
use serde_json::{Value, json};

use super::body::body;
use super::params::Params;
use super::reply::Reply;
use super::settings::Setting;
use crate::error::ApiError;
use crate::log::Log;
use crate::model::Mode;
use crate::operation::Operation;
use crate::record::Event;
use crate::store::{Store, VersionFilter};

#[derive(Debug, Deserialize)]
struct ModeRequest {
    mode: Option<String>,
}

/// The mode: read-write, read-only, or import.
pub(super) enum WriteMode {}

impl Setting for WriteMode {
    const DELETE: Operation<'static> = Operation::DeleteMode;

    fn of_all(store: &Store) -> Value {
        view(store.mode(None))
    }

    fn of_one(store: &Store, subject: &str) -> Option<Value> {
        store.own_mode(Some(subject)).map(view)
    }

    fn set(
        log: &Log,
        subject: Option<&str>,
        params: &Params,
        bytes: &[u8],
    ) -> Result<Reply, ApiError> {
        let request: ModeRequest = body(bytes)?;
        let wanted = request.mode.unwrap_or_default().to_uppercase();
        let mode: Mode =
            serde_json::from_value(Value::String(wanted)).map_err(|_| ApiError::invalid_mode())?;
        let force = params.flag("force");
        log.write(&Operation::UpdateMode, |store| {
            let starts_import =
                mode == Mode::Import && store.own_mode(subject) != Some(Mode::Import);
            if starts_import && !force && holds_schemas(store, subject) {
                // An import contains its own ids, which other schemas could have already.
                let message = "Cannot import since found existing subjects";
                return Err(ApiError::not_permitted(message));
            }
            let subject = subject.map(str::to_owned);
            Ok((vec![Event::Mode { subject, mode: Some(mode) }], ()))
        })?;
        Ok(Reply(view(mode)))
    }

    fn removal(subject: Option<String>) -> Event {
        Event::Mode { subject, mode: None }
    }

    fn missing(subject: &str) -> ApiError {
        ApiError::no_own_mode(subject)
    }
}

fn holds_schemas(store: &Store, subject: Option<&str>) -> bool {
    match subject {
        Some(subject) => !store.versions(subject, VersionFilter::Live).is_empty(),
        None => !store.subjects(VersionFilter::Live).is_empty(),
    }
}

fn view(mode: Mode) -> Value {
    json!({ "mode": mode })
}
