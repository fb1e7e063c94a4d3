//! The error response of each API.

use kafka_protocol::ResponseError;

use super::super::can_be_rejected;
use super::shapes::Maker;
use super::{apis, served_versions};

#[test]
fn every_version_of_every_api_can_say_its_error() {
    let error = ResponseError::NotEnoughReplicas;
    let shown = format!("{error} ({})", error.code());
    for (api, codec) in apis() {
        for version in served_versions(api, codec) {
            let requests = (0..20).map(|seed| Maker::request(api.shape, version, seed, 0));
            // A request that lists nothing may have no place for the error.
            let mut words = requests.map(|it| (codec.rejected)(&it, version, error.code()));
            assert!(words.any(|it| it.contains(&shown)), "{} v{version}", api.name);
        }
    }
}

#[test]
fn every_api_but_api_versions_can_be_rejected_on_purpose() {
    let cannot = apis().filter(|(api, _)| !can_be_rejected(api.key)).map(|(api, _)| api.name);
    assert_eq!(cannot.collect::<Vec<_>>(), ["ApiVersions"]);
}
