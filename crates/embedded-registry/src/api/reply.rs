//! Responses in JSON.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::error::CONTENT_TYPE;

/// A response in JSON.
pub(super) struct Reply(pub(super) Value);

impl Reply {
    pub(super) fn new(answer: impl Serialize) -> Self {
        Self(serde_json::to_value(answer).expect("keys of these maps are strings"))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        text(self.0.to_string())
    }
}

/// Responds with text that is JSON already, such as a schema.
pub(super) fn text(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    let content_type = HeaderValue::from_static(CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
