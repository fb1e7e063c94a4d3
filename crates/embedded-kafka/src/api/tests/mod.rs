//! Tests of all APIs together, of one partition as its clients see it, and of settings against a
//! store with one topic.

mod alter_configs;
mod compaction;
mod config_store;
mod describe_configs;
mod incremental_alter_configs;
mod partition;
mod rejections;
mod shapes;
mod transactions;
mod words;

use bytes::Bytes;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::{Decodable, Encodable, Message, VersionRange};

use super::{Api, CODECS, SERVED};

/// The number of bytes that were decoded, and the bytes of the value encoded again.
type Decoded = Result<(usize, Bytes), String>;

/// Test access to the requests and responses of an API.
pub(super) struct Codec {
    pub(super) key: ApiKey,
    /// The versions that the codec has, of which some may not be served.
    pub(super) versions: VersionRange,
    /// Encodes a default request.
    pub(super) default: fn(i16) -> Bytes,
    /// Decodes a request and encodes it again.
    pub(super) decoded: fn(&Bytes, i16) -> Decoded,
    /// Returns how many bytes the decoder takes, if it decodes them.
    pub(super) consumed: fn(&Bytes, i16) -> Option<usize>,
    /// Decodes a response, and returns all its fields, and its description in words.
    pub(super) shown: fn(i16, &mut words::Endless) -> (String, String),
    /// Rejects a request with an error code, and returns the description of the response.
    pub(super) rejected: fn(&Bytes, i16, i16) -> String,
}

macro_rules! codec {
    ($api:ident, $request:ident, $module:ident) => {
        tests::Codec {
            key: ApiKey::$api,
            versions: tests::versions_of::<messages::$request>(),
            default: tests::default_of::<messages::$request>,
            decoded: tests::decoded::<messages::$request>,
            consumed: tests::consumed::<messages::$request>,
            shown: |version, bytes| {
                use kafka_protocol::protocol::{Decodable, Request};
                type Response = <messages::$request as Request>::Response;
                let response = Response::decode(bytes, version).unwrap();
                let words = $module::outcomes(&response).in_words(&words::Asked::default());
                (format!("{response:?}"), words)
            },
            rejected: |bytes, version, code| {
                use kafka_protocol::protocol::{Decodable, Encodable};
                let request = messages::$request::decode(&mut bytes.clone(), version).unwrap();
                let response = $module::reject(request, version, code);
                response.encode(&mut Vec::new(), version).unwrap();
                $module::outcomes(&response).in_words(&words::Asked::default())
            },
        }
    };
}
pub(super) use codec;

pub(super) const fn versions_of<T: Message>() -> VersionRange {
    T::VERSIONS
}

pub(super) fn default_of<T: Encodable + Default>(version: i16) -> Bytes {
    encoded(&T::default(), version)
}

pub(super) fn decoded<T: Decodable + Encodable>(bytes: &Bytes, version: i16) -> Decoded {
    let mut left = bytes.clone();
    let request = T::decode(&mut left, version).map_err(|error| error.to_string())?;
    Ok((bytes.len() - left.len(), encoded(&request, version)))
}

pub(super) fn consumed<T: Decodable>(bytes: &Bytes, version: i16) -> Option<usize> {
    let mut left = bytes.clone();
    T::decode(&mut left, version).ok().map(|_| bytes.len() - left.len())
}

fn encoded<T: Encodable>(request: &T, version: i16) -> Bytes {
    let mut bytes = Vec::new();
    request.encode(&mut bytes, version).unwrap();
    bytes.into()
}

/// Returns the APIs that are served, each with its codec.
fn apis() -> impl Iterator<Item = (&'static Api, &'static Codec)> {
    SERVED.iter().zip(CODECS).inspect(|(api, codec)| assert_eq!(api.key, codec.key))
}

/// Returns the versions of an API that are served and that the codec has.
fn served_versions(api: &Api, codec: &Codec) -> impl Iterator<Item = i16> + use<> {
    let VersionRange { min, max } = codec.versions;
    (min..=max).filter({
        let (lowest, highest) = (api.lowest, api.highest);
        move |version| (lowest..=highest).contains(version)
    })
}
