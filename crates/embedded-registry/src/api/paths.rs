//! Normalizes paths: a trailing slash and the default context are removed.

use axum::extract::Request;
use axum::http::Uri;

/// Prefixes of a subject that mean the default context.
const DEFAULT_CONTEXT: [&str; 2] = [":.:", ":*:"];

/// Rewrites the request's path to the form of the routes.
pub(super) async fn in_one_form(mut request: Request) -> Request {
    let path = request.uri().path();
    let mut plain = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
    if let Some(inner) = plain.strip_prefix("/contexts/") {
        let (context, rest) = inner.split_once('/').unwrap_or((inner, ""));
        let context = context.replace("%3A", ":").replace("%3a", ":");
        if [".", ":.:", ":.", ".:"].contains(&context.as_str()) {
            plain = &inner[inner.len() - rest.len()..];
        }
    }
    if plain == path {
        return request;
    }
    let slash = if plain.starts_with('/') { "" } else { "/" };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(uri) = format!("{slash}{plain}{query}").parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

/// Removes the default context from a subject or a prefix of one.
pub(super) fn in_default_context(subject: &str) -> &str {
    let mut prefixes = DEFAULT_CONTEXT.iter();
    prefixes.find_map(|prefix| subject.strip_prefix(prefix)).unwrap_or(subject)
}
