//! Settings that all subjects share and each subject can override: the handlers of `/config` and
//! `/mode`.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde_json::Value;

use super::app::App;
use super::params::{Params, subject, subject_or_all};
use super::reply::Reply;
use crate::error::ApiError;
use crate::log::Log;
use crate::operation::Operation;
use crate::record::Event;
use crate::store::Store;

/// A setting of all subjects, or of one.
pub(super) trait Setting: 'static {
    /// The operation that removes the setting.
    const DELETE: Operation<'static>;

    /// Returns the setting of all subjects, which has a default.
    fn of_all(store: &Store) -> Value;

    /// Returns the setting of one subject, `None` where it has none.
    fn of_one(store: &Store, subject: &str) -> Option<Value>;

    /// Checks and writes the settings in the body of a request. `None` means all subjects.
    fn set(
        log: &Log,
        subject: Option<&str>,
        params: &Params,
        body: &[u8],
    ) -> Result<Reply, ApiError>;

    /// Makes the event that removes the setting.
    fn removal(subject: Option<String>) -> Event;

    /// Checks whether the setting can be removed now.
    fn check_removal(_store: &Store, _subject: Option<&str>) -> Result<(), ApiError> {
        Ok(())
    }

    /// Makes the error for reading a subject without a setting.
    fn missing(subject: &str) -> ApiError;

    /// Makes the error for removing a setting that a subject does not have.
    fn missing_at_removal(subject: &str) -> ApiError {
        Self::missing(subject)
    }
}

pub(super) async fn of_all<S: Setting>(State(shared): App) -> Reply {
    Reply(shared.log.query(S::of_all))
}

pub(super) async fn of_one<S: Setting>(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
) -> Result<Reply, ApiError> {
    let Some(name) = subject_or_all(&name)? else {
        return Ok(of_all::<S>(State(shared)).await);
    };
    shared.log.query(|store| match S::of_one(store, name) {
        Some(own) => Ok(Reply(own)),
        None if params.flag("defaultToGlobal") => Ok(Reply(S::of_all(store))),
        None => Err(S::missing(name)),
    })
}

pub(super) async fn set_for_all<S: Setting>(
    State(shared): App,
    Query(params): Query<Params>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared.run(move |log| S::set(log, None, &params, &bytes)).await
}

pub(super) async fn set_for_one<S: Setting>(
    State(shared): App,
    Path(name): Path<String>,
    Query(params): Query<Params>,
    bytes: Bytes,
) -> Result<Reply, ApiError> {
    shared.run(move |log| S::set(log, subject_or_all(&name)?, &params, &bytes)).await
}

pub(super) async fn reset_for_all<S: Setting>(State(shared): App) -> Result<Reply, ApiError> {
    shared
        .run(move |log| {
            log.write(&S::DELETE, |store| {
                S::check_removal(store, None)?;
                Ok((vec![S::removal(None)], Reply(S::of_all(store))))
            })
        })
        .await
}

pub(super) async fn reset_for_one<S: Setting>(
    State(shared): App,
    Path(name): Path<String>,
) -> Result<Reply, ApiError> {
    if subject_or_all(&name)?.is_none() {
        return reset_for_all::<S>(State(shared)).await;
    }
    shared
        .run(move |log| {
            let name = subject(&name)?;
            log.write(&S::DELETE, |store| {
                S::check_removal(store, Some(name))?;
                let own = S::of_one(store, name).ok_or_else(|| S::missing_at_removal(name))?;
                Ok((vec![S::removal(Some(name.to_owned()))], Reply(own)))
            })
        })
        .await
}
