//! Versions that Kafka has and the codec does not know yet. Each has the fields of the last one
//! that it knows, or some more, which are read here.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::ApiKey;

/// The version of ApiVersions that names the cluster and the node that the client means (KIP-1242).
pub(super) const NAMES_THE_NODE: i16 = 5;

/// Returns the version to decode a request with, and to encode its response.
pub(super) fn version_of_the_codec(api: ApiKey, version: i16) -> i16 {
    match (api, version) {
        // It knows one more special timestamp (KIP-1023).
        (ApiKey::ListOffsets, 11) => 10,
        (ApiKey::ApiVersions, NAMES_THE_NODE) => 4,
        _ => version,
    }
}

/// Leaves out the fields of a request that the codec does not know. Its shape has been checked.
pub(super) fn body_for_the_codec(api: ApiKey, version: i16, body: &Bytes) -> Bytes {
    match (api, version) {
        (ApiKey::ApiVersions, NAMES_THE_NODE) => {
            let meant = Meant::read(body);
            [&body[..meant.begins], &body[meant.ends..]].concat().into()
        }
        _ => body.clone(),
    }
}

/// The cluster and the node that a client means to reach.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) cluster_id: Option<Bytes>,
    /// The node's id, -1 if the client does not know it.
    pub(super) node_id: i32,
    begins: usize,
    ends: usize,
}

impl Meant {
    /// Reads the body of ApiVersions, whose shape has been checked.
    pub(super) fn read(body: &Bytes) -> Self {
        let mut left = body.clone();
        let _name = compact_string(&mut left);
        let _version = compact_string(&mut left);
        let begins = body.len() - left.len();
        let cluster_id = compact_string(&mut left);
        let node_id = left.try_get_i32().unwrap_or(-1);
        Self { cluster_id, node_id, begins, ends: body.len() - left.len() }
    }
}

/// Reads a string after its length plus one, as a varint; 0 stands for null.
fn compact_string(left: &mut Bytes) -> Option<Bytes> {
    let (mut length, mut shift) = (0, 0);
    while let (Ok(byte), ..32) = (left.try_get_u8(), shift) {
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let length = length.checked_sub(1)?;
    Some(left.split_to(length.min(left.len())))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ApiVersionsRequest;
    use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

    use super::*;

    #[test]
    fn the_fields_of_version_5_are_read_and_left_out_for_the_codec() {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_string("n".repeat(200)))
            .with_client_software_version(StrBytes::from_static_str("4.4.0"));
        let mut known = Vec::new();
        request.encode(&mut known, 4).unwrap();
        let (tags, fields) = known.split_last().unwrap();
        for (cluster, node, wire) in [
            (Some("ab"), 2, &[3, b'a', b'b', 0, 0, 0, 2][..]),
            (None, -1, &[0, 255, 255, 255, 255]),
        ] {
            let body: Bytes = [fields, wire, &[*tags]].concat().into();
            let meant = Meant::read(&body);
            assert_eq!(meant.cluster_id.as_deref(), cluster.map(str::as_bytes));
            assert_eq!(meant.node_id, node);
            let mut left = body_for_the_codec(ApiKey::ApiVersions, NAMES_THE_NODE, &body);
            assert_eq!(ApiVersionsRequest::decode(&mut left, 4).unwrap(), request);
        }
    }

    #[test]
    fn bytes_that_end_too_early_do_not_panic() {
        for length in 0..4 {
            Meant::read(&vec![0xff; length].into());
        }
    }
}
