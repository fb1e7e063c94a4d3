//! ApiVersions, versions 0 to 5: which APIs there are, and in which versions. The first thing every
//! client asks (KIP-35).
//!
//! From version 3 on the answer also tells what the cluster's features are (KIP-584), and since
//! version 5 a client may say whom it means to reach, so that it learns at once that another cluster or
//! node has taken over the address (KIP-1242).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::newer::{Meant, NAMES_THE_NODE};
use super::{Answer, Call, Context, SUPPORTED};

/// What the cluster can do and has agreed on, as Kafka 4.4 has it: name, lowest and highest level, and
/// the level in force (0 for none).
const FEATURES: [(&str, i16, i16, i16); 5] = [
    ("eligible.leader.replicas.version", 0, 1, 1),
    ("group.version", 0, 1, 1),
    ("kraft.version", 0, 1, 0),
    ("metadata.version", 7, 33, 33),
    // The second version of transactions (KIP-890) is not here.
    ("transaction.version", 0, 1, 1),
];

/// The first version that tells of features.
const TELLS_FEATURES: i16 = 3;

/// The first version whose clients understand a feature that begins with level 0 (KAFKA-17011).
const BEGINS_WITH_ZERO: i16 = 4;

pub(super) async fn answer(request: ApiVersionsRequest, call: &Call, context: &Context) -> Answer {
    let asked = context.in_words(&request);
    let response = match check(&request, call, context) {
        Ok(()) => ApiVersionsResponse::default().with_api_keys(supported()),
        Err(error) => ApiVersionsResponse::default().with_error_code(error.code()),
    };
    let tells_features = call.version >= TELLS_FEATURES && response.error_code == 0;
    let response = if tells_features { with_features(response, call.version) } else { response };
    call.respond(response, asked, context, [])
}

fn check(request: &ApiVersionsRequest, call: &Call, context: &Context) -> Result<(), ResponseError> {
    // From version 3 on a client says what it is, in a form that metrics can be labelled with (KIP-511).
    let named = |name: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        name.bytes().all(inner)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.ends_with(|last: char| last.is_ascii_alphanumeric())
    };
    if call.version >= 3
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
        meant if meant.cluster_id.as_deref() == Some(cluster_id) && meant.node_id == context.node => {
            Ok(())
        }
        _ => Err(ResponseError::RebootstrapRequired),
    }
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

fn with_features(response: ApiVersionsResponse, version: i16) -> ApiVersionsResponse {
    let told = FEATURES.iter().filter(|(_, lowest, ..)| version >= BEGINS_WITH_ZERO || *lowest > 0);
    let supported = told.clone().map(|(name, lowest, highest, _)| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version(*lowest)
            .with_max_version(*highest)
    });
    let in_force = told.filter(|(.., level)| *level > 0).map(|(name, .., level)| {
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
