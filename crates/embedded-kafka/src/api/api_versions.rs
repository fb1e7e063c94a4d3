//! ApiVersions: which APIs there are, and in which versions. The first thing every client asks
//! (KIP-35).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::{Context, SUPPORTED};

pub(super) fn handle(
    request: ApiVersionsRequest,
    version: i16,
    _context: &Context,
) -> ApiVersionsResponse {
    // From version 3 on a client says what it is, in a form that metrics can be labelled with (KIP-511).
    let named = |name: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        name.bytes().all(inner)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.ends_with(|last: char| last.is_ascii_alphanumeric())
    };
    if version >= 3
        && !(named(&request.client_software_name) && named(&request.client_software_version))
    {
        return ApiVersionsResponse::default().with_error_code(ResponseError::InvalidRequest.code());
    }
    ApiVersionsResponse::default().with_api_keys(supported())
}

/// The answer, in version 0, to a version that is not served: what the client may ask with instead.
pub(super) fn unsupported_version() -> ApiVersionsResponse {
    ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.code())
        .with_api_keys(supported())
}

fn supported() -> Vec<ApiVersion> {
    SUPPORTED
        .iter()
        .map(|&(api, lowest, highest)| {
            ApiVersion::default()
                .with_api_key(api as i16)
                .with_min_version(lowest)
                .with_max_version(highest)
        })
        .collect()
}
