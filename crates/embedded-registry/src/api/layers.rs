//! Checks and changes around all routes: the length of a body, credentials, and errors in the
//! registry's form.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use crate::error::ApiError;

/// Rejects a body whose `Content-Length` is too large, without reading it.
pub(super) async fn content_length(
    State(limit): State<usize>,
    request: Request,
    next: Next,
) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return ApiError::plain(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    next.run(request).await
}

/// Rejects a request without the registry's credentials.
pub(super) async fn authenticated(State(shared): App, request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION);
    match &shared.credentials {
        Some(credentials) if !credentials.accepts(header) => {
            let mut response = ApiError::plain(StatusCode::UNAUTHORIZED).into_response();
            let challenge = HeaderValue::from_static("Basic realm=\"schema registry\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
        _ => next.run(request).await,
    }
}

/// Puts axum's own errors, such as an unknown path, into the registry's form: clients expect a code
/// and a message.
pub(super) async fn in_registry_form(response: Response) -> Response {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_ours = content_type.is_some_and(|it| it.as_bytes().starts_with(b"application/"));
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut changed = ApiError::plain(status).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        changed.headers_mut().insert(header::ALLOW, allow.clone());
    }
    changed
}
