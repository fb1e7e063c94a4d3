//! What a request says beside its body: the parts of its path, and what comes after the question
//! mark.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde::Deserialize;

use super::paths::in_default_context;
use crate::error::ApiError;

/// What stands after the question mark.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Params(pub(super) HashMap<String, String>);

impl Params {
    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A number; `None` where it is negative or not there. For what is not a number there is no
    /// resource.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.0.get(name) else {
            return Ok(None);
        };
        let number = text.parse::<i32>().map_err(|_| ApiError::plain(StatusCode::NOT_FOUND))?;
        Ok(usize::try_from(number).ok())
    }

    /// The part of a list that `offset` and `limit` ask for.
    pub(super) fn page<T>(&self, list: Vec<T>) -> Result<Vec<T>, ApiError> {
        let (offset, limit) = (self.number("offset")?, self.number("limit")?);
        let list = list.into_iter().skip(offset.unwrap_or(0));
        Ok(list.take(limit.unwrap_or(usize::MAX)).collect())
    }
}

/// A subject's name, where it can be one, without the default context.
pub(super) fn subject(name: &str) -> Result<&str, ApiError> {
    let name = in_default_context(name);
    let reserved = ["__GLOBAL", "__EMPTY"];
    if name.trim().is_empty() || name.chars().any(char::is_control) || reserved.contains(&name) {
        return Err(ApiError::invalid_subject(name));
    }
    Ok(name)
}

/// The subject of a setting; `None` where it is the default context, whose setting holds for all.
pub(super) fn subject_or_all(name: &str) -> Result<Option<&str>, ApiError> {
    match in_default_context(name) {
        "" if !name.is_empty() => Ok(None),
        _ => subject(name).map(Some),
    }
}

/// The id that a path names. For what is not a number there is no resource.
pub(super) fn id(text: &str) -> Result<i32, ApiError> {
    text.parse().map_err(|_| ApiError::plain(StatusCode::NOT_FOUND))
}

/// The version that a path names; `None` for the latest.
pub(super) fn version(text: &str) -> Result<Option<i32>, ApiError> {
    let trimmed = text.trim();
    match trimmed.parse::<i32>() {
        _ if trimmed.eq_ignore_ascii_case("latest") => Ok(None),
        Ok(-1) => Ok(None),
        Ok(number) if number > 0 => Ok(Some(number)),
        Ok(number) => Err(ApiError::invalid_version(&number.to_string())),
        Err(_) => Err(ApiError::invalid_version(text)),
    }
}
