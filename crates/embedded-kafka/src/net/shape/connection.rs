//! The requests about a connection: versions, authentication, and the header of every request.

use super::schema::Kind::{Bytes, Int16, Int32, PlainString, String};
use super::schema::{NEVER, Shape, field, shape};

pub(super) const API_VERSIONS: Shape = shape(
    3,
    &[
        field("client_software_name", String).since(3),
        field("client_software_version", String).since(3),
        field("cluster_id", String).since(5),
        field("node_id", Int32).since(5),
    ],
);

pub(super) const SASL_HANDSHAKE: Shape = shape(NEVER, &[field("mechanism", String)]);

pub(super) const SASL_AUTHENTICATE: Shape = shape(2, &[field("auth_bytes", Bytes)]);

/// Every request begins with it. The version is the header's own, which the request's API and
/// version decide.
pub(super) const REQUEST_HEADER: Shape = shape(
    2,
    &[
        field("request_api_key", Int16),
        field("request_api_version", Int16),
        field("correlation_id", Int32),
        field("client_id", PlainString).since(1),
    ],
);
