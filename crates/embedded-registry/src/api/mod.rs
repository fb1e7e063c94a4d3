//! The REST API: its routes, and the layers around them. Each resource is a file.
//!
//! Handlers parse the request and do their work on a thread that may block, because writes wait for
//! the cluster and comparing large schemas takes time.

mod app;
mod body;
mod compatibility;
mod config;
mod guids;
mod layers;
mod media;
mod mode;
mod params;
mod paths;
mod permission;
mod reply;
mod root;
mod schemas;
mod settings;
mod subjects;
mod versions;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};

pub(crate) use app::Shared;
use config::Compatibility;
use layers::{authenticated, content_length, in_registry_form};
use mode::WriteMode;
use settings::Setting;

/// Builds the router with all routes.
pub(crate) fn router(shared: Arc<Shared>, body_limit_bytes: usize) -> Router {
    let mut router = Router::new();
    for (path, methods) in routes() {
        router = router.route(path, methods.route_layer(middleware::from_fn(media::negotiated)));
    }
    let router = router
        .layer(DefaultBodyLimit::max(body_limit_bytes))
        .layer(middleware::from_fn_with_state(body_limit_bytes, content_length))
        .layer(middleware::from_fn_with_state(shared.clone(), authenticated))
        .layer(middleware::map_response(in_registry_form))
        .with_state(shared);
    // A layer inside the router would see the path only after the route is matched.
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
        ("/config", for_all::<Compatibility>()),
        ("/config/{subject}", for_one::<Compatibility>()),
        ("/mode", for_all::<WriteMode>()),
        ("/mode/{subject}", for_one::<WriteMode>()),
    ]
}

fn for_all<S: Setting>() -> MethodRouter<Arc<Shared>> {
    get(settings::of_all::<S>).put(settings::set_for_all::<S>).delete(settings::reset_for_all::<S>)
}

fn for_one<S: Setting>() -> MethodRouter<Arc<Shared>> {
    get(settings::of_one::<S>).put(settings::set_for_one::<S>).delete(settings::reset_for_one::<S>)
}
