//! The protocol's own names for APIs and errors, as users type them.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;

use crate::api;

/// The highest error code that Kafka has given a name to is well below this.
const ERROR_CODES: std::ops::RangeInclusive<i16> = -1..=200;

/// Returns the API with this name in the protocol, such as `Produce`, if this cluster serves it.
/// Case, hyphens and underscores make no difference.
pub fn api_named(name: &str) -> Option<ApiKey> {
    let mut served = api::SERVED.iter().map(|api| api.key);
    served.find(|api| plain(&api_name(*api)) == plain(name))
}

/// Returns the protocol's name of an API, such as `Produce`.
pub fn api_name(api: ApiKey) -> String {
    format!("{api:?}")
}

/// Returns the APIs whose requests can get an error on purpose.
pub fn failing_api_names() -> Vec<String> {
    let served = api::SERVED.iter().map(|api| api.key);
    served.filter(|api| api::can_be_rejected(*api)).map(api_name).collect()
}

/// Returns the error with this name in the protocol, such as `NOT_ENOUGH_REPLICAS`. Case, hyphens
/// and underscores make no difference.
pub fn error_named(name: &str) -> Option<ResponseError> {
    let mut known = ERROR_CODES
        .filter_map(ResponseError::try_from_code)
        .filter(|error| !matches!(error, ResponseError::Unknown(_)));
    known.find(|error| plain(&error_name(*error)) == plain(name))
}

/// Returns the protocol's name of an error, such as `NOT_ENOUGH_REPLICAS`.
pub fn error_name(error: ResponseError) -> String {
    let mut name = String::new();
    for letter in format!("{error:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_found_however_its_name_is_written() {
        for name in ["InitProducerId", "initproducerid", "INIT_PRODUCER_ID", "init-producer-id"] {
            assert_eq!(api_named(name), Some(ApiKey::InitProducerId), "{name}");
        }
        // Kafka has it, but this cluster does not serve it to clients.
        assert_eq!(api_named("BrokerHeartbeat"), None);
        assert!(failing_api_names().contains(&"Produce".to_owned()));
        assert!(!failing_api_names().contains(&"ApiVersions".to_owned()));
    }

    #[test]
    fn an_error_is_found_by_the_name_that_it_shows() {
        assert_eq!(error_name(ResponseError::NotEnoughReplicas), "NOT_ENOUGH_REPLICAS");
        for error in [ResponseError::NotLeaderOrFollower, ResponseError::UnknownServerError] {
            assert_eq!(error_named(&error_name(error)), Some(error));
        }
        assert_eq!(error_named("not_enough_coffee"), None);
    }
}
