//! Content negotiation: the content types that the registry accepts and returns.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::{ApiError, CONTENT_TYPE};

/// Content types of a response, in order of preference.
const PRODUCED: [&str; 3] =
    [CONTENT_TYPE, "application/vnd.schemaregistry+json", "application/json"];

/// Content types of a request's body. All of them are JSON.
const CONSUMED: [&str; 4] = [PRODUCED[0], PRODUCED[1], PRODUCED[2], "application/octet-stream"];

/// Rejects a request with another content type than JSON, or whose client accepts none of the
/// registry's, before the request is handled.
pub(super) async fn negotiated(request: Request, next: Next) -> Response {
    let has_body = matches!(request.method().as_str(), "POST" | "PUT");
    if has_body && !is_consumed(request.headers()) {
        return ApiError::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE).into_response();
    }
    let Some(content_type) = wanted(request.headers()) else {
        return ApiError::plain(StatusCode::NOT_ACCEPTABLE).into_response();
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // Errors of axum itself are not in the registry's form yet.
    if headers.get(header::CONTENT_TYPE).is_some_and(|it| it == CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// Returns whether the content type is accepted. A body without one counts as JSON.
fn is_consumed(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let content_type = content_type.to_str().unwrap_or_default();
    let name = content_type.split(';').next().unwrap_or_default().trim();
    CONSUMED.iter().any(|consumed| consumed.eq_ignore_ascii_case(name))
}

/// Returns the content type that the client prefers.
fn wanted(headers: &HeaderMap) -> Option<&'static str> {
    let mut ranges = Vec::new();
    for accept in headers.get_all(header::ACCEPT) {
        let accept = accept.to_str().unwrap_or_default();
        ranges.extend(accept.split(',').map(str::trim).filter(|range| !range.is_empty()));
    }
    if ranges.is_empty() {
        return Some(CONTENT_TYPE);
    }
    let mut best: Option<(f32, &'static str)> = None;
    for produced in PRODUCED {
        let quality = quality(&ranges, produced);
        if quality > best.map_or(0.0, |(quality, _)| quality) {
            best = Some((quality, produced));
        }
    }
    best.map(|(_, produced)| produced)
}

/// Returns the client's preference for a content type, from 0 to 1; the most specific range wins.
fn quality(ranges: &[&str], produced: &str) -> f32 {
    let mut found: (u8, f32) = (0, 0.0);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let precision = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "*/*" => 1,
            "application/*" => 2,
            name if name == produced => 3,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok());
        if precision > found.0 {
            found = (precision, quality.unwrap_or(1.0));
        }
    }
    found.1
}
