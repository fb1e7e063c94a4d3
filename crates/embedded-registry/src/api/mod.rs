//! The REST interface: routes, and what all of them share. One file per resource.
//!
//! Handlers read the request; what they do then runs on a thread that may block, because writes
//! wait for the cluster and large schemas take time to compare.

mod compatibility;
mod config;
mod guids;
mod media;
mod mode;
mod params;
mod paths;
mod root;
mod schemas;
mod subjects;
mod versions;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use params::{Params, id, subject, subject_or_all, version};
use view::{VersionView, schema_view};

use crate::auth::Credentials;
use crate::error::ApiError;
use crate::lenient;
use crate::log::Log;

/// What answers are, errors too.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// What every handler needs.
pub(crate) struct Shared {
    pub(crate) log: Log,
    pub(crate) credentials: Option<Credentials>,
}

type App = State<Arc<Shared>>;

/// All routes.
pub(crate) fn router(shared: Arc<Shared>, body_limit_bytes: usize) -> Router {
    let mut router = Router::new();
    for (path, methods) in routes() {
        router = router.route(path, methods.route_layer(middleware::from_fn(media::negotiated)));
    }
    let router = router
        .layer(DefaultBodyLimit::max(body_limit_bytes))
        .layer(middleware::from_fn_with_state(body_limit_bytes, announced_length))
        .layer(middleware::from_fn_with_state(shared.clone(), authenticated))
        .layer(middleware::map_response(in_registry_form))
        .with_state(shared);
    // A layer of the router itself would see the path only once its route is found.
    Router::new().fallback_service(router).layer(middleware::map_request(paths::in_one_form))
}

fn routes() -> Vec<(&'static str, MethodRouter<Arc<Shared>>)> {
    vec![
        ("/", get(root::nothing).post(root::nothing)),
        ("/contexts", get(root::contexts)),
        ("/v1/metadata/id", get(root::cluster_id)),
        ("/v1/metadata/version", get(root::version)),
        ("/schemas", get(schemas::list)),
        ("/schemas/types", get(schemas::types)),
        ("/schemas/ids/{id}", get(schemas::by_id)),
        ("/schemas/ids/{id}/schema", get(schemas::text_by_id)),
        ("/schemas/ids/{id}/subjects", get(schemas::subjects)),
        ("/schemas/ids/{id}/versions", get(schemas::versions)),
        ("/schemas/guids/{guid}", get(guids::schema)),
        ("/schemas/guids/{guid}/ids", get(guids::ids)),
        ("/subjects", get(subjects::list)),
        ("/subjects/{subject}", post(subjects::look_up).delete(subjects::delete)),
        ("/subjects/{subject}/versions", get(versions::list).post(versions::register)),
        (
            "/subjects/{subject}/versions/{version}",
            get(versions::by_number).delete(versions::delete),
        ),
        ("/subjects/{subject}/versions/{version}/schema", get(versions::text)),
        ("/subjects/{subject}/versions/{version}/referencedby", get(versions::referenced_by)),
        ("/compatibility/subjects/{subject}/versions", post(compatibility::with_all)),
        ("/compatibility/subjects/{subject}/versions/{version}", post(compatibility::with_one)),
        ("/config", get(config::of_all).put(config::set_for_all).delete(config::reset_for_all)),
        (
            "/config/{subject}",
            get(config::of_one).put(config::set_for_one).delete(config::reset_for_one),
        ),
        ("/mode", get(mode::of_all).put(mode::set_for_all).delete(mode::reset_for_all)),
        ("/mode/{subject}", get(mode::of_one).put(mode::set_for_one).delete(mode::reset_for_one)),
    ]
}

impl Shared {
    /// Runs what a handler does where it may block.
    async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Log) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let done = tokio::task::spawn_blocking(move || work(&self.log)).await;
        done.unwrap_or_else(|_| Err(ApiError::plain(StatusCode::INTERNAL_SERVER_ERROR)))
    }
}

/// An answer in JSON.
struct Reply(Value);

impl Reply {
    fn new(answer: impl Serialize) -> Self {
        Self(serde_json::to_value(answer).expect("keys of these maps are strings"))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        text(self.0.to_string())
    }
}

/// An answer that is JSON already, such as a schema.
fn text(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    let content_type = HeaderValue::from_static(CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// Reads a body. Nothing, and what says so, is not what was asked for; what is no JSON, or JSON of
/// another form, is no request.
fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let null = || ApiError::unprocessable("the body must not be null (was null)");
    if bytes.trim_ascii().is_empty() {
        return Err(null());
    }
    let bad = |error: serde_json::Error| ApiError::bad_request(error.to_string());
    match serde_json::from_slice(bytes).map_err(bad)? {
        Value::Null => Err(null()),
        object @ Value::Object(_) => serde_json::from_value(object).map_err(bad),
        other => {
            let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
            Err(ApiError::bad_request(lenient::mismatched(name, &other)))
        }
    }
}

/// Refuses a body that says itself that it is too large, without waiting for it.
async fn announced_length(State(limit): State<usize>, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return ApiError::plain(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    next.run(request).await
}

async fn authenticated(State(shared): App, request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION);
    match &shared.credentials {
        Some(credentials) if !credentials.admit(header) => {
            let mut response = ApiError::plain(StatusCode::UNAUTHORIZED).into_response();
            let challenge = HeaderValue::from_static("Basic realm=\"schema registry\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
        _ => next.run(request).await,
    }
}

/// Errors that axum found, such as a path that leads nowhere, have a text of their own: clients
/// expect a code and a message.
async fn in_registry_form(response: Response) -> Response {
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
