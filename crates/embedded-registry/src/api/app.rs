//! The state that all handlers share.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::auth::Credentials;
use crate::error::ApiError;
use crate::log::Log;

/// The state that every handler works on.
pub(crate) struct Shared {
    pub(crate) log: Log,
    pub(crate) credentials: Option<Credentials>,
}

/// The shared state as a handler extracts it.
pub(super) type App = State<Arc<Shared>>;

impl Shared {
    /// Runs the work of a handler on a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Log) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let done = tokio::task::spawn_blocking(move || work(&self.log)).await;
        done.unwrap_or_else(|_| Err(ApiError::plain(StatusCode::INTERNAL_SERVER_ERROR)))
    }
}
