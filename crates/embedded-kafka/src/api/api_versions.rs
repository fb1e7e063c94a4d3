//! ApiVersions (key 18, versions 0–5)
//!
//! Lists the APIs that are served, and their versions. It is the first request of every client
//! (KIP-35).
//!
//! A version above the highest gets a response all the same, in version 0 and with
//! UNSUPPORTED_VERSION, so that the client learns which version it can use.
//!
//! Version notes:
//!
//! - v3: flexible encoding (KIP-482), name and version of the client (KIP-511), the cluster's
//!   features (KIP-584)
//! - v4: features that begin with level 0 (KAFKA-17011)
//! - v5: the cluster and the node that the client wants to reach: REBOOTSTRAP_REQUIRED if another
//!   has taken over the address (KIP-1242)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::call::{Call, Reply};
use super::context::Context;
use super::newer::{Meant, NAMES_THE_NODE};
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::wire::shape::{Kind, Shape, field};

/// The features of the cluster, as Kafka 4.4 has them: name, lowest and highest level, and the
/// level in force (0 for none).
const FEATURES: [(&str, i16, i16, i16); 5] = [
    ("eligible.leader.replicas.version", 0, 1, 1),
    ("group.version", 0, 1, 1),
    ("kraft.version", 0, 1, 0),
    ("metadata.version", 7, 33, 33),
    // This cluster does not support the second version of transactions (KIP-890).
    ("transaction.version", 0, 1, 1),
];

/// The first version that names the client (KIP-511).
const NAMES_THE_CLIENT: i16 = 3;

/// The first version with the cluster's features (KIP-584).
const TELLS_FEATURES: i16 = 3;

/// The first version whose clients understand a feature that begins with level 0 (KAFKA-17011).
const BEGINS_WITH_ZERO: i16 = 4;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    3,
    &[
        field("client_software_name", Kind::String).since(3),
        field("client_software_version", Kind::String).since(3),
        field("cluster_id", Kind::String).since(5),
        field("node_id", Kind::Int32).since(5),
    ],
);

pub(super) async fn respond(request: ApiVersionsRequest, call: &Call, context: &Context) -> Reply {
    let asked = context.asked(|| describe(&request));
    let response = match check(&request, call, context) {
        Ok(()) => ApiVersionsResponse::default().with_api_keys(served(call)),
        Err(error) => ApiVersionsResponse::default().with_error_code(error.code()),
    };
    let tells_features = call.version >= TELLS_FEATURES && response.error_code == 0;
    let response = if tells_features { with_features(response, call.version) } else { response };
    call.respond(&response, outcomes, asked, context, [])
}

fn check(
    request: &ApiVersionsRequest,
    call: &Call,
    context: &Context,
) -> Result<(), ResponseError> {
    // The client's name and version become labels of metrics (KIP-511).
    let named = |name: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        name.bytes().all(inner)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.ends_with(|last: char| last.is_ascii_alphanumeric())
    };
    if call.version >= NAMES_THE_CLIENT
        && !(named(&request.client_software_name) && named(&request.client_software_version))
    {
        return Err(ResponseError::InvalidRequest);
    }
    if call.version < NAMES_THE_NODE {
        return Ok(());
    }
    let cluster_id = context.state.metadata.cluster_id().as_bytes();
    match Meant::read(&call.body) {
        Meant { cluster_id: None, node_id: -1, .. } => Ok(()),
        Meant { cluster_id: None, .. } | Meant { node_id: -1, .. } => {
            Err(ResponseError::InvalidRequest)
        }
        meant
            if meant.cluster_id.as_deref() == Some(cluster_id) && meant.node_id == context.node =>
        {
            Ok(())
        }
        _ => Err(ResponseError::RebootstrapRequired),
    }
}

/// Responds in version 0 to a version that is not served, with the versions that the client can
/// use.
pub(super) fn unsupported_version(call: &Call) -> ApiVersionsResponse {
    ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.code())
        .with_api_keys(served(call))
}

fn served(call: &Call) -> Vec<ApiVersion> {
    call.served
        .iter()
        .map(|api| {
            ApiVersion::default()
                .with_api_key(api.key as i16)
                .with_min_version(api.lowest)
                .with_max_version(api.highest)
        })
        .collect()
}

fn with_features(response: ApiVersionsResponse, version: i16) -> ApiVersionsResponse {
    let supported_here =
        FEATURES.iter().filter(|(_, lowest, ..)| version >= BEGINS_WITH_ZERO || *lowest > 0);
    let supported = supported_here.clone().map(|(name, lowest, highest, _)| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version(*lowest)
            .with_max_version(*highest)
    });
    let in_force = supported_here.filter(|(.., level)| *level > 0).map(|(name, .., level)| {
        FinalizedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version_level(*level)
            .with_max_version_level(*level)
    });
    response
        .with_supported_features(supported.collect())
        // It grows with each change of a level, and none ever changes.
        .with_finalized_features_epoch(0)
        .with_finalized_features(in_force.collect())
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: ApiVersionsRequest,
    _version: i16,
    code: i16,
) -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(_request: &ApiVersionsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ApiVersionsResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
