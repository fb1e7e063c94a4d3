//! Parameters of a request: the parts of its path and the query string.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde::Deserialize;

use super::paths::in_default_context;
use crate::error::ApiError;

/// The query string.
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

    /// Returns a number; `None` if it is negative or missing. Anything but a number is a 404.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.0.get(name) else {
            return Ok(None);
        };
        let number = text.parse::<i32>().map_err(|_| ApiError::plain(StatusCode::NOT_FOUND))?;
        Ok(usize::try_from(number).ok())
    }

    /// Returns the part of a list that `offset` and `limit` select.
    pub(super) fn page<T>(&self, list: Vec<T>) -> Result<Vec<T>, ApiError> {
        let (offset, limit) = (self.number("offset")?, self.number("limit")?);
        let list = list.into_iter().skip(offset.unwrap_or(0));
        Ok(list.take(limit.unwrap_or(usize::MAX)).collect())
    }
}

/// Validates a subject's name and removes the default context from it.
pub(super) fn subject(name: &str) -> Result<&str, ApiError> {
    let name = in_default_context(name);
    let reserved = ["__GLOBAL", "__EMPTY"];
    if name.trim().is_empty() || name.chars().any(char::is_control) || reserved.contains(&name) {
        return Err(ApiError::invalid_subject(name));
    }
    Ok(name)
}

/// Validates the subject of a setting; `None` means the default context, whose setting applies to
/// all subjects.
pub(super) fn subject_or_all(name: &str) -> Result<Option<&str>, ApiError> {
    match in_default_context(name) {
        "" if !name.is_empty() => Ok(None),
        _ => subject(name).map(Some),
    }
}

/// Parses the id in a path. Anything but a number is a 404.
pub(super) fn id(text: &str) -> Result<i32, ApiError> {
    text.parse().map_err(|_| ApiError::plain(StatusCode::NOT_FOUND))
}

/// Parses the version in a path; `None` means the latest.
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
