//! The header of a request, which has the same fields in every API.

use super::shape::{Kind, Shape, field};
use super::walk::{MalformedRequest, walk};

/// The fields of a request's header. Its version is the header's own, which the request's API and
/// version decide.
pub(crate) const SHAPE: Shape = Shape::flexible_since(
    2,
    &[
        field("request_api_key", Kind::Int16),
        field("request_api_version", Kind::Int16),
        field("correlation_id", Kind::Int32),
        field("client_id", Kind::PlainString).since(1),
    ],
);

/// Checks that the header at the beginning of `frame` is whole, and returns its length in bytes.
///
/// `frame` begins with the API key. `header_version` is the header's own version (1 or 2), which
/// the API and its version decide.
///
/// # Errors
///
/// [`MalformedRequest`] if the header claims more than the frame holds.
pub(crate) fn check_header(header_version: i16, frame: &[u8]) -> Result<usize, MalformedRequest> {
    Ok(walk(&SHAPE, header_version, frame)?.bytes)
}
