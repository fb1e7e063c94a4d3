//! Checks whether the mode allows a write.

use crate::error::ApiError;
use crate::store::Store;

/// Rejects a write to a subject, or to all with `None`, whose mode is read-only.
pub(super) fn writable(store: &Store, subject: Option<&str>) -> Result<(), ApiError> {
    if !store.mode(subject).is_read_only() {
        return Ok(());
    }
    Err(ApiError::not_permitted(match subject {
        Some(name) => format!("Subject {name} in context  is in read-only mode"),
        None => "All subjects are in read-only mode".to_owned(),
    }))
}
