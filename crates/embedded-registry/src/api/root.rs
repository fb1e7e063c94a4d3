//! The root, which clients use as a health check, and the metadata of the registry.

use axum::extract::State;
use serde_json::json;

use super::app::App;
use super::reply::Reply;

pub(super) async fn nothing() -> Reply {
    Reply(json!({}))
}

/// Lists the only context, the default one.
pub(super) async fn contexts() -> Reply {
    Reply(json!(["."]))
}

pub(super) async fn cluster_id(State(shared): App) -> Reply {
    let clusters = json!({
        "kafka-cluster": shared.log.cluster_id,
        "schema-registry-cluster": "schema-registry",
    });
    Reply(json!({ "scope": { "path": [], "clusters": clusters }, "id": "" }))
}

pub(super) async fn version() -> Reply {
    Reply(json!({ "version": env!("CARGO_PKG_VERSION"), "commitId": "" }))
}
